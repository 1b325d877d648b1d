import * as vscode from 'vscode';
import { isActive } from '../runs/format';
import type { EditorContext } from './context';
import type { KnownRun } from './run-library';
import { samplesText } from './samples-text';

export const SAMPLES_SCHEME = 'align-samples';

/** At most two refreshes a second of an open document. */
const REFRESH_MS = 500;

/** A run's samples as a read-only document that follows the run. */
export function register(context: EditorContext): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const wanted = new Map<string, { dispose(): void }>();
  const pending = new Map<string, NodeJS.Timeout>();
  const refresh = (id: string): void => {
    if (pending.has(id)) return;
    const timer = setTimeout(() => {
      pending.delete(id);
      for (const { uri } of vscode.workspace.textDocuments) {
        if (uri.scheme === SAMPLES_SCHEME && runOf(uri).id === id) changed.fire(uri);
      }
    }, REFRESH_MS);
    pending.set(id, timer);
  };
  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerTextDocumentContentProvider(SAMPLES_SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => {
        const { id, step } = runOf(uri);
        const known = context.runs.get(id);
        if (!known)
          return context.runs.allLoaded ? `There is no run ${id} in this workspace any more.\n` : 'Reading …\n';
        if (!wanted.has(id)) wanted.set(id, context.runs.want(id));
        return samplesText(known.run.stage, known.samples, { step, active: isActive(known.state) });
      },
    }),
    context.runs.onRows(({ run }) => {
      if (wanted.has(run.run.id)) refresh(run.run.id);
    }),
    context.runs.onRuns((runs) => {
      for (const { run } of runs) refresh(run.id);
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme !== SAMPLES_SCHEME) return;
      wanted.get(runOf(uri).id)?.dispose();
      wanted.delete(runOf(uri).id);
    }),
    new vscode.Disposable(() => {
      for (const timer of pending.values()) clearTimeout(timer);
      for (const handle of wanted.values()) handle.dispose();
    }),
  );
}

/** Opens the samples of a run, or of one step of it. */
export async function openSamples({ run: { id, stage } }: KnownRun, step?: number): Promise<void> {
  // The ending gives the document its language, also when the window comes back after a reload.
  const name = step === undefined ? `${stage}.samples` : `${stage} step ${step}.samples`;
  const query = step === undefined ? '' : `step=${step}`;
  const uri = vscode.Uri.from({ scheme: SAMPLES_SCHEME, path: `/${id}/${name}`, query });
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: true });
}

function runOf(uri: vscode.Uri): { id: string; step: number | undefined } {
  const id = uri.path.split('/')[1] ?? '';
  const step = /^step=(\d+)$/.exec(uri.query)?.[1];
  return { id, step: step === undefined ? undefined : Number(step) };
}

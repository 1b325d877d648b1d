import { join } from 'node:path';
import * as vscode from 'vscode';
import { isFromCurves, type FromCurves, type ToCurves } from '../../protocol/curves';
import { showError, type EditorContext } from '../context';
import { webviewPage, webviewRoot } from '../webview-page';
import { csvOf, curveRun, rowBatch, withDistinctLabels } from './curve-data';
import type { KnownRun } from '../runs/run-library';

export const CURVES_VIEW = 'alignment-lab.curves';

/** Rows are gathered for one frame of the screen before they are sent. */
const FRAME_MS = 16;
/** "3 min ago" grows old without an event. */
const AGE_MS = 30_000;

let panel: CurvesView | undefined;

/** The curves panel: one for the window, which comes back after a reload with what it showed. */
export function register(context: EditorContext): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.window.registerWebviewPanelSerializer(CURVES_VIEW, {
      deserializeWebviewPanel: async (restored) => {
        panel?.dispose();
        panel = new CurvesView(context, restored);
      },
    }),
    new vscode.Disposable(() => panel?.stop()),
  );
}

/** Opens the panel beside the editor, or brings it to the front, and shows these runs in it. */
export function openCurves(context: EditorContext, runs: readonly string[], preserveFocus = true): void {
  if (!panel) {
    const column = vscode.window.activeTextEditor ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    const created = vscode.window.createWebviewPanel(
      CURVES_VIEW,
      'Curves',
      { viewColumn: column, preserveFocus },
      webviewOptions(context),
    );
    panel = new CurvesView(context, created);
  } else {
    panel.reveal(preserveFocus);
  }
  if (runs.length > 0) panel.show(runs);
}

function webviewOptions(context: EditorContext): vscode.WebviewOptions {
  const root = webviewRoot(context.extension);
  return { enableScripts: true, localResourceRoots: [root] };
}

class CurvesView {
  private ready = false;
  private gone = false;
  private toShow: readonly string[] = [];
  private frame: NodeJS.Timeout | undefined;
  private listDirty = true;
  private lastList = '';
  /** Rows that the panel holds, by run. */
  private readonly sent = new Map<string, number>();
  private readonly wanted = new Map<string, { dispose(): void }>();
  private readonly subscriptions: { dispose(): void }[];

  constructor(
    private readonly context: EditorContext,
    private readonly view: vscode.WebviewPanel,
  ) {
    view.webview.options = webviewOptions(context);
    const media = (name: string) => vscode.Uri.joinPath(context.extension.extensionUri, 'media', name);
    view.iconPath = { light: media('align-light.svg'), dark: media('align-dark.svg') };
    const age = setInterval(() => this.listChanged(), AGE_MS);
    this.subscriptions = [
      view.webview.onDidReceiveMessage((message: unknown) => {
        if (isFromCurves(message)) void this.receive(message);
        else context.log.warn('The curves panel sent a message that is not understood.');
      }),
      view.onDidDispose(() => this.stop()),
      context.runs.onRuns(() => this.listChanged()),
      context.runs.onRows(({ run, reset }) => {
        if (reset) this.sent.set(run.run.id, 0);
        this.listChanged();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.listChanged()),
      { dispose: () => clearInterval(age) },
    ];
    view.webview.html = webviewPage(view.webview, webviewRoot(context.extension), 'curves', 'Curves');
  }

  reveal(preserveFocus: boolean): void {
    this.view.reveal(undefined, preserveFocus);
  }

  show(runs: readonly string[]): void {
    this.toShow = runs;
    this.soon();
  }

  dispose(): void {
    this.view.dispose();
  }

  stop(): void {
    if (this.gone) return;
    this.gone = true;
    clearTimeout(this.frame);
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const handle of this.wanted.values()) handle.dispose();
    if (panel === this) panel = undefined;
  }

  private async receive(message: FromCurves): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        this.sent.clear();
        this.lastList = '';
        this.listChanged();
        return;
      case 'watch':
        this.watch(message.runs);
        return;
      case 'resync':
        this.sent.set(message.run, 0);
        this.soon();
        return;
      case 'action':
        await vscode.commands.executeCommand(ACTIONS[message.action], message.run, message.step);
        return;
      case 'open-config': {
        const file = this.context.experiments.configFiles[0];
        if (file) await vscode.window.showTextDocument(vscode.Uri.file(file), { viewColumn: vscode.ViewColumn.One });
        else await vscode.commands.executeCommand('alignment-lab.openQuickstart');
        return;
      }
      case 'export':
        await this.exportCsv(message.runs).catch((error: unknown) => showError(this.context, error));
        return;
      case 'drawn':
        this.context.log.info(`The curves panel drew the first point of ${message.run}.`);
        return;
    }
  }

  private watch(runs: readonly string[]): void {
    for (const [id, handle] of this.wanted) {
      if (runs.includes(id)) continue;
      handle.dispose();
      this.wanted.delete(id);
      this.sent.delete(id);
    }
    for (const id of runs) {
      if (!this.wanted.has(id) && this.context.runs.get(id)) this.wanted.set(id, this.context.runs.want(id));
    }
    this.watching = runs;
    this.soon();
  }

  private watching: readonly string[] = [];

  private listChanged(): void {
    this.listDirty = true;
    this.soon();
  }

  private soon(): void {
    if (!this.ready || this.gone) return;
    this.frame ??= setTimeout(() => {
      this.frame = undefined;
      this.flush();
    }, FRAME_MS);
  }

  /** Sends what changed since the last frame: the list, then the new rows, then what to show. */
  private flush(): void {
    if (this.listDirty) {
      this.listDirty = false;
      const now = Date.now();
      const runs = withDistinctLabels(this.context.runs.all.map((run) => curveRun(run, now)));
      const list = JSON.stringify(runs);
      if (list !== this.lastList || this.lastList === '') {
        this.lastList = list;
        this.post({ type: 'runs', runs, trusted: vscode.workspace.isTrusted });
      }
      // A run that was asked for before its directory was seen.
      for (const id of this.watching) {
        if (!this.wanted.has(id) && this.context.runs.get(id)) this.wanted.set(id, this.context.runs.want(id));
      }
    }
    const batches = this.watching
      .map((id) => this.context.runs.get(id))
      .filter((run): run is KnownRun => run !== undefined)
      .map(({ run, rows }) => ({ id: run.id, rows, from: Math.min(this.sent.get(run.id) ?? 0, rows.length) }))
      .filter(({ id, rows, from }) => rows.length > from || (from === 0 && !this.sent.has(id)))
      .map(({ id, rows, from }) => {
        this.sent.set(id, rows.length);
        return rowBatch(id, rows, from);
      });
    if (batches.length > 0) this.post({ type: 'rows', batches });
    if (this.toShow.length > 0 && this.toShow.every((id) => this.context.runs.get(id))) {
      this.post({ type: 'show', runs: this.toShow });
      this.toShow = [];
    }
  }

  private post(message: ToCurves): void {
    void this.view.webview.postMessage(message);
  }

  private async exportCsv(ids: readonly string[]): Promise<void> {
    const runs = ids.map((id) => this.context.runs.get(id)).filter((run) => run !== undefined);
    const first = runs[0];
    if (!first) return;
    const target = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.file(join(first.info.dir.folder, 'curves.csv')),
      filters: { CSV: ['csv'] },
    });
    if (!target) return;
    const text = csvOf(runs.map(({ run, rows }) => ({ id: run.id, rows })));
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  }
}

const ACTIONS = {
  samples: 'alignment-lab.openSamples',
  log: 'alignment-lab.openLog',
  stop: 'alignment-lab.stop',
  resume: 'alignment-lab.resume',
  branch: 'alignment-lab.branch',
  alarm: 'alignment-lab.openAlarm',
} as const;

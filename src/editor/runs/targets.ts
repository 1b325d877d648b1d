import * as vscode from 'vscode';
import type { EditorContext } from '../context';
import type { KnownRun } from './run-library';
import { stateWords } from './run-words';
import type { RunNode } from './runs-tree';
import type { StageTarget } from './start';
import { clockText } from '../words';

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** A command's argument as a stage, where it is one: `{config, stage}` of a lens, or a group of the tree. */
export function asStage(argument: unknown): StageTarget | undefined {
  if (!isFields(argument)) return undefined;
  const { config, stage } = argument;
  return typeof config === 'string' && typeof stage === 'string' ? { config, stage } : undefined;
}

/** A command's argument as a run's id, where it is one: the id itself, or an item of the tree. */
export function asRunId(argument: unknown): string | undefined {
  if (typeof argument === 'string') return argument;
  return isRunNode(argument) ? argument.id : undefined;
}

function isRunNode(argument: unknown): argument is RunNode & { kind: 'run' } {
  return isFields(argument) && argument.kind === 'run' && typeof argument.id === 'string';
}

/** Asks for a stage where a command came without one: of the open config, else of any in the workspace. */
export async function pickStage(context: EditorContext, title: string): Promise<StageTarget | undefined> {
  const active = vscode.window.activeTextEditor?.document;
  const known = active && context.experiments.get(active.uri);
  const experiments = known ? [known] : await context.experiments.read();
  const items = experiments.flatMap(({ document, outline }) =>
    outline.map(({ name, type }) => ({
      label: name,
      description: type,
      detail: experiments.length > 1 ? vscode.workspace.asRelativePath(document.uri) : undefined,
      target: { config: document.uri.fsPath, stage: name },
    })),
  );
  if (items.length > 0) return (await vscode.window.showQuickPick(items, { title }))?.target;
  const file = context.experiments.configFiles[0];
  if (!file) {
    const open = 'Open Quickstart';
    const choice = await vscode.window.showInformationMessage('There is no align.yaml in this workspace.', open);
    if (choice === open) await vscode.commands.executeCommand('alignment-lab.openQuickstart');
    return undefined;
  }
  await vscode.window.showTextDocument(vscode.Uri.file(file));
  const opened = (await context.experiments.read()).find(({ document }) => document.uri.fsPath === file);
  return opened ? pickStage(context, title) : undefined;
}

/** Asks for a run among those that fit. One that is the only one is taken without asking. */
export async function pickRun(
  context: EditorContext,
  title: string,
  fits: (run: KnownRun) => boolean,
): Promise<KnownRun | undefined> {
  const now = Date.now();
  const runs = context.runs.all.filter(fits);
  if (runs.length === 0) {
    void vscode.window.showInformationMessage(`${title}: there is no run that this applies to.`);
    return undefined;
  }
  if (runs.length === 1) return runs[0];
  const items = runs.map((run) => ({
    label: `${run.run.stage} · ${clockText(Date.parse(run.run.started ?? run.run.created), now)}`,
    description: stateWords(run, now),
    run,
  }));
  return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.run;
}

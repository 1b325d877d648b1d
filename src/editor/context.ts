import { join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf, UserError } from '../config/errors';
import { Experiments } from './align-file/experiments';
import { LabelBoard } from './labeling/board';
import { RunLibrary } from './runs/run-library';
import { StalenessBoard } from './align-file/staleness';
import { unlinked } from './words';

/** What the features share. A feature takes it in `register` and gives back what to dispose of. */
export interface EditorContext {
  readonly extension: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly experiments: Experiments;
  readonly runs: RunLibrary;
  readonly staleness: StalenessBoard;
  readonly labels: LabelBoard;
  /** dist/trainer.js of this extension. */
  readonly trainerPath: string;
}

export function createContext(extension: vscode.ExtensionContext): EditorContext {
  const log = vscode.window.createOutputChannel('Alignment Lab', { log: true });
  const warn = (error: unknown): void => log.warn(messageOf(error));
  const experiments = new Experiments(warn);
  const runs = new RunLibrary((problem) => log.warn(problem));
  const staleness = new StalenessBoard(experiments, runs, warn);
  const labels = new LabelBoard(experiments, warn);
  extension.subscriptions.push(log, experiments, runs, staleness, labels);
  const trainerPath = join(extension.extensionPath, 'dist', 'trainer.js');
  return { extension, log, experiments, runs, staleness, labels, trainerPath };
}

/** A command of the extension. What goes wrong in it is shown to the user; its caller gets undefined. */
export function registerCommand(
  context: EditorContext,
  name: string,
  run: (...given: unknown[]) => Promise<unknown>,
): vscode.Disposable {
  return vscode.commands.registerCommand(`alignment-lab.${name}`, async (...given: unknown[]) => {
    try {
      return await run(...given);
    } catch (error) {
      // Not awaited: a notification waits for a click, a command must not.
      void showError(context, error);
      return undefined;
    }
  });
}

/** Shows what a user can mend as one notification with its mend; logs all else as a fault of ours. */
export async function showError(context: EditorContext, error: unknown): Promise<void> {
  const mendable = error instanceof UserError;
  context.log.error(!mendable && error instanceof Error ? error : messageOf(error));
  const words = mendable
    ? [error.message.split('\n', 1)[0], error.hint].filter(Boolean).join(' ')
    : `A fault of Alignment Lab: ${messageOf(error)}`;
  const open = 'Open the file';
  const log = 'Show the log';
  const file = mendable ? error.file : undefined;
  const choice = await vscode.window.showErrorMessage(unlinked(words), ...(file ? [open] : []), log);
  if (choice === log) context.log.show();
  if (choice === open && mendable && file) await openPlace(file, error.line, error.column);
}

/** Opens a file with the cursor at a place that counts from 1. */
export async function openPlace(file: string, line = 1, column = 1): Promise<void> {
  const position = new vscode.Position(Math.max(0, line - 1), Math.max(0, column - 1));
  const selection = new vscode.Range(position, position);
  await vscode.window.showTextDocument(vscode.Uri.file(file), { selection, viewColumn: vscode.ViewColumn.One });
}

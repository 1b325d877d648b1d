import type * as vscode from 'vscode';
import * as agreement from './agreement/agreement';
import * as alarms from './alarms/alarms';
import * as commands from './runs/commands';
import * as completion from './align-file/completion';
import { createContext, type EditorContext } from './context';
import * as curves from './curves/curves-panel';
import * as diagnostics from './align-file/diagnostics';
import * as folders from './runs/folders';
import * as hover from './align-file/hover';
import * as labeling from './labeling/labeling';
import * as lenses from './align-file/lenses';
import * as output from './runs/output';
import * as quickstart from './quickstart';
import * as review from './review/review';
import * as run from './runs/run';
import * as runsTree from './runs/runs-tree';
import * as statusBar from './runs/status-bar';
import * as tasks from './runs/tasks';

/** What every feature exports. */
type Register = (context: EditorContext) => vscode.Disposable;

const FEATURES: readonly Register[] = [
  lenses.register,
  diagnostics.register,
  alarms.register,
  completion.register,
  hover.register,
  run.register,
  commands.register,
  curves.register,
  review.register,
  labeling.register,
  agreement.register,
  output.register,
  runsTree.register,
  statusBar.register,
  tasks.register,
  quickstart.register,
  folders.register,
];

export function activate(extension: vscode.ExtensionContext): void {
  const start = performance.now();
  const context = createContext(extension);
  for (const register of FEATURES) extension.subscriptions.push(register(context));
  context.log.info(`Activated in ${(performance.now() - start).toFixed(1)} ms.`);
}

export function deactivate(): void {
  // Runs go on: they are processes of their own. All else is disposed of by its subscription.
}

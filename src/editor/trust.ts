import * as vscode from 'vscode';
import { UserError } from '../config/errors';
import type { EditorContext } from './context';

/** Tells the user once, in the status bar, that nothing can be started here; follows the grant of trust. */
export function register(_context: EditorContext): vscode.Disposable {
  const set = (): void =>
    void vscode.commands.executeCommand('setContext', 'alignment-lab.trusted', vscode.workspace.isTrusted);
  set();
  return vscode.workspace.onDidGrantWorkspaceTrust(set);
}

/** Throws where the folder is not trusted: a config decides which files are read and which code runs. */
export function requireTrust(what: string): void {
  if (vscode.workspace.isTrusted) return;
  throw new UserError(`${what} needs a trusted folder.`, {
    hint: 'Choose "Workspaces: Manage Workspace Trust" and trust this folder if you know where it comes from.',
    code: 'untrusted',
  });
}

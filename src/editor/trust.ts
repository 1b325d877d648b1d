import * as vscode from 'vscode';
import { UserError } from '../config/errors';

/** Throws where the folder is not trusted: a config decides which files are read and which code runs. */
export function requireTrust(what: string): void {
  if (vscode.workspace.isTrusted) return;
  throw new UserError(`${what} needs a trusted folder.`, {
    hint: 'Choose "Workspaces: Manage Workspace Trust" and trust this folder if you know where it comes from.',
    code: 'untrusted',
  });
}

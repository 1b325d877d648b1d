import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import * as vscode from 'vscode';

const SETTING = 'annotator';

/** Who labels in this folder: the setting, else git's user.name, else the account's name. */
export async function annotatorOf(folder: string): Promise<string> {
  const set = vscode.workspace.getConfiguration('alignment-lab').get<string>(SETTING, '').trim();
  return set || (await gitName(folder)) || accountName();
}

/** Asks for another name and keeps it in the user's settings. True where it changed. */
export async function changeAnnotator(current: string): Promise<boolean> {
  const value = await vscode.window.showInputBox({
    title: 'Annotator',
    prompt: 'The name in your labels. Empty: git’s user.name.',
    value: current,
  });
  if (value === undefined || value.trim() === current) return false;
  const target = vscode.ConfigurationTarget.Global;
  await vscode.workspace.getConfiguration('alignment-lab').update(SETTING, value.trim() || undefined, target);
  return true;
}

function gitName(folder: string): Promise<string> {
  // In a folder that is not trusted its own git config is not asked.
  const scope = vscode.workspace.isTrusted ? [] : ['--global'];
  return new Promise((resolve) => {
    execFile('git', ['config', ...scope, 'user.name'], { cwd: folder, timeout: 5000 }, (error, stdout) =>
      resolve(error ? '' : stdout.trim()),
    );
  });
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // An account without an entry in the system's list.
    return 'anonymous';
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** The copy of the fixture that this window has open. */
export function workspaceFolder(): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) throw new Error('The tests need an open folder.');
  return folder.uri.fsPath;
}

export async function openConfig(name = 'align.yaml'): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(join(workspaceFolder(), name));
  await vscode.window.showTextDocument(document);
  return document;
}

/** Replaces all text of a document, without saving. */
export async function setText(document: vscode.TextDocument, text: string): Promise<void> {
  if (document.getText() === text) return;
  const all = new vscode.Range(new vscode.Position(0, 0), document.lineAt(document.lineCount - 1).range.end);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, all, text);
  await vscode.workspace.applyEdit(edit);
}

/** Leaves the fixture as it was, on the disk too. */
export async function restoreConfig(text: string): Promise<void> {
  const document = await openConfig();
  await setText(document, text);
  await document.save();
}

/** Asks until the answer is as wanted; fails with the last answer after the time limit. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  wanted: (answer: T) => boolean,
  what: string,
  limitMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not come; the last answer was ${JSON.stringify(answer)}`);
    await pause(50);
  }
}

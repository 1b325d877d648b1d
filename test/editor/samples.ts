import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { eventually } from './workspace';

/** Opens the samples of a run that was just recorded, and waits until this text of an answer stands there. */
export async function openSamples(run: string, text: string): Promise<vscode.TextDocument> {
  await vscode.commands.executeCommand('alignment-lab.refreshRuns');
  await vscode.commands.executeCommand('alignment-lab.openSamples', run);
  const opened = await eventually(
    () => vscode.window.activeTextEditor?.document,
    (found) => found?.languageId === 'align-review' && found.getText().includes(text),
    'the review document',
  );
  assert.ok(opened);
  return opened;
}

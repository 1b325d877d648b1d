import * as assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { eventually, openConfig, workspaceFolder } from '../workspace';

function runs(): string[] {
  const folder = join(workspaceFolder(), '.align', 'runs');
  return existsSync(folder) ? readdirSync(folder) : [];
}

describe('a workspace that is not trusted', () => {
  it('is what this window has open', () => {
    assert.equal(vscode.workspace.isTrusted, false);
  });

  it('has language features', async () => {
    const document = await openConfig();
    assert.equal(document.languageId, 'align');
    const hovers = await eventually(
      async () =>
        vscode.commands.executeCommand<vscode.Hover[]>(
          'vscode.executeHoverProvider',
          document.uri,
          new vscode.Position(5, 6),
        ),
      (found) => found.length > 0,
      'a hover',
    );
    assert.ok(hovers.length);
  });

  it('starts nothing, whichever way a command is reached', async () => {
    const document = await openConfig();
    await vscode.extensions.getExtension('alignment-lab.alignment-lab')?.activate();
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      document.uri,
      100,
    );
    const run = lenses.map((lens) => lens.command).find((command) => command?.title.endsWith('Run'));
    const args: unknown[] = run?.arguments ?? [{ config: document.uri.fsPath, stage: 'sft' }];
    for (const command of ['alignment-lab.run', 'alignment-lab.runWithUpstream']) {
      // Refusing with an error is as good as doing nothing; a dialog must not hold the test.
      await Promise.race([
        Promise.resolve(vscode.commands.executeCommand(command, ...args)).catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, 2000)),
      ]);
    }
    assert.deepEqual(runs(), []);
  });
});

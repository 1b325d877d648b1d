import * as assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';

describe('the test host', () => {
  it('is a real VS Code that loads extensions from their folders', async () => {
    const probe = vscode.extensions.getExtension('alignment-lab-tests.probe');
    assert.ok(probe);
    assert.equal(await vscode.commands.executeCommand('probe.answer'), 42);
  });

  it('opens the workspace of the tests', () => {
    assert.equal(vscode.workspace.workspaceFolders?.length, 1);
  });
});

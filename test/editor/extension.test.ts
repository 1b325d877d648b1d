import * as assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { openConfig } from './workspace';

function ours(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension('alignment-lab.alignment-lab');
  assert.ok(extension, 'the extension is not loaded');
  return extension;
}

interface Manifest {
  contributes: { commands: { command: string }[]; views: Record<string, { id: string }[]> };
}

describe('the extension', () => {
  it('is active once an align file is open', async () => {
    await openConfig();
    const extension = ours();
    await extension.activate();
    assert.ok(extension.isActive);
  });

  it('answers every command that its manifest names', async () => {
    await ours().activate();
    const { contributes } = ours().packageJSON as Manifest;
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = contributes.commands.map(({ command }) => command).filter((command) => !known.has(command));
    assert.deepEqual(missing, []);
    assert.ok(contributes.commands.length > 5);
  });

  it('shows its tree', async () => {
    await vscode.commands.executeCommand('alignment-lab.runs.focus');
  });

  it('offers each stage as a task', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'align' });
    const stages = tasks.map((task) => String(task.definition['stage']));
    assert.ok(stages.includes('sft'), stages.join(' '));
    assert.ok(tasks.every((task) => task.execution !== undefined));
  });
});

import * as assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { lensCommand, trainByLens, trainToTheEnd } from './training';

describe('training from the editor', function () {
  this.timeout(180_000);

  it('runs a stage by its lens, and the lens then says how it ended', async () => {
    const run = await trainByLens();
    assert.equal(run.step, 20);
    const state = await lensCommand('just now');
    assert.match(state.title, /^✓ eval loss \d/);
  });

  it('runs a stage as a task, whose exit code is that of the run', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'align' });
    const task = tasks.find(({ definition }) => definition['stage'] === 'sft');
    assert.ok(task);
    const ended = new Promise<number | undefined>((resolve) => {
      const listener = vscode.tasks.onDidEndTaskProcess((event) => {
        if (event.execution.task.definition['stage'] !== 'sft') return;
        listener.dispose();
        resolve(event.exitCode);
      });
    });
    await trainToTheEnd(() => vscode.tasks.executeTask(task));
    assert.equal(await ended, 0);
  });
});

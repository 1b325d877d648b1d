import * as assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { withAnswers } from './answers';
import { runs, trainByLens, trainToTheEnd } from './training';
import { eventually, workspaceFolder } from './workspace';

const folderOf = (id: string): string => join(workspaceFolder(), '.align', 'runs', id);

function readJson(id: string, name: string): Record<string, unknown> {
  const value: unknown = JSON.parse(readFileSync(join(folderOf(id), name), 'utf8'));
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
}

/** A run that ended, copied under another id, with other fields in its run.json. */
function copyRun(id: string, suffix: string, fields: Record<string, unknown> = {}): string {
  const copy = `${id.slice(0, -4)}${suffix}`;
  cpSync(folderOf(id), folderOf(copy), { recursive: true });
  const file = join(folderOf(copy), 'run.json');
  writeFileSync(file, JSON.stringify({ ...readJson(id, 'run.json'), id: copy, ...fields }));
  return copy;
}

/** Steps of the rows with a loss. */
function trainedSteps(id: string): unknown[] {
  return readFileSync(join(folderOf(id), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
    .flatMap((row) => (typeof row === 'object' && row !== null && 'loss' in row && 'step' in row ? [row.step] : []));
}

interface Box {
  title: string;
  validateInput(text: string): string | undefined;
}

function isBox(value: unknown): value is Box {
  return typeof value === 'object' && value !== null && 'title' in value && 'validateInput' in value;
}

describe('commands on runs', function () {
  this.timeout(180_000);
  let parent = '';
  before(async () => {
    parent = (await trainByLens()).id;
  });

  it('branches from a checkpoint with what was typed into the box', async () => {
    const refused: (string | undefined)[] = [];
    const typed = (box: unknown): string => {
      assert.ok(isBox(box));
      assert.match(box.title, /sft at step 20/);
      refused.push(box.validateInput('learning_rat=1'), box.validateInput('steps=x'));
      assert.equal(box.validateInput('steps=24 learning_rate=1e-3'), undefined);
      return 'steps=24 learning_rate=1e-3';
    };
    const branch = await trainToTheEnd(() =>
      withAnswers({ showInputBox: typed }, () => vscode.commands.executeCommand('alignment-lab.branch', parent, 20)),
    );
    assert.match(refused[0] ?? '', /no key `learning_rat`/);
    assert.match(refused[1] ?? '', /`steps` must be/);
    assert.deepEqual(readJson(branch.id, 'run.json').parent, { run: parent, step: 20 });
    const { config } = readJson(branch.id, 'config.json');
    assert.ok(typeof config === 'object' && config !== null && 'learning_rate' in config && 'steps' in config);
    assert.deepEqual([config.learning_rate, config.steps], [1e-3, 24]);
    assert.deepEqual(trainedSteps(branch.id), [21, 22, 23, 24]);
  });

  it('makes no branch where the box is left, nor from a checkpoint that is not there', async () => {
    const count = runs().length;
    await withAnswers({ showInputBox: () => undefined }, () =>
      vscode.commands.executeCommand('alignment-lab.branch', parent, 20),
    );
    const errors: unknown[] = [];
    await withAnswers({ showErrorMessage: (message) => void errors.push(message) }, () =>
      vscode.commands.executeCommand('alignment-lab.branch', parent, 7),
    );
    assert.match(String(errors[0]), /checkpoint of step 7 was removed.*20/);
    assert.equal(runs().length, count);
  });

  it('deletes a run only after the question was answered with Delete', async () => {
    const id = copyRun(parent, 'aaaa');
    const asked: unknown[][] = [];
    const answer = (reply: string | undefined) => ({
      showWarningMessage: (...question: unknown[]) => {
        asked.push(question);
        return reply;
      },
    });
    await withAnswers(answer(undefined), () => vscode.commands.executeCommand('alignment-lab.deleteRun', id));
    assert.ok(existsSync(join(folderOf(id), 'run.json')));
    await withAnswers(answer('Delete'), () => vscode.commands.executeCommand('alignment-lab.deleteRun', id));
    assert.ok(!existsSync(folderOf(id)));
    assert.ok(existsSync(folderOf(parent)), 'another run was deleted');
    assert.equal(asked.length, 2);
    assert.match(String(asked[1]?.[0]), new RegExp(id));
    assert.deepEqual(asked[1]?.[1], { modal: true });
  });

  it('deletes no run that is at work', async () => {
    // This process stands for the trainer: it lives.
    const work = { state: 'running', pid: process.pid, process_start: null, host: hostname(), ended: null };
    const id = copyRun(parent, 'bbbb', { ...work, heartbeat: new Date().toISOString() });
    const errors: unknown[] = [];
    await withAnswers(
      { showWarningMessage: () => 'Delete', showErrorMessage: (message) => void errors.push(message) },
      () => vscode.commands.executeCommand('alignment-lab.deleteRun', id),
    );
    assert.match(String(errors[0]), /is running\. Stop it first/);
    assert.ok(existsSync(join(folderOf(id), 'run.json')));
    // An ended run again, so that nobody waits for it.
    writeFileSync(join(folderOf(id), 'run.json'), JSON.stringify({ ...readJson(parent, 'run.json'), id }));
    await withAnswers({ showWarningMessage: () => 'Delete' }, async () => {
      await vscode.commands.executeCommand('alignment-lab.refreshRuns');
      await vscode.commands.executeCommand('alignment-lab.deleteRun', id);
    });
    assert.ok(!existsSync(folderOf(id)));
  });

  it('copies the id of a run', async () => {
    await vscode.commands.executeCommand('alignment-lab.copyId', parent);
    assert.equal(await vscode.env.clipboard.readText(), parent);
  });

  it('opens the samples of a run as a document', async () => {
    await vscode.commands.executeCommand('alignment-lab.openSamples', parent);
    const document = await eventually(
      () => vscode.window.activeTextEditor?.document,
      (found) => found?.uri.scheme === 'align-review' && found.getText().includes('Say hello.'),
      'the samples',
    );
    assert.equal(document?.languageId, 'align-review');
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('refuses a stage whose input was never made, before there is a run', async () => {
    const config = join(workspaceFolder(), 'chain.align.yaml');
    const text = readFileSync(join(workspaceFolder(), 'align.yaml'), 'utf8');
    writeFileSync(
      config,
      `${text}  more:\n    type: sft\n    model: base\n    data: data/demonstrations.jsonl\n`.replace(
        '  sft:',
        '  base:',
      ),
    );
    const count = readdirSync(join(workspaceFolder(), '.align', 'runs')).length;
    const errors: unknown[] = [];
    await withAnswers({ showErrorMessage: (message) => void errors.push(message) }, () =>
      vscode.commands.executeCommand('alignment-lab.run', { config, stage: 'more' }),
    );
    assert.match(String(errors[0]), /Stage "base" has no finished run\..*Run with upstream/);
    assert.equal(runs().length, count);
  });
});

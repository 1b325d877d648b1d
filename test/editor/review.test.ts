import * as assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { appendComment } from '../../src/data/labels/comments';
import { standingAnswers, readLabels, type AnswerLabel } from '../../src/data/labels/labels';
import { readPairs } from '../../src/data/labels/pairs';
import { createRun } from '../../src/runs/create';
import { RunWriter } from '../../src/runs/writer';
import { openSamples } from './samples';
import { eventually, workspaceFolder } from './workspace';

const CONFIG = 'review.align.yaml';
const labels = (stage: string): string => join(workspaceFolder(), 'labels', stage);
const PROMPT = [{ role: 'user', content: 'Where does Ulsel live?' }];

/** A run with two answers to one prompt. */
function recordRun(): string {
  const configFile = join(workspaceFolder(), CONFIG);
  const dir = createRun({ configFile, stage: 'read_me', type: 'sft', config: { type: 'sft' } });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: 2 });
  writer.sample({ step: 0, prompt: PROMPT, answer: 'the river\u202e', row: 12 });
  const scores = { reward: 0.31, kl: 4.2 };
  writer.sample({ step: 2, prompt: PROMPT, answer: 'Ulsel lives in Fernbury.', row: 12, scores });
  writer.close('done');
  return dir.id;
}

function lenses(document: vscode.TextDocument): Thenable<vscode.CodeLens[]> {
  return vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100);
}

async function titles(document: vscode.TextDocument): Promise<string[]> {
  return (await lenses(document)).map(({ command }) => command?.title ?? '');
}

/** Clicks the lens with this title over the answer with this number. */
async function click(document: vscode.TextDocument, title: string, answer: number): Promise<void> {
  const all = (await lenses(document)).filter(({ command }) => command?.title.startsWith(title));
  const command = all[answer]?.command;
  assert.ok(command, `there is no lens ${title} over answer ${answer}`);
  const given: unknown[] = command.arguments ?? [];
  await vscode.commands.executeCommand(command.command, ...given);
}

const judged = (stage: string): AnswerLabel[] => standingAnswers(readLabels(labels(stage)).rows);

describe('a review document', () => {
  let run = '';
  let document: vscode.TextDocument;
  const setting = () => vscode.workspace.getConfiguration('alignment-lab');

  before(async () => {
    writeFileSync(join(workspaceFolder(), 'data', 'prompts.jsonl'), '{"prompt": "Say hello."}\n');
    const stages = ['  read_me:', '    type: sft', '    data: data/train.jsonl', '  judge_me:', '    type: generate'];
    const lines = ['model: ./model', 'stages:', ...stages, '    prompts: data/prompts.jsonl'];
    writeFileSync(join(workspaceFolder(), CONFIG), `${lines.join('\n')}\n`);
    await setting().update('annotator', 'Ann', vscode.ConfigurationTarget.Global);
    await vscode.window.showTextDocument(vscode.Uri.file(join(workspaceFolder(), CONFIG)));
    run = recordRun();
    document = await openSamples(run, 'Fernbury');
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    for (const path of [CONFIG, 'labels', 'data/prompts.jsonl', join('.align', 'runs', run)])
      rmSync(join(workspaceFolder(), path), { recursive: true, force: true });
    await setting().update('annotator', undefined, vscode.ConfigurationTarget.Global);
  });

  it('shows the answers as inert text, their figures as inlays, and what can be done as lenses', async () => {
    assert.ok(document.getText().includes('the river[U+202E]\n'));
    const all = await eventually(
      () => titles(document),
      (shown) => shown.length === 10,
      'the lenses',
    );
    assert.deepEqual(all.slice(0, 5), ['$(thumbsup)', '$(thumbsdown)', 'Edit', 'Compare', 'Send to labeling']);
    const range = new vscode.Range(0, 0, document.lineCount, 0);
    const hints = await vscode.commands.executeCommand<vscode.InlayHint[]>(
      'vscode.executeInlayHintProvider',
      document.uri,
      range,
    );
    const words = hints.map(({ label }) =>
      typeof label === 'string' ? label : label.map(({ value }) => value).join(''),
    );
    assert.deepEqual(
      words.map((line) => line.trim().replace(/\u00a0+/g, ' · ')),
      ['2 words', 'reward 0.31 · KL 4.20 · 4 words'],
    );
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      document.uri,
    );
    assert.equal(symbols[0]?.name, 'Where does Ulsel live?');
    assert.deepEqual(
      symbols[0]?.children.map(({ name }) => name),
      ['read_me @ 0', 'read_me @ 2'],
    );
  });

  it('stores a verdict as a label, and takes it back by the same lens', async () => {
    await click(document, '$(thumbsup)', 1);
    const [label] = judged('read_me');
    assert.equal(label?.annotator, 'Ann');
    assert.deepEqual(label?.verdicts, { a: 'accept' });
    assert.equal(label?.answer.text, 'Ulsel lives in Fernbury.');
    assert.deepEqual([label?.answer.run, label?.answer.step, label?.answer.sample], [run, 2, 1]);
    await eventually(
      () => titles(document),
      (all) => all.includes('$(thumbsup-filled)\u00a0accepted'),
      'the lens of the verdict',
    );
    await click(document, '$(thumbsup-filled)', 0);
    assert.deepEqual(judged('read_me'), []);
  });

  it('stores an edit with a save, beside the verdict', async () => {
    await click(document, '$(thumbsdown)', 0);
    await click(document, 'Edit', 0);
    const editor = await eventually(
      () => vscode.window.activeTextEditor,
      (found) => found?.document.uri.scheme === 'align-edit',
      'the edit',
    );
    assert.ok(editor);
    const all = new vscode.Range(0, 0, editor.document.lineCount, 0);
    await editor.edit((edit) => edit.replace(all, 'Ulsel lives by the river.'));
    // False where the editor saved by itself meanwhile.
    await editor.document.save();
    const [label] = await eventually(
      () => judged('read_me').slice(-1),
      (last) => last[0]?.edit !== undefined,
      'the edit',
    );
    assert.deepEqual(label?.edit, { side: 'a', text: 'Ulsel lives by the river.' });
    assert.deepEqual(label?.verdicts, { a: 'reject' });
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await eventually(
      () => titles(document),
      (shown) => shown.includes('$(edit)\u00a0Edited'),
      'the lens of the edit',
    );
  });

  it('sends an answer with the other one to the pairs of the generate stage', async () => {
    await click(document, 'Send to labeling', 1);
    const { pairs } = readPairs(join(labels('judge_me'), 'pairs.jsonl'));
    assert.equal(pairs.length, 1);
    assert.equal(pairs[0]?.a, 'Ulsel lives in Fernbury.');
    assert.equal(pairs[0]?.b, 'the river\u202e');
    await click(document, 'Send to labeling', 0);
    assert.equal(readPairs(join(labels('judge_me'), 'pairs.jsonl')).pairs.length, 1);
  });

  it('shows those pairs as a document of their own', async () => {
    const target = { config: join(workspaceFolder(), CONFIG), stage: 'judge_me' };
    await vscode.commands.executeCommand('alignment-lab.openAnswers', target);
    const pairs = vscode.window.activeTextEditor?.document;
    assert.ok(pairs && pairs.uri.path.startsWith('/pairs/'));
    await eventually(
      () => titles(pairs),
      (all) => all.length === 10,
      'the lenses of the pairs',
    );
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('stores a comment with its quote', async () => {
    await vscode.window.showTextDocument(document);
    const line = document.getText().split('\n').indexOf('Ulsel lives in Fernbury.');
    const range = new vscode.Range(line, 15, line, 23);
    // What VS Code hands to the command when the field is sent.
    const controller = vscode.comments.createCommentController('test', 'test');
    const thread = controller.createCommentThread(document.uri, range, []);
    await vscode.commands.executeCommand('alignment-lab.addComment', { thread, text: '#false He does not.' });
    const file = join(labels('read_me'), 'comments.jsonl');
    assert.ok(existsSync(file));
    const row: unknown = JSON.parse(readFileSync(file, 'utf8').trim());
    assert.ok(typeof row === 'object' && row !== null);
    const { quote, start, tag, text, resolved, annotator, target } = { ...row } as Record<string, unknown>;
    assert.deepEqual(
      { quote, start, tag, text, resolved, annotator, target },
      {
        ...{ quote: 'Fernbury', start: 15, tag: 'false', text: 'He does not.', resolved: false, annotator: 'Ann' },
        target: { run, sample: 1 },
      },
    );
    assert.equal(thread.comments[0]?.body, 'He does not.');
    assert.equal(thread.state, vscode.CommentThreadState.Unresolved);
    // A colleague resolves it; git brings the row.
    const stored = { ...row } as unknown as Parameters<typeof appendComment>[1];
    appendComment(labels('read_me'), { ...stored, resolved: true });
    await eventually(
      () => thread.state,
      (state) => state === vscode.CommentThreadState.Resolved,
      'the resolved thread',
    );
    controller.dispose();
  });

  it('leaves nothing behind but labels', () => {
    assert.deepEqual(
      readdirSync(labels('read_me')).filter((name) => !/^(ann\.\w+|comments)\.jsonl$/.test(name)),
      [],
    );
  });
});

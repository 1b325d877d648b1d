import * as assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { createRun } from '../../src/runs/create';
import { RunWriter } from '../../src/runs/writer';
import { openSamples } from './samples';
import { eventually, workspaceFolder } from './workspace';

const CONFIG = 'heat.align.yaml';
const ANSWER = ['Ulsel', ' lives in', ' <b>Fernbury</b>', '.', ''];

/** A run with an answer whose tokens are known and one whose tokens are not, as older runs wrote it. */
function recordRun(): string {
  const configFile = join(workspaceFolder(), CONFIG);
  const dir = createRun({ configFile, stage: 'warm', type: 'sft', config: { type: 'sft' } });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: 8 });
  const prompt = [{ role: 'user', content: 'Where does Ulsel live?' }];
  writer.sample({ step: 0, prompt, answer: 'the river', row: 12 });
  let end = 0;
  const token_scores = {
    ends: ANSWER.map((piece) => (end += piece.length)),
    logp: [-0.1, -0.2, -0.1, -0.3, -0.01],
    reference: [-0.15, -0.9, -3.4, -0.2, -1.2],
    temperature: 1,
    prefix_rewards: { judge: [0, 0.1, 0.4, 2.1, 2, 2.3] },
  };
  writer.sample({ step: 8, prompt, answer: ANSWER.join(''), row: 12, scores: { reward: 2.3, kl: 5.14 }, token_scores });
  writer.close('done');
  return dir.id;
}

describe('the heat of a review document', () => {
  let run = '';
  let document: vscode.TextDocument;
  let plain = '';

  const shown = (words: string) =>
    eventually(
      () => document.getText(),
      (text) => (words === '' ? text === plain : (text.split('\n')[0] ?? '').includes(words)),
      `the legend ${words}`,
    );

  async function hoverAt(word: string): Promise<vscode.Hover[]> {
    const at = document.positionAt(document.getText().indexOf(word));
    return vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, at);
  }

  before(async () => {
    const lines = ['model: ./model', 'stages:', '  warm:', '    type: sft', '    data: data/train.jsonl'];
    writeFileSync(join(workspaceFolder(), CONFIG), `${lines.join('\n')}\n`);
    await vscode.window.showTextDocument(vscode.Uri.file(join(workspaceFolder(), CONFIG)));
    run = recordRun();
    document = await openSamples(run, 'Fernbury');
    plain = document.getText();
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    for (const path of [CONFIG, 'labels', join('.align', 'runs', run)])
      rmSync(join(workspaceFolder(), path), { recursive: true, force: true });
  });

  it('is off at first: nothing hovers over what is read', async () => {
    assert.deepEqual(await hoverAt('lives'), []);
  });

  it('of KL has a legend, and each token its figures, as text that does nothing', async () => {
    await vscode.commands.executeCommand('alignment-lab.showHeat', 'kl');
    const text = await shown('KL of each token');
    assert.equal(text.split('\n').slice(2).join('\n'), plain);
    const [hover] = await hoverAt('Fern');
    assert.ok(hover);
    const [content] = hover.contents;
    assert.ok(content instanceof vscode.MarkdownString);
    assert.ok(!content.isTrusted && !content.supportHtml);
    assert.match(content.value, /\| probability \| &emsp;90\.5 % \|/);
    assert.match(content.value, /\| under the reference \| &emsp;3\.34 % \|/);
    assert.match(content.value, /\| KL \| &emsp;\+3\.30 nats \|/);
    assert.match(content.value, /\| reward so far &#40;judge&#41; \| &emsp;2\.10 \(\+1\.70\) \|/);
    assert.ok(!content.value.includes('<b>'));
    assert.equal(hover.range && document.getText(hover.range), ' <b>Fernbury</b>');
    // The answer of an older run has none, and neither has the frame.
    assert.deepEqual(await hoverAt('the river'), []);
    assert.deepEqual(await hoverAt('warm @ 8'), []);
  });

  it('goes on to the reward, to what each token adds, and off again', async () => {
    for (const words of ['reward after each token (judge)', 'reward that each token adds (judge)', '']) {
      await vscode.commands.executeCommand('alignment-lab.nextHeat');
      await shown(words);
    }
    assert.deepEqual(await hoverAt('lives'), []);
  });

  it('moves the lenses of answers with their lines', async () => {
    const lines = async (): Promise<number[]> => {
      const all = await vscode.commands.executeCommand<vscode.CodeLens[]>(
        'vscode.executeCodeLensProvider',
        document.uri,
      );
      return [...new Set(all.map(({ range }) => range.start.line))];
    };
    const before = await lines();
    assert.equal(before.length, 2);
    await vscode.commands.executeCommand('alignment-lab.showHeat', 'reward judge');
    await shown('reward after each token');
    assert.deepEqual(
      await lines(),
      before.map((line) => line + 2),
    );
    await vscode.commands.executeCommand('alignment-lab.showHeat', 'off');
    await shown('');
  });
});

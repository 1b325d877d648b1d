import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { toPair, pairToLine, type Pair } from '../../src/data/labels/pairs';
import { LabelStore } from '../../src/data/labels/store';
import { eventually, openConfig, workspaceFolder } from './workspace';

const CONFIG = 'labeling.align.yaml';
const labels = (): string => join(workspaceFolder(), 'labels', 'judge_me');

async function titles(document: vscode.TextDocument): Promise<string[]> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    'vscode.executeCodeLensProvider',
    document.uri,
    10,
  );
  return lenses.map(({ command }) => command?.title ?? '');
}

function store(annotator: string, clone: string): LabelStore {
  return LabelStore.open(labels(), { annotator, clone });
}

async function label(target: LabelStore, pair: Pair | undefined, value: -1 | 1): Promise<void> {
  await target.append({ pair: pair?.id ?? '', value, ms: 1, guideline: null, shown: 'ab' });
}

describe('labeling', () => {
  const pairs = [0, 1, 2].map((i) => toPair({ prompt: `Question ${i}?`, a: `a${i}`, b: `b${i}` }));
  const setting = () => vscode.workspace.getConfiguration('alignment-lab');

  before(async () => {
    writeFileSync(join(workspaceFolder(), 'data', 'prompts.jsonl'), '{"prompt": "Say hello."}\n');
    const stage = ['type: generate', 'prompts: data/prompts.jsonl'].map((line) => `    ${line}\n`).join('');
    writeFileSync(join(workspaceFolder(), CONFIG), `model: ./model\nstages:\n  judge_me:\n${stage}`);
    await setting().update('annotator', 'Ann', vscode.ConfigurationTarget.Global);
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    for (const path of [CONFIG, 'labels', 'data/prompts.jsonl'])
      rmSync(join(workspaceFolder(), path), { recursive: true, force: true });
    await setting().update('annotator', undefined, vscode.ConfigurationTarget.Global);
  });

  it('counts over the stage what this annotator has left, and how annotators agree', async () => {
    const document = await openConfig(CONFIG);
    await eventually(
      () => titles(document),
      (all) => all.includes('not run yet'),
      'the lenses',
    );
    mkdirSync(labels(), { recursive: true });
    writeFileSync(join(labels(), 'pairs.jsonl'), pairs.map((pair) => `${pairToLine(pair)}\n`).join(''));
    const counts = (left: number, total: number) => `Label (${left} of ${total} left)`;
    const shown = await eventually(
      () => titles(document),
      (all) => all.some((title) => title.startsWith('Label (')),
      'the lens Label',
    );
    const total = Number(/of (\d+) left/.exec(shown.join())?.[1]);
    // Repetitions count as well.
    if (total < 3) throw new Error(`there are ${total} of 3 pairs`);
    const ann = store('Ann', 'elsewhere');
    const bob = store('Bob', 'bobs1');
    for (const pair of pairs.slice(0, 2)) await label(ann, pair, -1);
    for (const [i, pair] of pairs.entries()) await label(bob, pair, i === 0 ? 1 : -1);
    await eventually(
      () => titles(document),
      (all) => all.includes(counts(total - 2, total)),
      'the count',
    );
    await eventually(
      () => titles(document),
      (all) => all.some((title) => title.startsWith('Agreement α ')),
      'the lens Agreement',
    );
  });

  it('opens at full width by its command', async () => {
    const document = await openConfig(CONFIG);
    await vscode.commands.executeCommand('alignment-lab.labelWide', { config: document.uri.fsPath, stage: 'judge_me' });
    const isLabel = (tab: vscode.Tab): boolean => tab.label === 'Label';
    const tabs = (): vscode.Tab[] => vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    await eventually(tabs, (all) => all.some(isLabel), 'the panel');
    await vscode.commands.executeCommand('alignment-lab.labelWide');
    await eventually(tabs, (all) => all.filter(isLabel).length === 1, 'one panel only');
    await vscode.commands.executeCommand('alignment-lab.label');
  });
});

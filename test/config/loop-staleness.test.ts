import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../src/config/diagnostic';
import { checkFiles } from '../../src/config/files';
import { staleness, stageHash } from '../../src/config/graph';
import { loadExperiment } from '../../src/config/load';
import { LOOP_CONFIG, LOOP_FILES } from './loop-config';

describe('on disk', () => {
  let folder: string;
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'align-loop-'));
    for (const file of LOOP_FILES) write(file, 'x');
    write('labels/collect/pairs.jsonl', '{}\n');
    write('labels/collect/ada.0.jsonl', '{}\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function load(edit: (text: string) => string = (text) => text) {
    write('align.yaml', edit(LOOP_CONFIG));
    const { experiment, diagnostics } = loadExperiment(path.join(folder, 'align.yaml'));
    if (!experiment) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
    return experiment;
  }

  async function doneNow(): Promise<Map<string, { hash: string }>> {
    const experiment = load();
    const done = new Map<string, { hash: string }>();
    for (const name of experiment.stages.keys()) done.set(name, { hash: await stageHash(experiment, name) });
    return done;
  }

  async function reasons(done: ReadonlyMap<string, { hash: string }>, edit?: (text: string) => string) {
    const result = await staleness(load(edit), done);
    return Object.fromEntries(
      [...result].filter(([, { stale }]) => stale).map(([name, { reasons }]) => [name, reasons]),
    );
  }

  test('all files are found', () => {
    expect(checkFiles(load()).map(formatDiagnostic)).toEqual([]);
  });

  test.each([
    ['oracle.js', 'stages.collect.annotators.1.rule', './oracle.js, tie_band'],
    ['brevity.js', 'stages.ppo.reward.2.rule', './brevity.js'],
    ['phrases.txt', 'stages.ppo.monitors.flattery.phrases', './phrases.txt'],
    ['guideline.md', 'stages.collect.guideline', './guideline.md'],
    ['data/held-out.jsonl', 'stages.score.prompts', 'data/held-out.jsonl'],
  ])('a missing %s is told at its place', (file, keys, place) => {
    rmSync(path.join(folder, file));
    const [first] = checkFiles(load());
    expect(first).toMatchObject({ code: 'missing-file', range: { start: { offset: LOOP_CONFIG.indexOf(place) } } });
    expect(first.path.join('.')).toBe(keys);
  });

  test('nothing changed: nothing is stale', async () => {
    expect(await reasons(await doneNow())).toEqual({});
  });

  test('a new label makes stale what learns from it, and all after', async () => {
    const done = await doneNow();
    write('labels/collect/ben.1.jsonl', '{}\n');
    expect(await reasons(done)).toEqual({
      rm: ['data'],
      dpo: ['data'],
      ppo: ['upstream'],
      grpo: ['upstream'],
      rloo: ['upstream'],
      score: ['upstream'],
    });
  });

  test('a comment on a label does not', async () => {
    const done = await doneNow();
    write('labels/collect/comments.jsonl', '{}\n');
    expect(await reasons(done)).toEqual({});
  });

  test('a changed rule makes stale what is scored by it', async () => {
    const done = await doneNow();
    write('brevity.js', 'other');
    expect(await reasons(done)).toEqual({ ppo: ['data'], score: ['upstream'] });
    write('oracle.js', 'other');
    expect(await reasons(done)).toMatchObject({ collect: ['data'], rloo: ['data', 'upstream'], rm: ['upstream'] });
  });

  test('changed prompts, a changed reference and a changed reward count', async () => {
    const done = await doneNow();
    write('data/prompts.jsonl', 'other');
    expect(await reasons(done)).toMatchObject({
      collect: ['data'],
      ppo: ['data', 'upstream'],
      grpo: ['data', 'upstream'],
    });
    write('data/prompts.jsonl', 'x');
    expect(await reasons(done, (text) => text.replace('reference: pretrain', 'reference: ./model'))).toMatchObject({
      dpo: ['config', 'model', 'upstream'],
    });
    expect(await reasons(done, (text) => text.replace('centering: 0.01', 'centering: 0'))).toEqual({
      rm: ['config'],
      ppo: ['upstream'],
      grpo: ['upstream'],
      score: ['upstream'],
    });
    write('model/config.json', 'other');
    expect(await reasons(done)).toEqual({ score: ['model'] });
  });

  test('monitors, guidelines and the names of files do not count', async () => {
    const done = await doneNow();
    write('guideline.md', 'other');
    write('moved.js', 'x');
    const edit = (text: string) =>
      text.replace('length_ratio: 2', 'length_ratio: 3').replace('rule: ./brevity.js', 'rule: ./moved.js');
    expect(await reasons(done, edit)).toEqual({});
  });
});

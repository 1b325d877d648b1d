import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { effectiveLabels, readLabels } from '../../src/data/labels/labels';
import { readPairs } from '../../src/data/labels/pairs';
import { writePairs } from '../../src/data/labels/pairs-writer';
import { LabelStore } from '../../src/data/labels/store';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import { TrainerBench, timeless } from './trainer';

const bench = new TrainerBench();
/** 150 prompts are three pieces. */
const PROMPTS = 150;
const CONFIG = {
  model: './model',
  seed: 7,
  stages: {
    collect: {
      type: 'generate',
      prompts: 'data/prompts.jsonl',
      max_new_tokens: 8,
      answers_per_prompt: 2,
      annotators: [
        { name: 'ada', rule: './rule.js', sharpness: 100, tie_band: 0.5 },
        { name: 'cleo', rule: './rule.js', sharpness: 0, length_bias: 5 },
      ],
    },
    // Cold enough that answers come out equal again and again.
    cold: { type: 'generate', prompts: 'data/few.jsonl', max_new_tokens: 8, temperature: 0.05 },
    sft: {
      type: 'sft',
      data: 'data/demonstrations.jsonl',
      learning_rate: 1e-2,
      steps: 4,
      max_length: 64,
      held_out: false,
      checkpoint_every: 2,
    },
    two: { type: 'generate', models: ['./model', './other'], prompts: 'data/few.jsonl', max_new_tokens: 8 },
  },
};
/** The true score of an answer: how many letters it has. */
const RULE = `export function reward({ answer, row }) {
  if (typeof row.finished !== 'boolean' || row.tags === undefined) throw new Error('no row');
  return (answer.match(/[a-z]/gi) ?? []).length;
}`;

const labels = (stage = 'collect'): string => join(bench.folder, 'labels', stage);
/** All files of the labels by name. */
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
const create = (stage: string, set: string[] = []): RunDir => bench.create(set, null, stage);
async function run(stage: string, set: string[] = []): Promise<RunDir> {
  const dir = create(stage, set);
  await bench.finish(dir);
  return dir;
}
const lastMetrics = (dir: RunDir) => dir.readMetrics().at(-1);

let whole: RunDir;
let made: Record<string, string>;
beforeAll(async () => {
  await bench.open();
  const rows = (n: number) =>
    Array.from(
      { length: n },
      (_, i) => `${JSON.stringify({ prompt: `number ${i}`, tags: [i % 2 ? 'odd' : 'even'] })}\n`,
    );
  mkdirSync(join(bench.folder, 'data'), { recursive: true });
  writeFileSync(join(bench.folder, 'data', 'prompts.jsonl'), rows(PROMPTS).join(''));
  writeFileSync(join(bench.folder, 'data', 'few.jsonl'), rows(6).join(''));
  writeFileSync(join(bench.folder, 'rule.js'), RULE);
  writeFileSync(join(bench.folder, 'align.yaml'), JSON.stringify(CONFIG));
  whole = await run('collect');
  made = contents(labels());
}, 60_000);
afterAll(() => bench.close());

describe('a generate stage', () => {
  it('writes answers, pairs with where they come from, and labels of simulated annotators', () => {
    expect(whole.readRun()).toMatchObject({ state: 'done', step: 3, steps: 3 });
    expect(Object.keys(made)).toEqual(['ada.simulated.jsonl', 'cleo.simulated.jsonl', 'pairs.jsonl']);
    const samples = whole.readSamples();
    expect(samples).toHaveLength(2 * PROMPTS);
    expect(samples[1]).toMatchObject({ prompt: 'number 0', row: 0, sample: 1, tags: ['even'] });
    const { pairs } = readPairs(join(labels(), 'pairs.jsonl'));
    const metrics = lastMetrics(whole);
    expect(metrics).toMatchObject({ answers: 2 * PROMPTS, pairs: pairs.length, pairs_added: pairs.length });
    expect(pairs.length + Number(metrics?.equal) + Number(metrics?.empty)).toBe(PROMPTS);
    expect(pairs.length).toBeGreaterThan(PROMPTS / 2);
    const sampling = { max_new_tokens: 8, temperature: 1, top_p: null, top_k: null };
    expect(pairs[0].provenance).toEqual({
      source: 'generated',
      a: { model: 'model', sample: 0, seed: 7, sampling },
      b: { model: 'model', sample: 1, seed: 7, sampling },
    });
    expect(pairs[0].tags).toEqual(['even']);
    for (const { prompt, a, b } of pairs)
      expect(samples.filter((row) => row.prompt === prompt).map(({ answer }) => answer)).toEqual([a, b]);
  });

  it('lets annotators judge as the config says', () => {
    const { pairs } = readPairs(join(labels(), 'pairs.jsonl'));
    const byId = new Map(pairs.map((pair) => [pair.id, pair]));
    const letters = (text: string) => (text.match(/[a-z]/gi) ?? []).length;
    const { labels: given } = effectiveLabels(readLabels(labels()).rows);
    expect(given).toHaveLength(2 * pairs.length);
    for (const { annotator, pair, value, source } of given) {
      expect(source).toBe('simulated');
      const { a, b } = byId.get(pair)!;
      // with a sharpness of 100 a letter decides
      if (annotator === 'ada') expect(value).toBe(Math.sign(letters(b) - letters(a)));
    }
    expect(lastMetrics(whole)).toMatchObject({
      'labels/ada': pairs.length,
      'labels/cleo': pairs.length,
      'ties/cleo': 0,
    });
  });

  it('writes the same again, to the byte', async () => {
    const again = await run('collect');
    expect(contents(labels())).toEqual(made);
    expect(timeless(again.readSamples())).toEqual(timeless(whole.readSamples()));
    expect(lastMetrics(again)).toMatchObject({ pairs_added: 0, pairs_removed: 0 });
  });

  it('killed and started again writes the same', async () => {
    rmSync(labels(), { recursive: true });
    const dir = create('collect');
    await bench.killAt(dir, 1);
    expect(existsSync(join(labels(), 'pairs.jsonl')) && dir.readRun().state === 'done').toBe(false);
    await bench.finish(dir);
    expect(contents(labels())).toEqual(made);
    expect(timeless(dir.readSamples())).toEqual(timeless(whole.readSamples()));
  });

  it('keeps what a person labeled when other answers come, and lets go of what only annotators of the config did', async () => {
    const { pairs } = readPairs(join(labels(), 'pairs.jsonl'));
    const store = LabelStore.open(labels(), { annotator: 'Grace', clone: 'abcd' });
    await store.append({ pair: pairs[3].id, ms: 900, guideline: null, shown: 'ab', value: 1 });
    await store.append({ pair: pairs[4].id, ms: 900, guideline: null, shown: 'ba', value: -2 });
    await store.undo();
    const again = await run('collect', ['seed=8', 'stages.collect.annotators=[]', 'stages.collect.max_pairs=20']);
    const now = readPairs(join(labels(), 'pairs.jsonl')).pairs;
    expect(now[0]).toEqual(pairs[3]);
    expect(now.slice(1).filter(({ id }) => pairs.some((pair) => pair.id === id))).toEqual([]);
    expect(now).toHaveLength(21);
    expect(lastMetrics(again)).toMatchObject({ pairs: 21, pairs_added: 20, pairs_kept: 1 });
    expect(Object.keys(contents(labels()))).toEqual(['grace.abcd.jsonl', 'pairs.jsonl']);
    const { labels: given, unknown } = effectiveLabels(readLabels(labels()).rows, new Set(now.map(({ id }) => id)));
    expect(given.map(({ pair }) => pair)).toEqual([pairs[3].id]);
    expect(unknown).toEqual([]);
  });

  it('counts equal answers and says so where nothing is left to compare', async () => {
    const dir = await run('cold');
    expect(lastMetrics(dir)).toMatchObject({ pairs: 0, equal: 6 });
    expect(dir.readEvents().filter(({ event }) => event === 'warning')[0].message).toContain('temperature');
  });

  it('pairs answers of two models', async () => {
    // As another model the same one does: its answers come from other random streams.
    cpSync(join(bench.folder, 'model'), join(bench.folder, 'other'), { recursive: true });
    const dir = await run('two');
    const { pairs } = readPairs(join(labels('two'), 'pairs.jsonl'));
    expect(pairs.length).toBe(6 * 4);
    for (const { provenance } of pairs) {
      expect([provenance.a?.model, provenance.b?.model]).toEqual(['model', 'other']);
      expect([0, 1]).toContain(provenance.a?.sample);
      expect([2, 3]).toContain(provenance.b?.sample);
    }
    expect(lastMetrics(dir)).toMatchObject({ 'model/answers': 12, 'other/answers': 12 });
    expect(new Set(dir.readSamples().map(({ model }) => model))).toEqual(new Set(['model', 'other']));
  });

  it('pairs answers of two checkpoints of a run, and says whose they are', async () => {
    const sft = await run('sft');
    const checkpoints = listCheckpoints(sft).map(({ path }) => relative(bench.folder, path));
    expect(checkpoints).toHaveLength(2);
    const dir = await run('two', [`stages.two.models=${JSON.stringify(checkpoints)}`]);
    const { pairs } = readPairs(join(labels('two'), 'pairs.jsonl'));
    expect(pairs.length).toBeGreaterThan(0);
    expect(lastMetrics(dir)).toMatchObject({ pairs: pairs.length });
    const id = basename(sft.path);
    for (const { provenance } of pairs) {
      expect(provenance.a).toMatchObject({ model: checkpoints[0], run: id, step: 2, seed: 7 });
      expect(provenance.b).toMatchObject({ model: checkpoints[1], run: id, step: 4, seed: 7 });
    }
  });

  it('keeps pairs that people sent to labeling when it runs again', async () => {
    const file = join(labels('two'), 'pairs.jsonl');
    const sent = { prompt: 'number 0', a: 'one', b: 'another', provenance: { source: 'sent' } };
    writePairs(file, [sent]);
    await run('two', ['seed=9']);
    const { pairs } = readPairs(file);
    expect(pairs.filter(({ provenance }) => provenance.source === 'sent').map(({ a }) => a)).toEqual(['one']);
    expect(pairs.filter(({ provenance }) => provenance.a?.seed === 7)).toEqual([]);
  });

  it('gives no label where the rule fails, and fails where it always does', async () => {
    writeFileSync(
      join(bench.folder, 'rule.js'),
      `export function reward({ prompt }) { if (prompt === 'number 0') throw new Error('not this one'); return 1; }`,
    );
    const partly = await run('collect', ['stages.collect.prompts=data/few.jsonl']);
    const { pairs } = readPairs(join(labels(), 'pairs.jsonl'));
    const bad = pairs.filter(({ prompt }) => prompt === 'number 0').length;
    expect(bad).toBe(1);
    expect(lastMetrics(partly)).toMatchObject({ 'labels/ada': pairs.length - 1 });
    const warnings = partly.readEvents().filter(({ event }) => event === 'warning');
    expect(warnings[0].message).toContain(`ada could not judge 1 of ${pairs.length} pairs`);
    expect(warnings[0].message).toContain('not this one');

    writeFileSync(join(bench.folder, 'rule.js'), `export function reward() { return 'good'; }`);
    const dir = create('collect', ['stages.collect.prompts=data/few.jsonl']);
    expect((await bench.run(dir)).code).toBe(1);
    expect(dir.readRun().error?.message).toContain('gave a value of type string');
    // the pairs stand: labeling by people needs no rule
    expect(readPairs(join(labels(), 'pairs.jsonl')).pairs).toHaveLength(pairs.length);
  });
});

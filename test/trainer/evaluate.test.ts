import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPairs } from '../../src/data/labels/pairs';
import { LabelStore } from '../../src/data/labels/store';
import { openCheckpoint } from '../../src/models/checkpoint';
import { writeRewardModel } from '../../src/models/reward-files';
import { loadTokenizer } from '../../src/models/tokenizer';
import type { RunDir } from '../../src/runs/directory';
import type { EvaluationReport } from '../../src/data/evaluation/report';
import { TrainerBench, timeless } from './trainer';

const bench = new TrainerBench();
/** 70 prompts are two pieces of each model and kind. */
const PROMPTS = 70;
const stage = {
  type: 'evaluate',
  models: ['./model', './other'],
  prompts: 'data/prompts.jsonl',
  max_new_tokens: 8,
  reward: { rule: './letters.js' },
};
const CONFIG = {
  model: './model',
  seed: 7,
  stages: {
    evaluate: stage,
    people: { ...stage, prompts: 'data/few.jsonl', judge: 'people', greedy: false },
    alone: { ...stage, prompts: 'data/few.jsonl', models: ['./model'], reward: undefined },
    model: { ...stage, prompts: 'data/few.jsonl', reward: './rm', judge: { rule: './letters.js' }, greedy: false },
    sums: {
      ...stage,
      prompts: 'data/few.jsonl',
      models: ['./other'],
      baseline: './model',
      answers_per_prompt: 3,
      reward: [
        { rule: './letters.js', weight: 2 },
        { rule: './fails.js', weight: 10 },
      ],
    },
  },
};
const letters = (text: string): number => (text.match(/[a-z]/gi) ?? []).length;
const LETTERS = `export const reward = ({ answer }) => (answer.match(/[a-z]/gi) ?? []).length;`;
const FAILS = `export function reward({ prompt }) { if (prompt === 'number 0') throw new Error('not this one'); return 1; }`;

const FILES = ['report.json', 'report.md', 'report.svg'];
const contents = (dir: RunDir): string[] => FILES.map((name) => readFileSync(join(dir.path, name), 'utf8'));
const reportOf = (dir: RunDir): EvaluationReport =>
  JSON.parse(readFileSync(join(dir.path, 'report.json'), 'utf8')) as EvaluationReport;
const create = (name: string, set: string[] = []): RunDir => bench.create(set, null, name);
async function run(name: string, set: string[] = []): Promise<RunDir> {
  const dir = create(name, set);
  await bench.finish(dir);
  return dir;
}

/** A reward model of two heads on the tiny model. */
function writeReward(model: string, folder: string): void {
  const checkpoint = openCheckpoint(model);
  const { config } = checkpoint;
  writeRewardModel(folder, {
    config,
    tensor: (name) => checkpoint.read(name),
    heads: Float32Array.from({ length: 2 * config.hiddenSize }, (_, i) => Math.sin(i)),
    facts: {
      normalisation: [
        { mean: 0.5, std: 2 },
        { mean: 0, std: 1 },
      ],
      answers: 10,
    },
    tokenizer: loadTokenizer(model),
  });
  checkpoint.close();
}

let whole: RunDir;
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
  writeFileSync(join(bench.folder, 'letters.js'), LETTERS);
  writeFileSync(join(bench.folder, 'fails.js'), FAILS);
  writeFileSync(join(bench.folder, 'align.yaml'), JSON.stringify(CONFIG));
  // Another model: half of its embeddings are turned round, so that it says other things.
  cpSync(join(bench.folder, 'model'), join(bench.folder, 'other'), { recursive: true });
  const file = join(bench.folder, 'other', 'model.safetensors');
  const bytes = readFileSync(file);
  const header = 8 + Number(bytes.readBigUInt64LE(0));
  for (let at = header; at < header + 16_000; at += 4) bytes.writeFloatLE(-3 * bytes.readFloatLE(at), at);
  writeFileSync(file, bytes);
  writeReward(join(bench.folder, 'model'), join(bench.folder, 'rm'));
  whole = await run('evaluate');
}, 60_000);
afterAll(() => bench.close());

describe('an evaluate stage', () => {
  it('answers with every model, drawn and greedy, with scores by row', () => {
    const samples = whole.readSamples();
    expect(whole.readRun()).toMatchObject({ state: 'done', step: 8, steps: 8 });
    expect(samples).toHaveLength(4 * PROMPTS);
    for (const { answer, scores } of samples) expect(scores).toEqual({ letters: letters(answer) });
    expect(samples.filter(({ model, greedy }) => model === 'other' && greedy === true)).toHaveLength(PROMPTS);
  });

  it('reports what can be counted again from the samples', () => {
    const report = reportOf(whole);
    const samples = whole.readSamples();
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(report).toMatchObject({ v: 1, stage: 'evaluate', baseline: 'model', judge: 'letters', prompts: PROMPTS });
    const byRow = (model: string, greedy: boolean) =>
      samples.filter((row) => row.model === model && (row.greedy === true) === greedy);
    for (const { model, sampled, greedy } of report.models) {
      for (const [part, isGreedy] of [
        [sampled, false],
        [greedy, true],
      ] as const) {
        const rows = byRow(model, isGreedy);
        expect(part?.answers).toBe(PROMPTS);
        expect(part?.scores.letters.value).toBeCloseTo(mean(rows.map(({ answer }) => letters(answer))), 10);
        expect(part?.mean_length.value).toBeCloseTo(mean(rows.map(({ tokens }) => Number(tokens))), 10);
        expect(part?.eos_rate.count).toBe(rows.filter(({ finish }) => finish === 'stop').length);
      }
    }
    const [base, other] = [byRow('model', false), byRow('other', false)];
    const signs = other.map(({ answer }, i) => Math.sign(letters(answer) - letters(base[i].answer)));
    const rate = report.models[1].sampled.win_rate;
    expect(rate).toMatchObject({
      wins: signs.filter((sign) => sign > 0).length,
      ties: signs.filter((sign) => sign === 0).length,
      losses: signs.filter((sign) => sign < 0).length,
    });
    expect(report.models[0].sampled.win_rate).toBe(null);
    const gain = mean(other.map(({ answer }, i) => letters(answer) - letters(base[i].answer)));
    expect(report.models[1].sampled.gains.letters.value).toBeCloseTo(gain, 10);
    expect(report.tags.map(({ tag, prompts }) => [tag, prompts])).toEqual([
      ['even', 35],
      ['odd', 35],
    ]);
    // Each example stands in the samples where the report says.
    expect(report.examples.length).toBeGreaterThan(2);
    for (const { model, prompt, answer, baseline, won, lines } of report.examples) {
      const [own, base] = [samples[lines.answer - 1], samples[lines.baseline - 1]];
      expect([own?.model, own?.prompt, own?.answer, own?.greedy]).toEqual([model, prompt, answer, undefined]);
      expect([base?.model, base?.row, base?.answer]).toEqual(['model', own?.row, baseline]);
      expect(letters(answer) > letters(baseline)).toBe(won);
    }
    const metrics = whole.readMetrics().at(-1);
    expect(metrics).toMatchObject({
      'other/win_rate': rate?.value,
      'other/letters': report.models[1].sampled.scores.letters.value,
    });
    const text = contents(whole)[1];
    expect(text).toContain(`${PROMPTS} prompts, one answer each at temperature 1.`);
    for (const heading of ['## Sampled answers', '## Likeliest answers', '## By tag']) expect(text).toContain(heading);
  });

  it('writes the same again, also when it was killed in between', async () => {
    const dir = create('evaluate');
    await bench.killAt(dir, 2);
    await bench.finish(dir);
    expect(contents(dir)).toEqual(contents(whole));
    expect(timeless(dir.readSamples())).toEqual(timeless(whole.readSamples()));
    expect(timeless(dir.readMetrics())).toEqual(timeless(whole.readMetrics()));
  });

  it('asks people, reads their votes, and asks the same pairs again', async () => {
    const folder = join(bench.folder, 'labels', 'people');
    const first = await run('people');
    const { pairs } = readPairs(join(folder, 'pairs.jsonl'));
    expect(pairs.length).toBeGreaterThan(3);
    expect(reportOf(first)).toMatchObject({ judge: 'people', people: { pairs: pairs.length, labeled: 0 } });
    const store = LabelStore.open(folder, { annotator: 'Grace', clone: 'abcd' });
    const label = (at: number, value: 1 | -1 | 0 | 'skip') =>
      store.append({ pair: pairs[at].id, ms: 1, guideline: null, shown: 'ab', value });
    // b is the model's answer, a the baseline's
    await label(0, 1);
    await label(1, -1);
    await label(2, 0);
    await label(3, 'skip');
    const again = await run('people');
    const equal = 6 - pairs.length;
    expect(readPairs(join(folder, 'pairs.jsonl')).pairs).toEqual(pairs);
    expect(reportOf(again).people).toEqual({ pairs: pairs.length, labeled: 3 });
    expect(reportOf(again).models[1].sampled.win_rate).toMatchObject({ wins: 1, ties: 1 + equal, losses: 1 });
    expect(contents(again)[1]).toContain(`3 of ${pairs.length} pairs have been compared by people; label the rest`);
    rmSync(folder, { recursive: true });
  });

  it('needs neither scores nor a second model', async () => {
    const dir = await run('alone');
    expect(reportOf(dir)).toMatchObject({ judge: null, scores: [], tags: [{ tag: 'even' }, { tag: 'odd' }] });
    expect(dir.readMetrics().at(-1)).toMatchObject({ 'model/answers': 6 });
  });

  it('takes scores of a reward model, and a judge beside it', async () => {
    const dir = await run('model');
    const report = reportOf(dir);
    expect(report).toMatchObject({ scores: ['rm', 'letters'], judge: 'letters' });
    const scores = dir.readSamples().map(({ scores }) => scores?.rm ?? NaN);
    expect(new Set(scores).size).toBeGreaterThan(6);
    expect(scores.every(Number.isFinite)).toBe(true);
    const own = scores.slice(6);
    expect(report.models[1].sampled.scores.rm.value).toBeCloseTo(own.reduce((a, b) => a + b) / own.length, 10);
    expect(dir.readRun().inputs?.['reward.rm']?.path).toBe('rm');
  });

  it('sums weighted scores, and leaves out of the mean what a rule fails on', async () => {
    const dir = await run('sums');
    const report = reportOf(dir);
    expect(report.scores).toEqual(['letters', 'fails', 'total']);
    expect(report).toMatchObject({ judge: 'total', baseline: 'model' });
    expect(report.models.map(({ model }) => model)).toEqual(['other', 'model']);
    const samples = dir.readSamples().filter(({ greedy }) => greedy !== true);
    expect(samples).toHaveLength(2 * 6 * 3);
    for (const { row, answer, scores } of samples)
      expect(scores).toEqual(
        row === 0
          ? { letters: letters(answer) }
          : { letters: letters(answer), fails: 1, total: 2 * letters(answer) + 10 },
      );
    const { win_rate: rate, unscored, answers } = report.models[0].sampled;
    expect([answers, unscored]).toEqual([18, 3]);
    expect((rate?.wins ?? 0) + (rate?.ties ?? 0) + (rate?.losses ?? 0)).toBe(15);
    expect(rate?.method).toBe('bootstrap');
    const warning = dir.readEvents().find(({ event }) => event === 'warning')?.message;
    expect(warning).toContain('fails failed on 8 answers');
    expect(warning).toContain('fails.js:1');
  });
});

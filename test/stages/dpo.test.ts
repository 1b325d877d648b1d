import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/data/random';
import { parseLlamaConfig } from '../../src/models/hf-config';
import { ModelWeights } from '../../src/models/weights';
import { type AnswerPair, answerSums, distinctAnswers } from '../../src/stages/preferences/answer-sums';
import { type DpoSettings, dpoObjective, pairLoss, startLoss } from '../../src/stages/dpo';
import { Learner, type MicroBatch } from '../../src/stages/training/learner';
import { type LearntPair, pairBatches } from '../../src/stages/preferences/pair-batch';
import { type ReferenceSums, referenceSums } from '../../src/stages/preferences/reference-cache';
import { Graph } from '../../src/tensor/graph';
import { Program } from '../../src/tensor/program';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';

let runtime: Runtime;
const folder = mkdtempSync(join(tmpdir(), 'dpo-'));
beforeAll(() => (runtime = openRuntime({ threads: 1 })));
afterAll(() => {
  runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const POSITIONS = 64;
const config = parseLlamaConfig({
  model_type: 'llama',
  vocab_size: 61,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: POSITIONS,
  rms_norm_eps: 1e-5,
  initializer_range: 0.15,
  tie_word_embeddings: true,
  hidden_act: 'silu',
});
const weightsOf = (seed: number): ModelWeights =>
  ModelWeights.initialize(runtime, config, POSITIONS, Random.from(seed, 'weights'));

const sigmoid: DpoSettings = { loss: 'sigmoid', beta: 0.1, label_smoothing: 0, nll_coef: 0 };
const KINDS: [string, DpoSettings][] = [
  ['sigmoid', sigmoid],
  ['cDPO', { ...sigmoid, label_smoothing: 0.1 }],
  ['robust', { ...sigmoid, loss: 'robust', label_smoothing: 0.1 }],
  ['hinge', { ...sigmoid, loss: 'hinge' }],
  ['ipo', { ...sigmoid, loss: 'ipo' }],
  ['with NLL', { ...sigmoid, nll_coef: 0.5 }],
];

function lossAt(h: number, settings: DpoSettings): number {
  const graph = new Graph();
  const loss = pairLoss(graph.input('h', 'float32', ['pairs']), settings);
  const program = Program.compile(runtime, 'loss', { loss });
  const out = runtime.hostTensor('float32', [1]);
  program.prepare({ h: runtime.hostTensor('float32', [1], Float32Array.of(h)) }, { loss: out }).run();
  program.release();
  return (out.data as Float32Array)[0];
}

const tokens = (random: Random, length: number): Int32Array =>
  Int32Array.from({ length }, () => 1 + random.int(config.vocabSize - 1));
/** Pairs of prompts of 0 … 8 and answers of 1 … 12 tokens; a prompt of nothing has answers of 2 or more. */
function pairsOf(seed: number, count: number): LearntPair[] {
  const random = Random.from(seed, 'pairs');
  return Array.from({ length: count }, () => {
    const prompt = tokens(random, random.int(9));
    const answer = (): Int32Array => tokens(random, (prompt.length === 0 ? 2 : 1) + random.int(11));
    const [chosen, rejected] = [answer(), answer()];
    const p = [1, 1, 0.75, 0.5][random.int(4)];
    const sum = (answer: Int32Array): number => -4 * answer.length - random.int(5);
    return { prompt, chosen, rejected, p, reference: { chosen: sum(chosen), rejected: sum(rejected) } };
  });
}
async function scorePairs(pairs: readonly AnswerPair[], weights: ModelWeights): Promise<ReferenceSums[]> {
  const { rows, places } = distinctAnswers(pairs);
  const sums = await answerSums(rows, runtime, weights);
  return places.map(({ chosen, rejected }) => ({ chosen: sums[chosen], rejected: sums[rejected] }));
}
const batchesOf = (pairs: readonly LearntPair[], most: number | null = null, positions = POSITIONS): MicroBatch[] =>
  pairBatches(pairs, { config, positions, device: 'cpu', pairs: most }).batches;

/** What a step sees and what it makes of the weights. */
async function stepOf(settings: DpoSettings, batches: readonly MicroBatch[]) {
  const weights = weightsOf(3);
  const learner = new Learner(runtime, {
    inputs: weights.inputs,
    trainable: [...weights.parameters.keys()],
    objective: dpoObjective(weights, settings),
    // smooth in the gradient: g / (|g| + 1)
    optimizer: { beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0, maxGradNorm: 1e9 },
  });
  const result = await learner.step(batches, 1);
  const values = new Map<string, Float32Array>();
  for (const name of weights.parameters.keys()) values.set(name, (await weights.read(name)).slice());
  learner.release();
  weights.release();
  return { ...result, values };
}
type Step = Awaited<ReturnType<typeof stepOf>>;

function expectClose(one: Step, other: Step): void {
  expect(Math.abs(one.gradNorm - other.gradNorm)).toBeLessThan(1e-4 * Math.max(1, other.gradNorm));
  for (const [name, value] of Object.entries(other.sums))
    expect(Math.abs(one.sums[name] - value), name).toBeLessThan(2e-5 * Math.max(1, Math.abs(value)));
  for (const [name, data] of other.values) {
    const gap = data.reduce((most, x, i) => Math.max(most, Math.abs(x - one.values.get(name)![i])), 0);
    expect(gap, name).toBeLessThan(1e-5);
  }
}

describe('worked numbers: log π −20, −30, reference −22, −29, 10 and 12 tokens, β 0.1', () => {
  const [a, b] = [-20 + 22, -30 + 29];
  it.each([
    ['sigmoid', sigmoid, a - b, 0.554355],
    ['cDPO', { ...sigmoid, label_smoothing: 0.1 }, a - b, 0.584355],
    ['robust', { ...sigmoid, loss: 'robust', label_smoothing: 0.1 }, a - b, 0.516855],
    ['hinge', { ...sigmoid, loss: 'hinge' }, a - b, 0.7],
    ['ipo', { ...sigmoid, loss: 'ipo' }, a / 10 - b / 12, 22.246944],
  ] as [string, DpoSettings, number, number][])('%s', (_, settings, h, expected) => {
    expect(Math.abs(lossAt(h, settings) - expected)).toBeLessThan(1e-6 * Math.max(1, expected));
  });

  it.each(KINDS)('%s starts at its loss of h = 0', (_, settings) => {
    expect(lossAt(0, settings)).toBeCloseTo(startLoss(settings), 5);
  });

  it('is finite, and so are its slopes, however far h is', () => {
    for (const [, settings] of KINDS)
      for (const h of [-1e4, 1e4]) expect(Number.isFinite(lossAt(h, settings))).toBe(true);
  });
});

describe.each(KINDS)('%s', (_, settings) => {
  it('cut into micro-batches of 1, 3 or all pairs: one step', async () => {
    const pairs = pairsOf(1, 8);
    const whole = await stepOf(settings, batchesOf(pairs));
    for (const most of [1, 3]) {
      const cut = batchesOf(pairs, most);
      expect(cut).toHaveLength(Math.ceil(8 / most));
      expectClose(await stepOf(settings, cut), whole);
    }
  });

  it('neither packing nor padding at the right changes anything', async () => {
    const pairs = pairsOf(2, 6);
    const packed = batchesOf(pairs);
    // rows as short as the longest answer hold hardly more than one each
    const longest = Math.max(...pairs.flatMap((p) => [p.chosen, p.rejected].map((y) => p.prompt.length + y.length)));
    const apart = batchesOf(pairs, null, longest);
    expect(apart[0].ids.dims).not.toEqual(packed[0].ids.dims);
    const whole = await stepOf(settings, packed);
    expectClose(await stepOf(settings, apart), whole);
    expectClose(await stepOf(settings, packed.map(padded)), whole);
  });

  it('a pair said the other way round, with 1 − p, is the same pair', async () => {
    const pairs = pairsOf(4, 5);
    const turned = pairs.map(({ prompt, chosen, rejected, p, reference }) => ({
      prompt,
      chosen: rejected,
      rejected: chosen,
      p: 1 - p,
      reference: { chosen: reference.rejected, rejected: reference.chosen },
    }));
    const [one, other] = [await stepOf(settings, batchesOf(pairs)), await stepOf(settings, batchesOf(turned))];
    expect(one.sums.loss).toBeCloseTo(other.sums.loss, 4);
    expect(one.gradNorm / other.gradNorm).toBeCloseTo(1, 4);
  });
});

/** Twelve more columns of padding. */
function padded(batch: MicroBatch): MicroBatch {
  const [rows, seq] = batch.ids.dims;
  const wide = seq + 12;
  const move = (place: number): number => Math.floor(place / seq) * wide + (place % seq);
  const grid = (name: string, rest: number) => {
    const data = new Int32Array(rows * wide).fill(rest);
    for (let i = 0; i < rows * seq; i++) data[move(i)] = batch[name].data[i];
    return { dims: [rows, wide], data };
  };
  const places = Int32Array.from(batch.places.data, move);
  const inverse = new Int32Array(rows * wide).fill(places.length);
  places.forEach((place, i) => (inverse[place] = i));
  return {
    ...batch,
    ids: grid('ids', 5),
    positions: grid('positions', 0),
    segments: grid('segments', -1),
    places: { dims: [places.length], data: places },
    inverse: { dims: [inverse.length], data: inverse },
  };
}

it('the gradient vanishes where both answers are the same, and where every pair is a tie at the start', async () => {
  const same = pairsOf(5, 4).map((pair) => ({
    ...pair,
    p: 1,
    rejected: pair.chosen,
    reference: { chosen: -9, rejected: -9 },
  }));
  const weights = weightsOf(3);
  const start = await scorePairs(pairsOf(6, 4), weights);
  weights.release();
  const tied = pairsOf(6, 4).map((pair, i) => ({ ...pair, p: 0.5, reference: start[i] }));
  for (const [, settings] of KINDS.slice(0, 5)) {
    expect((await stepOf(settings, batchesOf(same))).gradNorm).toBeLessThan(1e-5 * Math.max(1, startLoss(settings)));
    // max(0, 1 − h) + max(0, 1 + h) is flat at 0 as well
    expect((await stepOf(settings, batchesOf(tied))).gradNorm).toBeLessThan(1e-4 * Math.max(1, startLoss(settings)));
  }
});

it('log-probabilities of the reference, computed before, are those that the policy itself sees at the start', async () => {
  const pairs = pairsOf(7, 9);
  const weights = weightsOf(3);
  const sums = await scorePairs(pairs, weights);
  weights.release();
  const live = pairs.map((pair, i) => ({ ...pair, p: 1, reference: sums[i] }));
  for (const [, settings] of KINDS) {
    const { sums: found } = await stepOf(settings, batchesOf(live));
    expect(Math.abs(found['rewards/chosen'])).toBeLessThan(2e-6);
    expect(Math.abs(found['rewards/rejected'])).toBeLessThan(2e-6);
    const mean = sums.reduce((total, { chosen }) => total + chosen, 0) / sums.length;
    expect(found['logps/chosen'] / mean).toBeCloseTo(1, 5);
    const loss = found.loss - settings.nll_coef * (found.nll_loss ?? 0);
    expect(Math.abs(loss / startLoss(settings) - 1)).toBeLessThan(1e-5);
  }
});

it('batches hold every pair once, with both answers, within the model’s positions', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 1, max: 12 }),
      fc.option(fc.integer({ min: 1, max: 5 })),
      (seed, n, most) => {
        const pairs = pairsOf(seed, n);
        const {
          batches,
          tokens: count,
          untied,
        } = pairBatches(pairs, { config, positions: POSITIONS, device: 'cpu', pairs: most });
        expect(count).toBe(
          pairs.reduce((sum, p) => sum + 2 * p.prompt.length + p.chosen.length + p.rejected.length, 0),
        );
        expect(untied).toBe(pairs.filter(({ p }) => p !== 0.5).length);
        const of = (name: string): number[] => batches.flatMap((batch) => [...batch[name].data]);
        expect(of('p')).toEqual(pairs.map(({ p }) => Math.fround(p)));
        expect(of('reference_chosen')).toEqual(pairs.map(({ reference }) => reference.chosen));
        const sum = (name: string): number => of(name).reduce((total, x) => total + x, 0);
        for (const name of ['share', 'chosen_tokens', 'rejected_tokens', 'answer_tokens', 'imitated'])
          expect(sum(name)).toBeCloseTo(1, 5);
        for (const batch of batches) {
          expect(batch.ids.dims[1]).toBeLessThanOrEqual(POSITIONS);
          if (most !== null) expect(batch.p.dims[0]).toBeLessThanOrEqual(most);
          expect(new Set(batch.places.data).size).toBe(batch.places.dims[0]);
        }
        const labels = of('labels').filter((label) => label >= 0);
        const learnt = pairs.flatMap((p) =>
          [p.chosen, p.rejected].flatMap((y) => [...y].slice(p.prompt.length ? 0 : 1)),
        );
        expect(labels.sort((a, b) => a - b)).toEqual(learnt.sort((a, b) => a - b));
      },
    ),
    { numRuns: 60 },
  );
});

describe('the cache of the reference', () => {
  const model = join(folder, 'model');
  const cache = join(folder, 'cache');
  const pairs: AnswerPair[] = pairsOf(8, 5);
  let opened = 0;
  const ask = async (rows: readonly AnswerPair[] = pairs, template: string | null = 'a template') => {
    const lines: string[] = [];
    const sums = await referenceSums(rows, {
      runtime,
      folder: model,
      open: () => {
        opened++;
        return weightsOf(3);
      },
      close: (weights) => weights.release(),
      template,
      cache,
      say: (line) => lines.push(line),
      shown: (path) => path.slice(folder.length + 1),
    });
    return { sums, said: lines.join('\n') };
  };
  beforeAll(() => {
    mkdirSync(model);
    writeFileSync(join(model, 'config.json'), '{}');
    writeFileSync(join(model, 'model.safetensors'), 'weights');
  });

  it('is found again, and asked anew when tokens, template or weights change', async () => {
    const first = await ask();
    expect(first.said).toContain('computed');
    expect(opened).toBe(1);
    const again = await ask();
    expect(again.said).toContain('found');
    expect(again.sums).toEqual(first.sums);
    expect(opened).toBe(1);
    // labeled the other way, in another order, twice: the same answers
    const relabeled = [...pairs, ...pairs]
      .reverse()
      .map((pair) => ({ ...pair, chosen: pair.rejected, rejected: pair.chosen }));
    const turned = await ask(relabeled);
    expect(turned.said).toContain('found');
    expect(turned.sums.at(-1)).toEqual({ chosen: first.sums[0].rejected, rejected: first.sums[0].chosen });
    expect((await ask(pairs, 'another')).said).toContain('computed');
    const [one, ...rest] = pairs;
    // the same tokens, but the border between prompt and answer elsewhere
    const shifted = { ...one, prompt: Int32Array.of(...one.prompt, one.chosen[0]), chosen: one.chosen.slice(1) };
    expect((await ask([shifted, ...rest])).said).toContain('computed');
    writeFileSync(join(model, 'model.safetensors'), 'weightS');
    expect((await ask()).said).toContain('computed');
    writeFileSync(join(model, 'model.safetensors'), 'weights');
    expect((await ask()).said).toContain('found');
    expect(opened).toBe(4);
  });

  it('a file with any byte changed, cut or gone is made anew', async () => {
    rmSync(cache, { recursive: true });
    const whole = await ask();
    const file = join(cache, readdirSync(cache)[0]);
    const bytes = readFileSync(file);
    for (let i = 0; i < bytes.length; i += 7) {
      const changed = Buffer.from(bytes);
      changed[i] ^= 0x10;
      writeFileSync(file, changed);
      const { said, sums } = await ask();
      expect(said).toContain('is damaged and is made anew');
      expect(sums).toEqual(whole.sums);
    }
    for (const length of [0, 31, bytes.length - 8]) {
      writeFileSync(file, bytes.subarray(0, length));
      expect((await ask()).sums).toEqual(whole.sums);
    }
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});

it('a cache that cannot be written stops nothing', async () => {
  const blocked = join(folder, 'blocked');
  writeFileSync(blocked, 'a file where the folder should be');
  const lines: string[] = [];
  const pairs = pairsOf(9, 3);
  const sums = await referenceSums(pairs, {
    runtime,
    folder: join(folder, 'model'),
    open: () => weightsOf(3),
    close: (weights) => weights.release(),
    template: null,
    cache: blocked,
    say: (line) => lines.push(line),
    shown: (path) => path,
  });
  expect(lines.join()).toContain('not kept: ');
  const weights = weightsOf(3);
  expect(sums).toEqual(await scorePairs(pairs, weights));
  weights.release();
});

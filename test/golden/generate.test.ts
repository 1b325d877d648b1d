import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/data/random';
import { type GenerateOptions, Generator } from '../../src/models/generate';
import { ModelWeights } from '../../src/models/weights';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';
import { goldenTensors, goldenValues } from './load';

let runtime: Runtime;
let weights: ModelWeights;
beforeAll(() => {
  runtime = openRuntime({ threads: 2 });
  const initial = goldenTensors('llama').group('initial');
  weights = ModelWeights.load(runtime, goldenValues('llama').config, 64, (name) => initial.get(name)!.data);
});
afterAll(() => runtime.close());

const greedy = { temperature: 0, stopIds: [] };
const prompts = (ids: readonly (readonly number[])[], seed = 1) =>
  ids.map((prompt, i) => ({ ids: prompt, random: Random.from(seed, i) }));
const write = async (rows: number, ids: readonly (readonly number[])[], options: GenerateOptions, fixed = false) => {
  const generator = new Generator(runtime, weights, { rows, fixed });
  try {
    return await generator.generate(prompts(ids), options);
  } finally {
    generator.release();
  }
};

describe('generation', () => {
  const { greedy: recorded } = goldenValues('generation');
  const maxNewTokens = recorded[0].tokens.length;

  it.each([1, 2, 3, 8])('greedy answers to unequal prompts in %i rows are those of transformers', async (rows) => {
    const answers = await write(
      rows,
      recorded.map(({ prompt }) => prompt),
      { ...greedy, maxNewTokens },
    );
    answers.forEach(({ ids, logProbs, finish }, i) => {
      expect(ids).toEqual(recorded[i].tokens);
      expect(finish).toBe('length');
      logProbs.forEach((logProb, t) => expect(logProb).toBeCloseTo(recorded[i].logprobs[t], 4));
    });
  });

  it.each([0, 1])('writes the same at temperature %i where its programs hold the weights', async (temperature) => {
    const ids = recorded.map(({ prompt }) => prompt);
    const options = { temperature, stopIds: [], maxNewTokens };
    const [read, held] = [await write(2, ids, options), await write(2, ids, options, true)];
    held.forEach((answer, i) => {
      expect(answer.ids).toEqual(read[i].ids);
      answer.logProbs.forEach((logProb, t) => expect(logProb).toBeCloseTo(read[i].logProbs[t], 5));
    });
  });

  it('stops at a stop token and gives the place to the next prompt', async () => {
    const ids = recorded.flatMap(({ prompt }) => [prompt, prompt]);
    const stop = recorded[0].tokens[5];
    const answers = await write(2, ids, { ...greedy, maxNewTokens, stopIds: [stop] });
    answers.forEach((answer, i) => {
      const whole = recorded[Math.floor(i / 2)].tokens;
      const end = whole.indexOf(stop);
      expect(answer.ids).toEqual(end < 0 ? whole : whole.slice(0, end + 1));
      expect(answer.finish).toBe(end < 0 ? 'length' : 'stop');
    });
  });

  it('draws the same from the same streams, whatever the rows', async () => {
    const ids = recorded.map(({ prompt }) => prompt);
    const sampled = { temperature: 1, stopIds: [], maxNewTokens: 16 };
    const [a, b] = [await write(3, ids, sampled), await write(3, ids, sampled)];
    expect(a).toEqual(b);
    const single = await write(1, ids, sampled);
    single.forEach((answer, i) => expect(answer.ids).toEqual(a[i].ids));
  });

  it('top-k 1, a tiny top-p and temperature 0 are greedy', async () => {
    const ids = recorded.map(({ prompt }) => prompt);
    for (const options of [
      { temperature: 1, topK: 1 },
      { temperature: 1, topP: 1e-9 },
      { temperature: 0, topP: 0.5 },
    ]) {
      const answers = await write(3, ids, { ...options, stopIds: [], maxNewTokens: 12 });
      answers.forEach((answer, i) => expect(answer.ids).toEqual(recorded[i].tokens.slice(0, 12)));
    }
  });
});

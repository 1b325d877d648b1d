import { Random } from '../../src/data/random';
import { Generator, type Prompt } from '../../src/models/generate';
import { ModelWeights } from '../../src/models/weights';
import { openRuntime } from '../../src/tensor/runtime';
import { shapeConfig } from '../shapes';
import { median } from '../statistics';
import type { Parsed } from './main';

const SEED = 42;
const PROMPT_LENGTH = 2;

/** Greedy answers of equal length to random prompts, for each size of batch and each length of the cache, by turns. */
export async function measureGeneration(request: Parsed<'generate'>): Promise<unknown> {
  const { threads, shape, batches, newTokens, cacheLengths, warmup, runs } = request;
  const config = shapeConfig(shape);
  const runtime = openRuntime({ threads, backend: 'native' });
  const longest = Math.max(PROMPT_LENGTH + newTokens, ...cacheLengths);
  const weights = ModelWeights.initialize(runtime, config, longest, Random.from(SEED));
  const random = Random.from(SEED, 'prompts');
  const promptsOf = (count: number): Prompt[] =>
    Array.from({ length: count }, (_, row) => ({
      ids: Array.from({ length: PROMPT_LENGTH }, () => random.int(config.vocabSize)),
      random: Random.from(SEED, row),
    }));
  const everyToken = Array.from({ length: config.vocabSize }, (_, id) => id);
  const results = [];
  for (const batch of batches) {
    const prompts = promptsOf(batch);
    const contestants = [];
    for (const cacheLength of cacheLengths) {
      const generator = new Generator(runtime, weights, { rows: batch, fixed: true });
      // An answer that could have been as long as the cache, and ends with its first token, sets the cache's length.
      await generator.generate(prompts.slice(0, 1), {
        maxNewTokens: cacheLength - PROMPT_LENGTH,
        temperature: 0,
        stopIds: everyToken,
      });
      contestants.push({ cacheLength, generator, seconds: [] as number[] });
    }
    for (let run = 0; run < warmup + runs; run++) {
      for (const { generator, seconds } of contestants) {
        const start = performance.now();
        const answers = await generator.generate(prompts, {
          maxNewTokens: newTokens,
          temperature: 0,
          stopIds: [],
          logProbs: false,
        });
        const taken = (performance.now() - start) / 1e3;
        if (answers.some(({ ids }) => ids.length !== newTokens)) throw new Error('an answer ended before its length');
        if (run >= warmup) seconds.push(taken);
      }
    }
    for (const { cacheLength, generator, seconds } of contestants) {
      generator.release();
      results.push({
        batch,
        cache_length: cacheLength,
        tokens_per_second: (batch * newTokens) / median(seconds),
        seconds,
      });
    }
  }
  weights.release();
  runtime.close();
  return { results };
}

import { Random } from '../../data/random';
import type { Message } from '../../data/rows';
import { Generator } from '../../models/generate';
import type { Tokenizer } from '../../models/tokenizer';
import type { ModelWeights } from '../../models/weights';
import type { Runtime } from '../../tensor/runtime';
import type { Sample } from '../task';

/** A prompt to write sample answers to: what is shown, and its tokens. */
export interface SamplePrompt {
  prompt: string | Message[];
  ids: readonly number[];
}

/** Longest sample answer in tokens. */
export const SAMPLE_TOKENS = 64;

export interface SampleInputs {
  runtime: Runtime;
  weights: ModelWeights;
  tokenizer: Tokenizer;
  prompts: readonly SamplePrompt[];
  stage: string;
  seed: number;
}

/** Answers to the sample prompts under the weights of a step, sampled at temperature 1. */
export class SampleAnswers {
  private generator: Generator | undefined;

  constructor(private readonly inputs: SampleInputs) {}

  async *at(step: number): AsyncIterable<Sample> {
    const { prompts, runtime, weights, tokenizer, seed, stage } = this.inputs;
    if (prompts.length === 0) return;
    this.generator ??= new Generator(runtime, weights, { rows: Math.min(prompts.length, 16) });
    const answers = await this.generator.generate(
      prompts.map(({ ids }, row) => ({ ids, random: Random.from(seed, stage, step, row) })),
      { maxNewTokens: SAMPLE_TOKENS, temperature: 1, stopIds: tokenizer.eosIds },
    );
    for (const [row, { ids, finish }] of answers.entries()) {
      yield {
        prompt: prompts[row].prompt,
        answer: tokenizer.decode(ids, { skipSpecial: true }).trim(),
        row,
        finish,
        tokens: ids.length,
      };
    }
  }

  release(): void {
    this.generator?.release();
  }
}

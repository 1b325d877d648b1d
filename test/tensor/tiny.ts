import { Random } from '../../src/data/random';
import { Generator } from '../../src/models/generate';
import { parameterCount, parseLlamaConfig } from '../../src/models/hf-config';
import { ModelWeights } from '../../src/models/weights';
import { Learner, type MicroBatch } from '../../src/stages/training/learner';
import { learntCount, nextTokenBatch, nextTokenObjective, type TokenRow } from '../../src/stages/training/next-token';
import type { Runtime } from '../../src/tensor/runtime';

/** A Llama of 0.03 M parameters with grouped queries and tied embeddings. */
const config = parseLlamaConfig({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 96,
  hidden_size: 32,
  intermediate_size: 80,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  eos_token_id: 0,
});
export const PARAMETERS = parameterCount(config);
export const STEPS = 20;
const SEQ = 32;

/** 64 tokens: two rows, the first of two packed texts, each with a prompt that is not learnt. */
function batch(random: Random): MicroBatch {
  const lengths = [[20, 10], [27]];
  const rows = lengths.map((texts): TokenRow => {
    const parts = texts.map((length, segment) => ({
      // a pattern that can be learnt: each token is the one before it plus three
      ids: Array.from({ length }, () => 0).map(
        (_, i, all) => (all[i] = i === 0 ? random.int(96) : ((all[i - 1] ?? 0) + 3) % 96),
      ),
      positions: Array.from({ length }, (_, i) => i),
      segments: Array.from({ length }, () => segment),
      mask: Array.from({ length }, (_, i) => (i < 4 ? 0 : 1)),
    }));
    const join = (key: 'ids' | 'positions' | 'segments' | 'mask') => parts.flatMap((part) => part[key]);
    return { ids: join('ids'), positions: join('positions'), segments: join('segments'), mask: join('mask') };
  });
  return nextTokenBatch(
    rows,
    SEQ,
    rows.reduce((sum, row) => sum + learntCount(row), 0),
  );
}

export interface Trained {
  losses: number[];
  norms: number[];
  weights: Map<string, Float32Array>;
  /** Tokens of two prompts of unequal lengths, decoded greedily after the training. */
  answers: number[][];
}

/** The tiny model in SFT with clipping, weight decay and warm-up. */
export class TinyTraining {
  readonly weights: ModelWeights;
  readonly learner: Learner;
  private readonly data: Random;

  constructor(private readonly runtime: Runtime) {
    const random = Random.from(7, 'tiny');
    this.data = random.split('data');
    this.weights = ModelWeights.initialize(runtime, config, config.maxPositions, random.split('weights'));
    this.learner = new Learner(runtime, {
      inputs: this.weights.inputs,
      trainable: [...this.weights.parameters.keys()],
      objective: nextTokenObjective(this.weights),
      optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, maxGradNorm: 1 },
    });
  }

  async step(): Promise<{ loss: number; norm: number }> {
    const rate = 5e-3 * Math.min(1, (this.learner.optimizer.steps + 1) / 5);
    const { sums, gradNorm } = await this.learner.step([batch(this.data)], rate);
    return { loss: sums.loss, norm: gradNorm };
  }

  /** Twenty tokens of two prompts of unequal lengths. */
  async decode(): Promise<number[][]> {
    const generator = new Generator(this.runtime, this.weights, { rows: 2 });
    const prompts = [
      [5, 8, 11],
      [40, 43, 46, 49, 52],
    ].map((ids) => ({ ids, random: Random.from(7, 'decode') }));
    const answers = await generator.generate(prompts, { maxNewTokens: 20, temperature: 0, stopIds: [] });
    generator.release();
    return answers.map(({ ids }) => ids);
  }

  release(): void {
    this.learner.release();
    this.weights.release();
  }
}

/** Twenty steps, then, where asked, twenty tokens. */
export async function trainTiny(runtime: Runtime, { decode = true } = {}): Promise<Trained> {
  const training = new TinyTraining(runtime);
  const result: Trained = { losses: [], norms: [], weights: new Map(), answers: [] };
  for (let step = 0; step < STEPS; step++) {
    const { loss, norm } = await training.step();
    result.losses.push(loss);
    result.norms.push(norm);
  }
  for (const name of training.weights.parameters.keys()) {
    result.weights.set(name, (await training.weights.read(name)).slice());
  }
  if (decode) result.answers = await training.decode();
  training.release();
  return result;
}

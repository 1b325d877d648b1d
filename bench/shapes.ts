import { parseLlamaConfig, type LlamaConfig } from '../src/models/hf-config';
import { parameterCount } from '../src/models/parameters';

/** The sizes that are measured; bench/peers/measure.py has the same ones under the same names. */
export const SHAPES = {
  tiny: { vocabulary: 64, width: 16, feedForward: 32, layers: 2, heads: 2, kvHeads: 1, rows: 2, length: 8 },
  '2.8m': { vocabulary: 2048, width: 192, feedForward: 512, layers: 6, heads: 6, kvHeads: 2, rows: 16, length: 128 },
  '135m': { vocabulary: 49152, width: 576, feedForward: 1536, layers: 30, heads: 9, kvHeads: 3, rows: 2, length: 256 },
} as const;
export type ShapeName = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[];

/** A Llama of a shape, with tied embeddings. */
export function shapeConfig(name: ShapeName): LlamaConfig {
  const { vocabulary, width, feedForward, layers, heads, kvHeads } = SHAPES[name];
  return parseLlamaConfig({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: width,
    intermediate_size: feedForward,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  });
}

/**
 * Floating-point operations of one training step with every position learnt: 6 for each parameter and token (2 forward,
 * 4 backward), and the products of attention, 12·layers·heads·head_dim·length² a row.
 */
export function stepFlops(config: LlamaConfig, rows: number, length: number): number {
  const attention = 12 * config.layers * config.heads * config.headDim * length ** 2 * rows;
  return 6 * parameterCount(config) * rows * length + attention;
}

/** Operations of a product of two n × n matrices. */
export const gemmFlops = (n: number): number => 2 * n ** 3;

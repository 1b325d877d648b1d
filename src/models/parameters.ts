import type { LlamaConfig } from './hf-config';

export interface ParameterShape {
  /** The name in Hugging Face's layout, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Matrices are [out, in]. */
  readonly shape: readonly number[];
}

/** Every parameter of a Llama, in the order of the forward pass; `lm_head.weight` only where it is not tied. */
export function parameterShapes(config: LlamaConfig): ParameterShape[] {
  const { hiddenSize: h, intermediateSize: f, headDim, attentionBias, mlpBias } = config;
  const q = config.heads * headDim;
  const kv = config.kvHeads * headDim;
  const shapes: ParameterShape[] = [];
  const vector = (name: string, size: number) => shapes.push({ name: `${name}.weight`, shape: [size] });
  const linear = (name: string, out: number, input: number, bias: boolean) => {
    shapes.push({ name: `${name}.weight`, shape: [out, input] });
    if (bias) shapes.push({ name: `${name}.bias`, shape: [out] });
  };
  linear('model.embed_tokens', config.vocabSize, h, false);
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    vector(`${layer}.input_layernorm`, h);
    linear(`${layer}.self_attn.q_proj`, q, h, attentionBias);
    linear(`${layer}.self_attn.k_proj`, kv, h, attentionBias);
    linear(`${layer}.self_attn.v_proj`, kv, h, attentionBias);
    linear(`${layer}.self_attn.o_proj`, h, q, attentionBias);
    vector(`${layer}.post_attention_layernorm`, h);
    linear(`${layer}.mlp.gate_proj`, f, h, mlpBias);
    linear(`${layer}.mlp.up_proj`, f, h, mlpBias);
    linear(`${layer}.mlp.down_proj`, h, f, mlpBias);
  }
  vector('model.norm', h);
  if (!config.tied) linear('lm_head', config.vocabSize, h, false);
  return shapes;
}

/** Matrices that take one input, as one matrix whose rows are theirs, in order. */
export interface JointShape extends ParameterShape {
  readonly parts: readonly string[];
}

/** Queries, keys and values of each layer together; none where they have biases. */
export function jointShapes({ layers, heads, kvHeads, headDim, hiddenSize, attentionBias }: LlamaConfig): JointShape[] {
  return Array.from({ length: attentionBias ? 0 : layers }, (_, i) => {
    const layer = `model.layers.${i}.self_attn`;
    return {
      name: `${layer}.qkv_proj.weight`,
      shape: [(heads + 2 * kvHeads) * headDim, hiddenSize],
      parts: ['q', 'k', 'v'].map((kind) => `${layer}.${kind}_proj.weight`),
    };
  });
}

/** How many numbers a model has, without listing its tensors. */
export function parameterCount(config: LlamaConfig): number {
  const count = (layers: number) =>
    parameterShapes({ ...config, layers }).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const outside = count(0);
  return outside + (count(1) - outside) * config.layers;
}

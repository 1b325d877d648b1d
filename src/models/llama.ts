import { type Graph, type Value } from '../tensor/graph';
import { attentionBias, embedding, groupedQueryAttention, linear, rmsNorm, swiglu } from '../tensor/nn';
import { add, cachedAttention, cast, reshape, rotary, rotatesInside, transpose } from '../tensor/ops';
import { productOf } from '../tensor/dims';
import type { LlamaConfig } from './hf-config';
import { jointShapes, parameterShapes } from './parameters';

/** The model's weights as inputs of a graph, by their Hugging Face names or a joint one, and the rotary tables. */
export interface LlamaWeights {
  get(name: string): Value;
  cos: Value;
  sin: Value;
}

/** Declares the weights in a graph. Tables reach to `positions`. */
export function declareWeights(graph: Graph, config: LlamaConfig, positions: number): LlamaWeights {
  const shapes = [...parameterShapes(config), ...jointShapes(config)];
  const weights = new Map(shapes.map(({ name, shape }) => [name, graph.input(name, 'float32', shape)]));
  const table = (name: string): Value => graph.input(name, 'float32', [positions, config.headDim / 2]);
  return {
    get: (name) => {
      const value = weights.get(name);
      if (!value) throw new Error(`the model has no ${name}`);
      return value;
    },
    cos: table('rope.cos'),
    sin: table('rope.sin'),
  };
}

/** A batch as the graph takes it, int32 [batch, seq] each: tokens, their places in their own text, and which text. */
export interface LlamaBatch {
  ids: Value;
  positions: Value;
  segments: Value;
}

export const declareBatch = (graph: Graph): LlamaBatch => ({
  ids: graph.input('ids', 'int32', ['batch', 'seq']),
  positions: graph.input('positions', 'int32', ['batch', 'seq']),
  segments: graph.input('segments', 'int32', ['batch', 'seq']),
});

const project = (w: LlamaWeights, x: Value, name: string, bias: boolean): Value => {
  const y = linear(x, w.get(`${name}.weight`));
  return bias ? add(y, w.get(`${name}.bias`)) : y;
};

type Attend = (layer: string, x: Value) => Value;

/** The residual stream through all layers: x [tokens, hidden] → normalised [tokens, hidden]. */
function decoder(config: LlamaConfig, w: LlamaWeights, embedded: Value, attend: Attend): Value {
  let x = embedded;
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    const norm = (name: string): Value => rmsNorm(x, w.get(`${layer}.${name}.weight`), config.rmsEps);
    x = add(x, attend(`${layer}.self_attn`, norm('input_layernorm')));
    const normed = norm('post_attention_layernorm');
    const [gate, up] = ['gate_proj', 'up_proj'].map((name) =>
      project(w, normed, `${layer}.mlp.${name}`, config.mlpBias),
    );
    x = add(x, project(w, swiglu(gate, up), `${layer}.mlp.down_proj`, config.mlpBias));
  }
  return rmsNorm(x, w.get('model.norm.weight'), config.rmsEps);
}

/** The final hidden states [batch·seq, hidden] of a batch, for training and scoring. */
export function llamaHidden(config: LlamaConfig, w: LlamaWeights, batch: LlamaBatch): Value {
  const [rows, seq] = batch.ids.shape;
  const tokens = productOf([rows, seq]);
  const bias = attentionBias(batch.positions, batch.segments);
  const positions = cast(batch.positions, 'int64'); // the rotary kernel knows no other
  const split = (x: Value, heads: number): Value =>
    transpose(reshape(x, [rows, seq, heads, config.headDim]), [0, 2, 1, 3]);
  const attend: Attend = (name, x) => {
    const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((part) =>
      project(w, x, `${name}.${part}`, config.attentionBias),
    );
    const turn = (heads: Value): Value => rotary(heads, positions, w.cos, w.sin);
    const attended = groupedQueryAttention(
      turn(split(q, config.heads)),
      turn(split(k, config.kvHeads)),
      split(v, config.kvHeads),
      bias,
    );
    const joined = reshape(transpose(attended, [0, 2, 1, 3]), [tokens, config.heads * config.headDim]);
    return project(w, joined, `${name}.o_proj`, config.attentionBias);
  };
  const x = embedding(w.get('model.embed_tokens.weight'), reshape(batch.ids, [tokens]));
  return decoder(config, w, x, attend);
}

/** Logits [rows, vocab] of hidden states [rows, hidden]. */
export const llamaLogits = (config: LlamaConfig, w: LlamaWeights, hidden: Value): Value =>
  linear(hidden, w.get(config.tied ? 'model.embed_tokens.weight' : 'lm_head.weight'));

export interface LlamaCache {
  /** int32 [batch]: tokens of each row after this call, minus one */
  lastIndex: Value;
  /** int32 []: the largest of them plus one */
  total: Value;
  /** The caches after the call, to be written over the caches given: `key.i`, `value.i`. */
  updated: Record<string, Value>;
}

/**
 * Hidden states of new tokens [batch·seq, hidden] after those in the cache, for generation. Takes `positions` where the
 * attention kernel cannot rotate heads of this size itself. With `joint`, queries, keys and values come from one product.
 */
export function llamaDecode(
  graph: Graph,
  config: LlamaConfig,
  w: LlamaWeights,
  ids: Value,
  { joint = false } = {},
): { hidden: Value; cache: LlamaCache } {
  const [rows, seq] = ids.shape;
  const tokens = productOf([rows, seq]);
  const cache: LlamaCache = {
    lastIndex: graph.input('last_index', 'int32', ['batch']),
    total: graph.input('total', 'int32', []),
    updated: {},
  };
  let layer = 0;
  const inside = rotatesInside(config.headDim);
  const turn = (x: Value, heads: number): Value => {
    const apart = transpose(reshape(x, [rows, seq, heads, config.headDim]), [0, 2, 1, 3]);
    const positions = cast(graph.input('positions', 'int32', ['batch', 'seq']), 'int64');
    return reshape(transpose(rotary(apart, positions, w.cos, w.sin), [0, 2, 1, 3]), x.shape);
  };
  const attend: Attend = (name, x) => {
    const part = (kind: string): Value => {
      const y = project(w, x, `${name}.${kind}_proj`, config.attentionBias);
      return reshape(y, [rows, seq, y.dim(1)]);
    };
    const past = (kind: string): Value =>
      graph.input(`${kind}.${layer}`, 'float32', ['batch', config.kvHeads, 'length', config.headDim]);
    const apart = (): readonly [Value, Value, Value] => {
      const [q, k, v] = ['q', 'k', 'v'].map(part);
      return inside ? [q, k, v] : [turn(q, config.heads), turn(k, config.kvHeads), v];
    };
    const { output, key, value } = cachedAttention(joint && inside ? [part('qkv')] : apart(), {
      heads: config.heads,
      kvHeads: config.kvHeads,
      pastKey: past('key'),
      pastValue: past('value'),
      lastIndex: cache.lastIndex,
      total: cache.total,
      tables: inside ? w : undefined,
    });
    cache.updated[`key.${layer}`] = key;
    cache.updated[`value.${layer}`] = value;
    layer++;
    return project(w, reshape(output, [tokens, config.heads * config.headDim]), `${name}.o_proj`, config.attentionBias);
  };
  const x = embedding(w.get('model.embed_tokens.weight'), reshape(ids, [tokens]));
  return { hidden: decoder(config, w, x, attend), cache };
}

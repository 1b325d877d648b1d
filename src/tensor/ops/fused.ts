import { type Dim, productOf, sameShape } from '../dims';
import { type Op, ShapeError, type Value } from '../graph';
import { add, mul, neg, sigmoid, sub } from './elementwise';
import { matmul } from './matrix';
import { sum } from './reduce';
import { reshape } from './shape';

const softmaxOp: Op = {
  name: 'softmax',
  types: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: (e, node) => e.node('Softmax', node, { axis: -1 }),
  vjp: ([dy], { outputs: [p] }) => [dy && mul(p, sub(dy, sum(mul(dy, p), [-1], true)))],
};
/** Softmax over the last axis. */
export const softmax = (x: Value): Value => x.graph.apply(softmaxOp, [x])[0];

const attendOp: Op = {
  name: 'attend',
  types: (inputs) => {
    const [scores, v] = inputs;
    const [outer, rows, keys] = [scores.shape.slice(0, -2), scores.dim(-2), scores.dim(-1)];
    if (scores.rank < 3 || !sameShape(v.shape.slice(0, -1), [...outer, keys]))
      throw new ShapeError('attend', inputs, 'needs scores [..., rows, keys] and values [..., keys, d]');
    return [
      { dtype: 'float32', shape: [...outer, rows, v.dim(-1)] },
      { dtype: 'float32', shape: scores.shape },
    ];
  },
  emit: (e, node) => e.attend(node),
  // o = p·v: Σ_j dp_j·p_j of softmax's gradient is do·o, d numbers a row instead of as many as there are keys
  vjp: ([dy], { inputs: [, v], outputs: [o, p] }) => {
    if (!dy) return [];
    const along = sum(mul(dy, o), [-1], true);
    return [mul(p, sub(matmul(dy, v, { transB: true }), along)), matmul(p, dy, { transA: true })];
  },
};
/**
 * Values weighted by the softmax of their scores, scores [..., rows, keys] and v [..., keys, d] → [..., rows, d]; the
 * gradient as in FlashAttention-2 (Dao 2023, section 2.3).
 */
export const attend = (scores: Value, v: Value): Value => scores.graph.apply(attendOp, [scores, v])[0];

const swigluOp: Op = {
  name: 'swiglu',
  types: (inputs) => {
    const [gate, up] = inputs;
    if (!sameShape(gate.shape, up.shape)) throw new ShapeError('swiglu', inputs, 'both must have one shape');
    return [{ dtype: gate.dtype, shape: gate.shape }];
  },
  emit: (e, node) => e.swiglu(node),
  again: ({ inputs: [gate, up] }) => mul(mul(gate, sigmoid(gate)), up),
  // with s = σ(gate) and y = gate·s: y' = s + y·(1 − s)
  vjp: ([dy], { inputs: [gate, up] }) => {
    if (!dy) return [];
    const s = sigmoid(gate);
    const y = mul(gate, s);
    return [mul(mul(dy, up), add(s, sub(y, mul(y, s)))), mul(dy, y)];
  },
};
/** gate·σ(gate)·up (SwiGLU, Shazeer 2020). */
export const swiglu = (gate: Value, up: Value): Value => gate.graph.apply(swigluOp, [gate, up])[0];

const rmsNormOp: Op = {
  name: 'rmsNorm',
  types: (inputs) => {
    const [x, weight] = inputs;
    if (weight.rank !== 1 || weight.dim(0) !== x.dim(-1) || typeof weight.dim(0) !== 'number')
      throw new ShapeError('rmsNorm', inputs, 'the weight must be as long as the last axis, of known length');
    return [
      { dtype: x.dtype, shape: x.shape },
      { dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] },
    ];
  },
  emit: (e, node) => e.rmsNorm(node),
  // y = w·x̂ with x̂ = x·r, r = 1/rms. With t = dy·x both sums are products with a vector:
  // dw = Σ dy·x̂ = rᵀt and dx = r·(dy·w) − x·(r³/d)·(t·w)
  vjp: ([dy], { inputs: [x, weight], outputs: [, inverse] }) => {
    if (!dy) return [];
    const width = x.dim(-1);
    const rows = productOf(x.shape.slice(0, -1));
    const flat = (value: Value, last: Dim): Value => reshape(value, [rows, last]);
    const [gradient, input, r] = [flat(dy, width), flat(x, width), flat(inverse, 1)];
    const t = mul(gradient, input);
    const along = matmul(t, reshape(weight, [width, 1]));
    const cube = mul(mul(r, r), mul(r, 1 / (width as number)));
    const dx = sub(mul(mul(gradient, weight), r), mul(input, mul(cube, along)));
    return [reshape(dx, x.shape), reshape(matmul(r, t, { transA: true }), weight.shape)];
  },
};
/** Root-mean-square normalisation over the last axis (Zhang & Sennrich 2019): x [..., d], weight [d]. */
export const rmsNorm = (x: Value, weight: Value, epsilon: number): Value =>
  x.graph.apply(rmsNormOp, [x, weight], { epsilon })[0];

const rotaryOp: Op = {
  name: 'rotary',
  types: (inputs) => {
    const [x, positions, cos, sin] = inputs;
    const half = x.dim(-1);
    if (
      x.rank !== 4 ||
      positions.rank !== 2 ||
      typeof half !== 'number' ||
      cos.dim(1) !== half / 2 ||
      !sameShape(cos.shape, sin.shape)
    )
      throw new ShapeError('rotary', inputs, 'needs x [batch, heads, seq, d], positions [batch, seq], tables [n, d/2]');
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: (e, node) => e.rotary(node),
  vjp: ([dy], { inputs: [, positions, cos, sin] }) => [
    dy && rotary(dy, positions, cos, neg(sin)),
    undefined,
    undefined,
    undefined,
  ],
};
/**
 * Rotary position embedding in halves (Su et al. 2021, as Llama lays it out). Turning back is the gradient.
 * x [batch, heads, seq, d]; positions int32 [batch, seq]; cos, sin [positions, d/2].
 */
export const rotary = (x: Value, positions: Value, cos: Value, sin: Value): Value =>
  x.graph.apply(rotaryOp, [x, positions, cos, sin])[0];

export interface CachedAttention {
  heads: number;
  kvHeads: number;
  /** keys, values [batch, kvHeads, length, headDim]: given as input and output they are updated in place */
  pastKey: Value;
  pastValue: Value;
  /** int32 [batch]: tokens of each row after this call, minus one */
  lastIndex: Value;
  /** int32 []: the largest of them plus one */
  total: Value;
  /** Tables by which the kernel rotates queries and keys; left out where they are rotated already. */
  tables?: { cos: Value; sin: Value };
}
const cachedAttentionOp: Op = {
  name: 'cachedAttention',
  types: (inputs, { heads, packed }) => {
    const [q] = inputs;
    const { shape } = inputs[packed ? 1 : 3];
    const width = (heads as number) * (shape[3] as number);
    return [
      { dtype: 'float32', shape: [...q.shape.slice(0, -1), width] },
      { dtype: 'float32', shape },
      { dtype: 'float32', shape },
    ];
  },
  emit: (e, node) => e.cachedAttention(node),
};
/** The kernel rotates heads of these sizes only. */
export const rotatesInside = (headDim: number): boolean => headDim % 16 === 0;
/**
 * Attention of new tokens over a key-value cache; for generation only (it has no gradient). q, k and v
 * [batch, seq, heads·d], or the three side by side as one [batch, seq, (heads + 2·kvHeads)·d].
 */
export function cachedAttention(
  qkv: readonly [q: Value, k: Value, v: Value] | readonly [packed: Value],
  c: CachedAttention,
): { output: Value; key: Value; value: Value } {
  const tables = c.tables ? [c.tables.cos, c.tables.sin] : [];
  const [output, key, value] = qkv[0].graph.apply(
    cachedAttentionOp,
    [...qkv, c.pastKey, c.pastValue, c.lastIndex, c.total, ...tables],
    { heads: c.heads, kvHeads: c.kvHeads, rotary: c.tables !== undefined, packed: qkv.length === 1 },
  );
  return { output, key, value };
}

const argmaxOp: Op = {
  name: 'argmax',
  types: ([x]) => [{ dtype: 'int64', shape: x.shape.slice(0, -1) }],
  emit: (e, node) => e.node('ArgMax', node, { axis: -1, keepdims: 0 }),
};
/** The place of the largest element of the last axis, int64 (the runtime knows no other). */
export const argmax = (x: Value): Value => x.graph.apply(argmaxOp, [x])[0];

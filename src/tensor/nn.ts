/** Compositions over primitives, each written once. */
import { type Value } from './graph';
import {
  add,
  and,
  attend,
  cast,
  div,
  equal,
  gatherRows,
  lessOrEqual,
  linear,
  logSumExp,
  matmul,
  max,
  mean,
  mul,
  neg,
  reshape,
  rmsNorm,
  softmax,
  sqrt,
  stopGradient,
  sub,
  sum,
  swiglu,
  takeAlong,
  where,
} from './ops';
import { productOf } from './dims';

export { gatherRows as embedding, linear, rmsNorm, softmax, swiglu };

/** Layer normalisation over the last axis (Ba et al. 2016): x [..., d], weight and bias [d]. */
export function layerNorm(x: Value, weight: Value, bias: Value, epsilon: number): Value {
  const centred = sub(x, mean(x, [-1], true));
  const deviation = sqrt(add(mean(mul(centred, centred), [-1], true), epsilon));
  return add(mul(div(centred, deviation), weight), bias);
}

/** log σ(x) = −softplus(−x), which cannot underflow. */
export { softplus } from './ops';

/**
 * What each token may see, as numbers to add to attention scores [batch, 1, 1, seq, seq]: 0 for itself and earlier
 * tokens of its own segment, −10⁹ else. positions and segments: int32 [batch, seq].
 */
export function attentionBias(positions: Value, segments: Value): Value {
  const [batch, seq] = positions.shape;
  const row = (x: Value): Value => reshape(x, [batch, 1, 1, seq, 1]);
  const column = (x: Value): Value => reshape(x, [batch, 1, 1, 1, seq]);
  return where(and(equal(row(segments), column(segments)), lessOrEqual(column(positions), row(positions))), 0, -1e9);
}

/**
 * Grouped-query attention (Ainslie et al. 2023). The queries of a group are laid one below the other, so keys and values
 * are never repeated. q [batch, heads, seq, d]; k, v [batch, kvHeads, seq, d]; bias [batch, 1, 1, seq, seq].
 */
export function groupedQueryAttention(q: Value, k: Value, v: Value, bias: Value): Value {
  const [batch, heads, seq, d] = q.shape;
  const kvHeads = k.dim(1);
  const group = (heads as number) / (kvHeads as number);
  const rows = productOf([group, seq]);
  const scores = matmul(reshape(q, [batch, kvHeads, rows, d]), k, { transB: true, alpha: 1 / Math.sqrt(d as number) });
  const masked = add(reshape(scores, [batch, kvHeads, group, seq, seq]), bias);
  const attended = attend(reshape(masked, [batch, kvHeads, rows, seq]), v);
  return reshape(attended, [batch, heads, seq, d]);
}

/** Entropy of the softmax of each row in nats, lse − Σ p·z: logits [tokens, vocab] → [tokens, 1]. */
export function entropyOf(logits: Value): Value {
  const p = softmax(logits);
  const lse = logSumExp(logits, p);
  const [tokens, vocabulary] = logits.shape;
  // a product of rows instead of a sum over their product: what it would write is as large as the logits
  const rows = (x: Value): Value => reshape(x, [tokens, 1, vocabulary]);
  return sub(lse, reshape(matmul(rows(p), rows(logits), { transB: true }), lse.shape));
}

export interface TokenScores {
  /** log π(label) [tokens, 1]; 0 where the label is ignored. */
  logProbs: Value;
  /** −Σ p log p in nats [tokens, 1]. */
  entropy: Value;
  /** 1 where no token is likelier than the label [tokens, 1]. */
  correct: Value;
}
/**
 * Scores of given tokens: logits [tokens, vocab], labels int32 [tokens] (below 0: ignored). The logarithm of the
 * normaliser comes from the softmax that the gradient needs anyway.
 */
export function scoreTokens(logits: Value, labels: Value): TokenScores {
  const column = reshape(labels, [logits.dim(0), 1]);
  const ignored = logits.graph.constant([0], [], 'int32');
  const learnt = lessOrEqual(ignored, column);
  const p = softmax(logits);
  const lse = logSumExp(logits, p);
  const chosen = takeAlong(logits, where(learnt, column, ignored));
  return {
    logProbs: where(learnt, sub(chosen, lse), 0),
    entropy: stopGradient(entropyOf(logits)),
    correct: cast(lessOrEqual(max(logits, [-1], true), chosen), 'float32'),
  };
}

/** Cross-entropy: −Σ w·log π(label), with w [tokens] the weight of each token (1 / learnt tokens of the step). */
export const crossEntropy = (logProbs: Value, weights: Value): Value =>
  neg(sum(mul(logProbs, reshape(weights, logProbs.shape))));

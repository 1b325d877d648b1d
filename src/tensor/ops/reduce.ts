import { type Dim, type Shape, productOf } from '../dims';
import { type Node, type Op, ShapeError, type Value } from '../graph';
import { cast, div, equal, mul } from './elementwise';
import { expand, reshape } from './shape';

const keptShape = (shape: Shape, axes: readonly number[]): Dim[] => shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
const axesOf = (node: Node): readonly number[] => node.attributes.axes as readonly number[];
/** A gradient with ones along the reduced axes; it stays that small until something needs it at full size. */
const kept = (dy: Value, node: Node): Value => reshape(dy, keptShape(node.inputs[0].shape, axesOf(node)));

const reduction = (name: string, onnx: string, rule: (dy: Value, node: Node) => Value) => {
  const op: Op = {
    name,
    types: (inputs, { axes, keepdims }) => {
      const [x] = inputs;
      const over = axes as readonly number[];
      if (x.dtype !== 'float32' || over.some((axis) => axis < 0 || axis >= x.rank))
        throw new ShapeError(name, inputs, `axes ${over.join()}`);
      return [
        { dtype: x.dtype, shape: keepdims ? keptShape(x.shape, over) : x.shape.filter((_, i) => !over.includes(i)) },
      ];
    },
    emit: (e, node) => e.reduce(onnx, node),
    vjp: ([dy], node) => [dy && rule(dy, node)],
  };
  return (x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepdims = false): Value =>
    x.graph.apply(op, [x], { axes: axes.map((axis) => (axis < 0 ? axis + x.rank : axis)), keepdims })[0];
};

export const sum = reduction('sum', 'ReduceSum', kept);
export const sumSquare = reduction('sumSquare', 'ReduceSumSquare', (dy, node) =>
  mul(node.inputs[0], mul(kept(dy, node), 2)),
);
export const mean = reduction('mean', 'ReduceMean', (dy, node) => {
  const [x] = node.inputs;
  const count = productOf(axesOf(node).map((axis) => x.dim(axis)));
  const n = typeof count === 'number' ? count : sum(expand(x.graph.scalar(1), x.shape), axesOf(node), true);
  return div(kept(dy, node), n);
});
/** Equal maxima share the gradient. */
export const max = reduction('max', 'ReduceMax', (dy, node) => {
  const [x] = node.inputs;
  const at = cast(equal(x, kept(node.outputs[0], node)), 'float32');
  return mul(at, div(kept(dy, node), sum(at, axesOf(node), true)));
});

const logSumExpOp: Op = {
  name: 'logSumExp',
  types: ([, , peak]) => [{ dtype: peak.dtype, shape: peak.shape }],
  emit: (e, node) => {
    const [, , peak, likeliest] = node.inputs.map((value) => e.name(value));
    e.push('Sub', [peak, e.raw('Log', [likeliest])], [e.name(node.outputs[0])]);
  },
  vjp: ([dy], { inputs: [, p] }) => [dy && mul(p, dy)],
};
/**
 * log Σ exp over the last axis, kept as an axis of one, from the softmax that the caller needs anyway:
 * lse = z_j − log p_j for any j, taken at the largest p ≥ 1/n, whose logarithm cannot underflow.
 */
export function logSumExp(x: Value, softmaxOfX: Value): Value {
  const peak = max(x, [-1], true);
  return x.graph.apply(logSumExpOp, [x, softmaxOfX, peak, max(softmaxOfX, [-1], true)])[0];
}

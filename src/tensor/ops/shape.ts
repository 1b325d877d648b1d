import { type Dim, type Shape, broadcast, productOf, sameShape, showShape } from '../dims';
import { type Op, ShapeError, type Value } from '../graph';
import { unbroadcast } from './elementwise';

const reshapeOp: Op = {
  name: 'reshape',
  types: (inputs, { shape }) => {
    const to = shape as Shape;
    if (productOf(inputs[0].shape) !== productOf(to))
      throw new ShapeError('reshape', inputs, `cannot become ${showShape(to)}`);
    return [{ dtype: inputs[0].dtype, shape: to }];
  },
  emit: (e, node) => e.reshape(node),
  vjp: ([dy], { inputs: [x] }) => [dy && reshape(dy, x.shape)],
};
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const source = x.node.op === reshapeOp ? x.node.inputs[0] : x;
  if (sameShape(source.shape, shape)) return source;
  return x.graph.apply(reshapeOp, [source], { shape: [...shape] })[0];
}

const transposeOp: Op = {
  name: 'transpose',
  types: (inputs, { perm }) => {
    const order = perm as readonly number[];
    const [x] = inputs;
    if (order.length !== x.rank || new Set(order).size !== x.rank || order.some((axis) => axis < 0 || axis >= x.rank))
      throw new ShapeError('transpose', inputs, `${order.join()} is no order of its axes`);
    return [{ dtype: x.dtype, shape: order.map((axis) => x.shape[axis]) }];
  },
  emit: (e, node) => e.node('Transpose', node, { perm: node.attributes.perm as number[] }),
  vjp: ([dy], { attributes }) => {
    const perm = attributes.perm as readonly number[];
    return [
      dy &&
        transpose(
          dy,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
    ];
  },
};
export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((axis, i) => axis === i) && perm.length === x.rank ? x : x.graph.apply(transposeOp, [x], { perm })[0];

const expandOp: Op = {
  name: 'expand',
  types: (inputs, { shape }) => {
    const to = shape as Shape;
    const result = broadcast(inputs[0].shape, to);
    if (!result || !sameShape(result, to))
      throw new ShapeError('expand', inputs, `does not broadcast to ${showShape(to)}`);
    return [{ dtype: inputs[0].dtype, shape: to }];
  },
  emit: (e, node) => e.expand(node),
  lazy: true,
  vjp: ([dy], { inputs: [x], outputs: [y] }) => [dy && unbroadcast(dy, y.shape, x.shape)],
};
/** Repeats along axes of length one. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : x.graph.apply(expandOp, [x], { shape: [...shape] })[0];

const concatOp: Op = {
  name: 'concat',
  types: (inputs, { axis }) => {
    const [first] = inputs;
    let length = 0;
    for (const x of inputs) {
      const dim = x.dim(axis as number);
      if (typeof dim !== 'number') throw new ShapeError('concat', inputs, 'the joined axis must have a known length');
      if (
        x.rank !== first.rank ||
        x.dtype !== first.dtype ||
        x.shape.some((d, i) => i !== axis && d !== first.shape[i])
      )
        throw new ShapeError('concat', inputs, `shapes differ off axis ${String(axis)}`);
      length += dim;
    }
    return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? length : dim)) }];
  },
  emit: (e, node) => e.node('Concat', node, { axis: node.attributes.axis as number }),
  vjp: ([dy], { inputs, attributes }) => {
    if (!dy) return [];
    let start = 0;
    return inputs.map((x) => {
      const from = start;
      start += x.dim(attributes.axis as number) as number;
      return slice(dy, attributes.axis as number, from, start);
    });
  },
};
export const concat = (values: readonly Value[], axis: number): Value =>
  values.length === 1
    ? values[0]
    : values[0].graph.apply(concatOp, values, { axis: axis < 0 ? axis + values[0].rank : axis })[0];

const sliceOp: Op = {
  name: 'slice',
  types: (inputs, { axis, start, end }) => {
    const [x] = inputs;
    const dim = x.dim(axis as number);
    if (
      typeof dim !== 'number' ||
      (start as number) < 0 ||
      (end as number) > dim ||
      (start as number) >= (end as number)
    )
      throw new ShapeError('slice', inputs, `${String(start)}:${String(end)} is no part of axis ${String(axis)}`);
    return [
      { dtype: x.dtype, shape: x.shape.map((d, i): Dim => (i === axis ? (end as number) - (start as number) : d)) },
    ];
  },
  emit: (e, node) => e.slice(node),
  vjp: ([dy], { inputs: [x], attributes }) => {
    if (!dy) return [];
    const { axis, start, end } = attributes as { axis: number; start: number; end: number };
    const zeros = (length: number): Value[] =>
      length
        ? [
            expand(
              dy.graph.scalar(0),
              x.shape.map((dim, i) => (i === axis ? length : dim)),
            ),
          ]
        : [];
    return [concat([...zeros(start), dy, ...zeros((x.dim(axis) as number) - end)], axis)];
  },
};
/** The part start:end of an axis of known length. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const positive = axis < 0 ? axis + x.rank : axis;
  return start === 0 && end === x.shape[positive] ? x : x.graph.apply(sliceOp, [x], { axis: positive, start, end })[0];
}

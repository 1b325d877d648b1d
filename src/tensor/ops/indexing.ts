import { productOf } from '../dims';
import { type Op, ShapeError, type Value, scalarOf } from '../graph';
import { expand, reshape } from './shape';

const zerosLike = (x: Value, shape = x.shape): Value => expand(x.graph.scalar(0), shape);

/** True for a table of zeros: an expanded zero. */
const isZeros = (x: Value): boolean => x.node.op.name === 'expand' && scalarOf(x.node.inputs[0]) === 0;

const gatherOp: Op = {
  name: 'gatherRows',
  types: (inputs) => {
    const [table, index] = inputs;
    if (index.dtype !== 'int32' || table.rank < 1)
      throw new ShapeError('gatherRows', inputs, 'needs a table and int32 row numbers');
    return [{ dtype: table.dtype, shape: [...index.shape, ...table.shape.slice(1)] }];
  },
  emit: (e, node) => e.node('Gather', node, { axis: 0 }),
  vjp: ([dy], { inputs: [table, index] }) => {
    if (!dy) return [];
    const rows = productOf(index.shape);
    const width = table.shape.slice(1);
    const flat = reshape(dy, [rows, ...width]);
    const numbers = expand(reshape(index, [rows, ...width.map(() => 1)]), [rows, ...width]);
    return [scatterAdd(zerosLike(table), numbers, flat, 0), undefined];
  },
};
/** Rows of a table by number: table [n, …], index int32 [any…] → [any…, …]. The gradient of repeated rows is summed. */
export const gatherRows = (table: Value, index: Value): Value => table.graph.apply(gatherOp, [table, index])[0];

const selectOp: Op = {
  name: 'selectRows',
  types: (inputs) => {
    const [x, index, inverse] = inputs;
    if (index.rank !== 1 || inverse.rank !== 1 || inverse.dim(0) !== x.dim(0))
      throw new ShapeError('selectRows', inputs, 'needs index [k] and inverse [n]');
    return [{ dtype: x.dtype, shape: [index.dim(0), ...x.shape.slice(1)] }];
  },
  emit: (e, node) => e.selectRows(node),
  vjp: ([dy], { inputs: [x, index, inverse] }) => [
    dy && x.graph.apply(unselectOp, [dy, inverse, index])[0],
    undefined,
    undefined,
  ],
};
const unselectOp: Op = {
  name: 'unselectRows',
  types: ([dy, inverse]) => [{ dtype: dy.dtype, shape: [inverse.dim(0), ...dy.shape.slice(1)] }],
  emit: (e, node) => e.unselectRows(node),
  vjp: ([ddy], { inputs: [dy, inverse, index] }) => [
    ddy && dy.graph.apply(selectOp, [ddy, index, inverse])[0],
    undefined,
    undefined,
  ],
};
/**
 * Distinct rows of x [n, …] by number: index int32 [k]. `inverse` int32 [n] holds for each row of x its place in the
 * selection, or k where it is not selected: so the gradient is a gather too, and needs no sum.
 */
export const selectRows = (x: Value, index: Value, inverse: Value): Value =>
  x.graph.apply(selectOp, [x, index, inverse])[0];

const takeOp: Op = {
  name: 'takeAlong',
  types: (inputs) => {
    const [x, index] = inputs;
    if (
      index.dtype !== 'int32' ||
      index.rank !== x.rank ||
      x.shape.slice(0, -1).some((dim, i) => dim !== index.shape[i])
    )
      throw new ShapeError('takeAlong', inputs, 'needs int32 places along the last axis, other axes alike');
    return [{ dtype: x.dtype, shape: index.shape }];
  },
  emit: (e, node) => e.node('GatherElements', node, { axis: node.inputs[0].rank - 1 }),
  vjp: ([dy], { inputs: [x, index] }) => [dy && scatterAdd(zerosLike(x), index, dy, x.rank - 1), undefined],
};
/** x [… , n], index int32 [… , k] → the chosen elements of the last axis [… , k]. */
export const takeAlong = (x: Value, index: Value): Value => x.graph.apply(takeOp, [x, index])[0];

// ScatterND with a reduction is a data race on the CPU where places repeat; ScatterElements is not.
const scatterOp: Op = {
  name: 'scatterAdd',
  types: (inputs) => {
    const [base, index, updates] = inputs;
    if (
      index.dtype !== 'int32' ||
      index.rank !== base.rank ||
      updates.rank !== base.rank ||
      index.shape.some((dim, i) => dim !== updates.shape[i])
    )
      throw new ShapeError('scatterAdd', inputs, 'index and updates must have one shape and the rank of the base');
    return [{ dtype: base.dtype, shape: base.shape }];
  },
  emit: (e, node) => e.node('ScatterElements', node, { axis: node.attributes.axis as number, reduction: 'add' }),
  vjp: ([dy], { inputs: [, index], attributes }) => {
    if (!dy) return [];
    if (attributes.axis !== dy.rank - 1) throw new Error('the second derivative of a gather by rows is not needed yet');
    return [dy, undefined, takeAlong(dy, index)];
  },
};
/** base with updates added at the places `index` along an axis (all three of one rank); repeated places add up. */
export const scatterAdd = (base: Value, index: Value, updates: Value, axis: number): Value =>
  base.graph.apply(scatterOp, [base, index, updates], { axis })[0];

/** The parts of a scatter onto zeros, which can as well be made onto another summand. */
export function scatterOntoZeros(
  value: Value,
): { value: Value; index: Value; updates: Value; axis: number } | undefined {
  const { op, inputs, attributes } = value.node;
  return op === scatterOp && isZeros(inputs[0])
    ? { value, index: inputs[1], updates: inputs[2], axis: attributes.axis as number }
    : undefined;
}

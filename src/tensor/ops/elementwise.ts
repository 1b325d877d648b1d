import { type Dim, type Shape, broadcast, sameShape } from '../dims';
import { type DType, type Op, ShapeError, Value, scalarOf } from '../graph';
import { expand, reshape } from './shape';
import { scatterAdd, scatterOntoZeros } from './indexing';
import { sum } from './reduce';

/** An operand: a tensor, or a number that becomes a scalar constant. */
export type Operand = Value | number;

const lift = (a: Operand, b: Operand): [Value, Value] => {
  if (a instanceof Value) return [a, b instanceof Value ? b : a.graph.scalar(b)];
  if (b instanceof Value) return [b.graph.scalar(a), b];
  throw new Error('an operation needs at least one tensor');
};

/**
 * Sums a gradient back to the shape that its operand had before it was broadcast. Axes along which `dy` is constant and
 * the operand is long stay ones (see `Op.lazy`).
 */
export function unbroadcast(dy: Value, from: Shape, to: Shape): Value {
  const offset = from.length - to.length;
  const axes: number[] = [];
  const target: Dim[] = [...from];
  const missing = from.length - dy.rank;
  let whole = dy;
  from.forEach((dim, axis) => {
    const mine = axis < offset ? 1 : to[axis - offset];
    if (mine !== 1 || dim === 1) {
      target[axis] = axis < missing ? 1 : dy.shape[axis - missing];
      return;
    }
    axes.push(axis);
  });
  // a constant gradient still counts once for each element it stands for
  if (axes.some((axis) => axis < missing || dy.shape[axis - missing] === 1)) {
    whole = expand(dy, from);
    from.forEach((dim, axis) => (target[axis] = dim));
  } else if (missing > 0) whole = reshape(dy, target);
  const reduced = axes.length ? sum(whole, axes, true) : whole;
  return offset > 0 ? reshape(reduced, reduced.shape.slice(offset)) : reduced;
}

const elementwise = (
  name: string,
  onnx: string,
  dtype: DType | undefined,
  vjp?: Op['vjp'],
  operands: DType[] = ['float32'],
): Op => ({
  name,
  types: (inputs) => {
    let shape: Shape | undefined = [];
    for (const input of inputs) {
      shape = broadcast(shape, input.shape);
      if (!shape) throw new ShapeError(name, inputs, 'the shapes do not broadcast');
    }
    if (inputs.some((input) => input.dtype !== inputs[0].dtype) || !operands.includes(inputs[0].dtype))
      throw new ShapeError(name, inputs, `operands must be of one type of ${operands.join(', ')}`);
    return [{ dtype: dtype ?? inputs[0].dtype, shape }];
  },
  emit: (e, node) => e.node(onnx, node),
  lazy: true,
  vjp,
});

type UnaryRule = (dy: Value, x: Value, y: Value) => Value | undefined;
const unary = (name: string, onnx: string, rule: UnaryRule): ((x: Value) => Value) => {
  const op = elementwise(name, onnx, undefined, ([dy], { inputs: [x], outputs: [y] }) => [dy && rule(dy, x, y)]);
  return (x) => x.graph.apply(op, [x])[0];
};
type BinaryRule = (dy: Value, a: Value, b: Value, y: Value) => [() => Value, () => Value];
const binary = (name: string, onnx: string, rule: BinaryRule, operands?: DType[]): ((a: Value, b: Value) => Value) => {
  const op = elementwise(
    name,
    onnx,
    undefined,
    ([dy], { inputs: [a, b], outputs: [y] }) =>
      dy ? rule(dy, a, b, y).map((gradient, i) => unbroadcast(gradient(), y.shape, (i ? b : a).shape)) : [],
    operands,
  );
  return (a, b) => a.graph.apply(op, [a, b])[0];
};
const comparison = (name: string, onnx: string, operands: DType[]): ((a: Operand, b: Operand) => Value) => {
  const op = elementwise(name, onnx, 'bool', undefined, operands);
  return (a, b) => {
    const [x, y] = lift(a, b);
    return x.graph.apply(op, [x, y])[0];
  };
};

export const neg = unary('neg', 'Neg', (dy) => neg(dy));
export const exp = unary('exp', 'Exp', (dy, _x, y) => mul(dy, y));
export const log = unary('log', 'Log', (dy, x) => div(dy, x));
export const sqrt = unary('sqrt', 'Sqrt', (dy, _x, y) => div(mul(dy, 0.5), y));
export const reciprocal = unary('reciprocal', 'Reciprocal', (dy, _x, y) => neg(mul(dy, mul(y, y))));
export const sigmoid = unary('sigmoid', 'Sigmoid', (dy, _x, y) => mul(dy, mul(y, sub(1, y)))); // σ' = σ(1 − σ)
export const tanh = unary('tanh', 'Tanh', (dy, _x, y) => mul(dy, sub(1, mul(y, y))));
export const softplus = unary('softplus', 'Softplus', (dy, x) => mul(dy, sigmoid(x)));
export const abs = unary('abs', 'Abs', (dy, x) => mul(dy, sign(x)));
export const sign = unary('sign', 'Sign', () => undefined);

const addOp = binary('add', 'Add', (dy) => [() => dy, () => dy]);
const subOp = binary('sub', 'Sub', (dy) => [() => dy, () => neg(dy)]);
const mulOp = binary('mul', 'Mul', (dy, a, b) => [() => mul(dy, b), () => mul(dy, a)]);
const divOp = binary('div', 'Div', (dy, _a, b, y) => [() => div(dy, b), () => neg(div(mul(dy, y), b))]);
/** At a tie the gradient goes to the first operand. */
const maximumOp = binary('maximum', 'Max', (dy, a, b) => [
  () => where(lessOrEqual(b, a), dy, 0),
  () => where(less(a, b), dy, 0),
]);
const minimumOp = binary('minimum', 'Min', (dy, a, b) => [
  () => where(lessOrEqual(a, b), dy, 0),
  () => where(less(b, a), dy, 0),
]);

export function add(a: Operand, b: Operand): Value {
  const [x, y] = lift(a, b);
  if (scalarOf(x) === 0) return y;
  if (scalarOf(y) === 0) return x;
  // adding a sparse gradient to a dense one needs no table of zeros
  if (sameShape(x.shape, y.shape)) {
    const sparse = scatterOntoZeros(y) ?? scatterOntoZeros(x);
    if (sparse) return scatterAdd(sparse.value === y ? x : y, sparse.index, sparse.updates, sparse.axis);
  }
  return addOp(x, y);
}
export function sub(a: Operand, b: Operand): Value {
  const [x, y] = lift(a, b);
  return scalarOf(y) === 0 ? x : subOp(x, y);
}
export function mul(a: Operand, b: Operand): Value {
  const [x, y] = lift(a, b);
  if (scalarOf(x) === 1) return y;
  if (scalarOf(y) === 1) return x;
  return mulOp(x, y);
}
export function div(a: Operand, b: Operand): Value {
  const [x, y] = lift(a, b);
  return scalarOf(y) === 1 ? x : divOp(x, y);
}
export const maximum = (a: Operand, b: Operand): Value => maximumOp(...lift(a, b));
export const minimum = (a: Operand, b: Operand): Value => minimumOp(...lift(a, b));

export const less = comparison('less', 'Less', ['float32', 'int32']);
export const lessOrEqual = comparison('lessOrEqual', 'LessOrEqual', ['float32', 'int32']);
export const equal = comparison('equal', 'Equal', ['float32', 'int32']);
const andOp = elementwise('and', 'And', 'bool', undefined, ['bool']);
export const and = (a: Value, b: Value): Value => a.graph.apply(andOp, [a, b])[0];

const whereOp: Op = {
  name: 'where',
  types: (inputs) => {
    const [condition, a, b] = inputs;
    const inner = broadcast(a.shape, b.shape);
    const shape = inner && broadcast(condition.shape, inner);
    if (!shape) throw new ShapeError('where', inputs, 'the shapes do not broadcast');
    if (condition.dtype !== 'bool' || a.dtype !== b.dtype)
      throw new ShapeError('where', inputs, 'needs a bool and two operands of one type');
    return [{ dtype: a.dtype, shape }];
  },
  emit: (e, node) => e.node('Where', node),
  lazy: true,
  // selection, never multiplication by a mask: 0·NaN is NaN
  vjp: ([dy], { inputs: [condition, a, b], outputs: [y] }) =>
    dy
      ? [
          undefined,
          unbroadcast(where(condition, dy, 0), y.shape, a.shape),
          unbroadcast(where(condition, 0, dy), y.shape, b.shape),
        ]
      : [],
};
export function where(condition: Value, a: Operand, b: Operand): Value {
  const [x, y] =
    typeof a === 'number' && typeof b === 'number'
      ? [condition.graph.scalar(a), condition.graph.scalar(b)]
      : lift(a, b);
  return condition.graph.apply(whereOp, [condition, x, y])[0];
}

const castOp: Op = {
  name: 'cast',
  types: ([x], { to }) => [{ dtype: to as DType, shape: x.shape }],
  emit: (e, node) => e.cast(node),
};
/** A change of type; no gradient flows through it. */
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : x.graph.apply(castOp, [x], { to })[0]);

const stopOp: Op = {
  name: 'stopGradient',
  types: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: (e, node) => e.alias(node),
};
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Value): Value => x.graph.apply(stopOp, [x])[0];

import { type Op, ShapeError, type Value } from '../graph';

interface Flags {
  transA?: boolean;
  transB?: boolean;
  alpha?: number;
}

const productTypes: Op['types'] = (inputs, { transA, transB }) => {
  const [a, b] = inputs;
  const rank = a.rank;
  if (rank < 2 || b.rank !== rank || a.dtype !== 'float32' || b.dtype !== 'float32')
    throw new ShapeError('matmul', inputs, 'needs two float32 tensors of one rank ≥ 2');
  const [m, k] = transA ? [a.dim(-1), a.dim(-2)] : [a.dim(-2), a.dim(-1)];
  const [k2, n] = transB ? [b.dim(-1), b.dim(-2)] : [b.dim(-2), b.dim(-1)];
  if (k !== k2) throw new ShapeError('matmul', inputs, `inner dimensions ${k} and ${k2} differ`);
  if (a.shape.slice(0, -2).some((dim, i) => dim !== b.shape[i]))
    throw new ShapeError('matmul', inputs, 'batch dimensions differ');
  return [{ dtype: 'float32', shape: [...a.shape.slice(0, -2), m, n] }];
};

const matmulOp: Op = {
  name: 'matmul',
  types: productTypes,
  emit: (e, node) => e.matmul(node),
  // with C = α·op(A)·op(B): each gradient is again one product, transposed by flags instead of by copies
  vjp: ([dy], { inputs: [a, b], attributes }) => {
    if (!dy) return [];
    const { transA = false, transB = false, alpha = 1 } = attributes as Flags;
    return [
      transA ? matmul(b, dy, { transA: transB, transB: true, alpha }) : matmul(dy, b, { transB: !transB, alpha }),
      transB ? matmul(dy, a, { transA: true, transB: transA, alpha }) : matmul(a, dy, { transA: !transA, alpha }),
    ];
  },
};

/** α·op(A)·op(B) over the last two axes, op being the transpose where the flag is set; leading axes are equal. */
export const matmul = (a: Value, b: Value, { transA = false, transB = false, alpha = 1 }: Flags = {}): Value =>
  a.graph.apply(matmulOp, [a, b], { transA, transB, alpha })[0];

/** x [tokens, in] times a weight in the Hugging Face layout [out, in] → [tokens, out]. */
export const linear = (x: Value, weight: Value): Value => matmul(x, weight, { transB: true });

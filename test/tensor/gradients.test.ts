/**
 * Every operation's gradient against central finite differences, on random, broadcast, single-element and (where a
 * graph can meet them) empty shapes, with repeated indices; each gradient is computed several times and must come out
 * with equal bytes, for a reduction in parallel may be a race.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/data/random';
import { gradients } from '../../src/tensor/autodiff';
import { type DType, Graph, type Value } from '../../src/tensor/graph';
import { type Shape, evaluate } from '../../src/tensor/dims';
import * as nn from '../../src/tensor/nn';
import * as ops from '../../src/tensor/ops';
import { Program } from '../../src/tensor/program';
import { type Runtime, openRuntime } from '../../src/tensor/runtime';

interface Input {
  dims: readonly number[];
  /** float32 values are drawn from this range; integers are below `below`. */
  range?: readonly [number, number];
  below?: number;
  values?: readonly number[];
  /** No gradient is asked for. */
  fixed?: boolean;
}
interface Case {
  name: string;
  inputs: readonly Input[];
  build: (...values: Value[]) => Value;
}

const REPEATS = 4;
/** Half the distance of a central difference: float32 rounding (6e-8 ÷ h) and curvature (h²) are then alike. */
const H = 4e-3;
const TOLERANCE = 3e-3;

let runtime: Runtime;
beforeAll(() => (runtime = openRuntime({ threads: 2 })));
afterAll(() => runtime.close());

const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function draw(input: Input, random: Random): Float32Array | Int32Array {
  if (input.values) return input.below === undefined ? Float32Array.from(input.values) : Int32Array.from(input.values);
  const { below, range: [low, high] = [-1.5, 1.5] } = input;
  const n = size(input.dims);
  return below === undefined
    ? Float32Array.from({ length: n }, () => low + (high - low) * random.next())
    : Int32Array.from({ length: n }, () => random.int(below));
}

function check({ inputs, build }: Case, symbolic: boolean): void {
  const random = Random.from(7, 'gradients');
  const data = inputs.map((input) => draw(input, random));
  const graph = new Graph();
  // one length becomes a symbol wherever it stands, so that broadcasting by equal names is met as well
  const length = symbolic ? inputs[0].dims[0] : undefined;
  const values = inputs.map(({ dims }, i) => {
    const dtype: DType = data[i] instanceof Int32Array ? 'int32' : 'float32';
    return graph.input(
      `x${i}`,
      dtype,
      dims.map((dim) => (dim === length && dim > 1 ? 'n' : dim)),
    );
  });
  const known = (shape: Shape): number[] => shape.map((dim) => evaluate(dim, { n: length ?? 0 }));
  const y = build(...values);
  const sought = values.filter((value, i) => value.dtype === 'float32' && !inputs[i].fixed);
  const weights = graph.input('weights', 'float32', y.shape);
  const loss = ops.sum(ops.mul(y, weights));
  const found = gradients(loss, sought);
  const dimsOf = (value: Value): readonly number[] => inputs[values.indexOf(value)].dims;
  const program = Program.compile(runtime, 'gradients', {
    y,
    ...Object.fromEntries(found.map((gradient, i) => [`g${i}`, gradient])),
  });

  const yDims = known(y.shape);
  const c = Float32Array.from({ length: size(yDims) }, () => random.next() * 2 - 1);
  const feeds = Object.fromEntries(
    values.map((value, i) => [value.label, runtime.hostTensor(value.dtype, inputs[i].dims, data[i])]),
  );
  feeds.weights = runtime.hostTensor('float32', yDims, c);
  const out = {
    y: runtime.hostTensor('float32', yDims),
    ...Object.fromEntries(sought.map((value, i) => [`g${i}`, runtime.hostTensor('float32', dimsOf(value))])),
  };
  const call = program.prepare(feeds, out);
  const run = (): number => {
    call.run();
    return (out.y.data as Float32Array).reduce((sum, value, i) => sum + value * c[i], 0);
  };
  run();
  const analytic = sought.map((_, i) =>
    Float32Array.from((out as Record<string, typeof out.y>)[`g${i}`].data as Float32Array),
  );
  for (let repeat = 1; repeat < REPEATS; repeat++) {
    run();
    sought.forEach((_, i) => expect((out as Record<string, typeof out.y>)[`g${i}`].data).toEqual(analytic[i]));
  }
  sought.forEach((value, i) => {
    const x = feeds[value.label].data as Float32Array;
    const numeric = x.map((_, j) => {
      const kept = x[j];
      x[j] = kept + H;
      const high = x[j];
      const above = run();
      x[j] = kept - H;
      const below = run();
      const width = high - x[j];
      x[j] = kept;
      return (above - below) / width;
    });
    const scale = Math.max(1, ...numeric.map(Math.abs));
    numeric.forEach((slope, j) =>
      expect(Math.abs(slope - analytic[i][j]) / scale, `${value.label}[${j}]`).toBeLessThan(TOLERANCE),
    );
  });
  call.release();
  program.release();
}

const positive = [0.4, 2] as const;
const shapes = { matrix: [3, 4], single: [1], scalar: [], rank3: [2, 3, 2] } as const;

const unary: Case[] = (
  [
    ['neg', ops.neg],
    ['exp', ops.exp],
    ['sigmoid', ops.sigmoid],
    ['tanh', ops.tanh],
    ['softplus', ops.softplus],
    ['log', ops.log, positive],
    ['sqrt', ops.sqrt, positive],
    ['reciprocal', ops.reciprocal, positive],
    ['abs', ops.abs, positive],
    ['swiglu of itself', (x) => nn.swiglu(x, x)],
  ] as [string, (x: Value) => Value, (readonly [number, number])?][]
).flatMap(([name, build, range]) =>
  Object.entries(shapes).map(([shape, dims]) => ({ name: `${name} ${shape}`, inputs: [{ dims, range }], build })),
);

const pairs: [string, readonly number[], readonly number[]][] = [
  ['same', [3, 4], [3, 4]],
  ['row', [3, 4], [4]],
  ['column', [3, 4], [3, 1]],
  ['scalar', [3, 4], []],
  ['both', [3, 1], [1, 4]],
  ['leading', [2, 3, 4], [3, 1]],
  ['single', [1], [1]],
];
const binary: Case[] = (
  [
    ['add', ops.add],
    ['sub', ops.sub],
    ['mul', ops.mul],
    ['div', ops.div],
    ['maximum', ops.maximum],
    ['minimum', ops.minimum],
  ] as [string, (a: Value, b: Value) => Value][]
).flatMap(([name, build]) =>
  pairs.flatMap(([kind, a, b]) => [
    { name: `${name} ${kind}`, inputs: [{ dims: a }, { dims: b, range: positive }], build },
    { name: `${name} ${kind} swapped`, inputs: [{ dims: b }, { dims: a, range: positive }], build },
  ]),
);

const reductions: Case[] = (
  [
    ['sum', ops.sum],
    ['mean', ops.mean],
    ['sumSquare', ops.sumSquare],
    ['max', ops.max],
  ] as [string, typeof ops.sum][]
).flatMap(([name, build]) =>
  ([[[0]], [[1]], [[-1], true], [[0, 2]], [undefined], [[0, 1, 2], true]] as [number[]?, boolean?][]).flatMap(
    ([axes, keep]) => [
      {
        name: `${name} over ${String(axes)}`,
        inputs: [{ dims: [2, 3, 4] }],
        build: (x: Value) => build(x, axes, keep),
      },
      {
        name: `${name} over ${String(axes)}, used at full size`,
        inputs: [{ dims: [2, 3, 4] }],
        build: (x: Value) => ops.mul(ops.add(build(x, axes, true), 2), x),
      },
    ],
  ),
);

const products: Case[] = [false, true].flatMap((transA) =>
  [false, true].flatMap((transB) => [
    {
      name: `matmul ${transA ? 'Aᵀ' : 'A'}${transB ? 'Bᵀ' : 'B'}`,
      inputs: [{ dims: transA ? [4, 3] : [3, 4] }, { dims: transB ? [2, 4] : [4, 2] }],
      build: (a: Value, b: Value) => ops.matmul(a, b, { transA, transB }),
    },
    {
      name: `batched matmul ${transA ? 'Aᵀ' : 'A'}${transB ? 'Bᵀ' : 'B'}`,
      inputs: [{ dims: transA ? [2, 2, 4, 3] : [2, 2, 3, 4] }, { dims: transB ? [2, 2, 2, 4] : [2, 2, 4, 2] }],
      build: (a: Value, b: Value) => ops.matmul(a, b, { transA, transB, alpha: 0.7 }),
    },
  ]),
);

const labels = (values: number[], dims: readonly number[]): Input => ({ dims, values, below: 99 });
const structural: Case[] = [
  { name: 'reshape', inputs: [{ dims: [3, 4] }], build: (x) => ops.exp(ops.reshape(ops.mul(x, 2), [x.dim(0), 2, 2])) },
  { name: 'transpose', inputs: [{ dims: [2, 3, 4] }], build: (x) => ops.exp(ops.transpose(x, [2, 0, 1])) },
  { name: 'expand', inputs: [{ dims: [3, 1] }], build: (x) => ops.exp(ops.expand(x, [x.dim(0), 5])) },
  { name: 'concat', inputs: [{ dims: [3, 2] }, { dims: [3, 4] }], build: (a, b) => ops.exp(ops.concat([a, b, a], 1)) },
  { name: 'slice', inputs: [{ dims: [3, 6] }], build: (x) => ops.exp(ops.slice(x, 1, 2, 5)) },
  {
    name: 'where',
    inputs: [{ dims: [3, 4], fixed: true }, { dims: [4] }, { dims: [3, 1] }],
    build: (c, a, b) => ops.where(ops.less(c, 0), ops.exp(a), ops.exp(b)),
  },
  {
    name: 'gatherRows, repeated',
    inputs: [{ dims: [5, 3] }, labels([4, 0, 4, 4, 2, 0], [6])],
    build: (t, i) => ops.exp(ops.gatherRows(t, i)),
  },
  {
    name: 'gatherRows, one',
    inputs: [{ dims: [1, 3] }, labels([0], [1])],
    build: (t, i) => ops.exp(ops.gatherRows(t, i)),
  },
  {
    name: 'gatherRows, many repeats',
    inputs: [{ dims: [2, 8] }, { dims: [300], below: 2 }],
    build: (t, i) => ops.mul(ops.gatherRows(t, i), 0.01),
  },
  {
    name: 'takeAlong, repeated',
    inputs: [{ dims: [3, 5] }, labels([1, 1, 0, 4, 2, 2], [3, 2])],
    build: (x, i) => ops.exp(ops.takeAlong(x, i)),
  },
  {
    name: 'scatterAdd, repeated',
    inputs: [{ dims: [3, 5] }, labels([1, 1, 0, 4, 2, 2], [3, 2]), { dims: [3, 2] }],
    build: (b, i, u) => ops.exp(ops.scatterAdd(b, i, u, 1)),
  },
  {
    name: 'a table read and multiplied',
    inputs: [{ dims: [4, 3] }, labels([1, 1, 3], [3])],
    build: (t, i) => ops.linear(ops.gatherRows(t, i), t),
  },
  {
    name: 'selectRows',
    inputs: [{ dims: [5, 3] }, labels([3, 1], [2]), labels([2, 1, 2, 0, 2], [5])],
    build: (x, i, inv) => ops.exp(ops.selectRows(x, i, inv)),
  },
  {
    name: 'selectRows of none',
    inputs: [{ dims: [4, 3] }, { dims: [0], below: 1 }, labels([0, 0, 0, 0], [4])],
    build: (x, i, inv) => ops.concat([ops.reshape(ops.sum(ops.selectRows(x, i, inv)), [1]), ops.sum(x, [0])], 0),
  },
  {
    name: 'stopGradient',
    inputs: [{ dims: [3] }, { dims: [3] }],
    build: (a, b) => ops.add(ops.mul(a, 2), ops.sub(b, ops.sub(b, ops.mul(b, 1)))),
  },
];

const rope = (positions: number, half: number, f: (x: number) => number): Input => ({
  dims: [positions, half],
  values: Array.from({ length: positions * half }, (_, i) => f(Math.floor(i / half) / 2 ** (i % half))),
  fixed: true,
});
const composed: Case[] = [
  { name: 'swiglu', inputs: [{ dims: [3, 5] }, { dims: [3, 5] }], build: nn.swiglu },
  { name: 'attend', inputs: [{ dims: [2, 3, 5] }, { dims: [2, 5, 4] }], build: ops.attend },
  { name: 'attend to one', inputs: [{ dims: [2, 2, 3, 1] }, { dims: [2, 2, 1, 4] }], build: ops.attend },
  { name: 'softmax', inputs: [{ dims: [3, 5] }], build: ops.softmax },
  { name: 'softmax of one', inputs: [{ dims: [3, 1] }], build: (x) => ops.add(ops.softmax(x), x) },
  { name: 'logSumExp', inputs: [{ dims: [3, 5] }], build: (x) => ops.logSumExp(x, ops.softmax(x)) },
  {
    name: 'logSumExp of large values',
    inputs: [{ dims: [2, 5], range: [60, 110] }],
    build: (x) => ops.logSumExp(x, ops.softmax(x)),
  },
  { name: 'rmsNorm', inputs: [{ dims: [3, 8] }, { dims: [8] }], build: (x, w) => ops.rmsNorm(x, w, 1e-5) },
  {
    name: 'layerNorm',
    inputs: [{ dims: [3, 8] }, { dims: [8] }, { dims: [8] }],
    build: (x, w, b) => nn.layerNorm(x, w, b, 1e-5),
  },
  {
    name: 'rotary',
    inputs: [{ dims: [2, 3, 4, 8] }, { dims: [2, 4], below: 6 }, rope(6, 4, Math.cos), rope(6, 4, Math.sin)],
    build: (x, p, cos, sin) => ops.rotary(x, ops.cast(p, 'int64'), cos, sin),
  },
  {
    name: 'grouped-query attention over packed segments',
    inputs: [
      { dims: [5, 4, 3, 8] },
      { dims: [5, 2, 3, 8] },
      { dims: [5, 2, 3, 8] },
      { dims: [5, 3], below: 3 },
      { dims: [5, 3], below: 2 },
    ],
    build: (q, k, v, positions, segments) => nn.groupedQueryAttention(q, k, v, nn.attentionBias(positions, segments)),
  },
  {
    name: 'cross-entropy with ignored labels',
    inputs: [
      { dims: [4, 6] },
      { dims: [4], values: [2, -1, 2, 0], below: 99 },
      { dims: [4], range: positive, fixed: true },
    ],
    build: (logits, l, w) => ops.reshape(nn.crossEntropy(nn.scoreTokens(logits, l).logProbs, w), [1]),
  },
];

describe.each([
  ['unary', unary],
  ['binary', binary],
  ['reductions', reductions],
  ['products', products],
  ['structure', structural],
  ['compositions', composed],
] as [string, Case[]][])('gradients: %s', (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (_name, c) => {
    check(c, false);
    check(c, true);
  });
});

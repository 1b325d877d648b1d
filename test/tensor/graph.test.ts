import { describe, expect, it } from 'vitest';
import { gradients } from '../../src/tensor/autodiff';
import { broadcast, evaluate, productOf } from '../../src/tensor/dims';
import { Emitter } from '../../src/tensor/emit';
import { Graph, topological } from '../../src/tensor/graph';
import { add, expand, linear, mul, reshape, scatterAdd, stopGradient, sub, sum, transpose } from '../../src/tensor/ops';
import { learningRateAt } from '../../src/tensor/optimizer';
import { Program } from '../../src/tensor/program';
import { openRuntime } from '../../src/tensor/runtime';

const matrix = (graph: Graph, name: string) => graph.input(name, 'float32', ['n', 3]);

describe('graph', () => {
  it('names the operation, its operands and their shapes in a shape error', () => {
    const graph = new Graph();
    const [a, b] = [matrix(graph, 'tokens'), graph.input('table', 'float32', [5, 4])];
    expect(() => add(a, b)).toThrow('add(tokens float32 [n, 3], table float32 [5, 4]): the shapes do not broadcast');
    expect(() => linear(a, b)).toThrow('inner dimensions 3 and 4 differ');
    expect(() => reshape(a, ['n', 2])).toThrow('reshape(tokens float32 [n, 3]): cannot become [n, 2]');
  });

  it('shares equal subexpressions and drops what no output needs', () => {
    const graph = new Graph();
    const x = matrix(graph, 'x');
    expect(mul(x, 2)).toBe(mul(x, 2));
    expect(transpose(x, [0, 1])).toBe(x);
    expect(mul(x, 1)).toBe(x);
    mul(matrix(graph, 'unused'), 3);
    const { inputs } = new Emitter('cpu').emit('g', { y: add(x, 1) });
    expect(inputs).toEqual([x]);
  });

  it('refuses a second declaration of another shape', () => {
    const graph = new Graph();
    matrix(graph, 'x');
    expect(() => graph.input('x', 'float32', ['n', 4])).toThrow('was declared before');
  });

  it('stops gradients', () => {
    const graph = new Graph();
    const x = matrix(graph, 'x');
    const loss = sum(mul(stopGradient(x), x));
    const [dx] = gradients(loss, [x]);
    // d(sg(x)·x) = sg(x), not 2x
    const runtime = openRuntime({ threads: 1 });
    const values = Float32Array.of(1, -2, 3);
    const result = runtime.hostTensor('float32', [1, 3]);
    const program = Program.compile(runtime, 'stop', { dx });
    program.prepare({ x: runtime.hostTensor('float32', [1, 3], values) }, { dx: result }).run();
    expect(result.data).toEqual(values);
    runtime.close();
    expect(topological([dx]).filter(({ op }) => op.name === 'add')).toEqual([]);
    expect(() => gradients(sum(stopGradient(x)), [x])).toThrow('does not depend on x');
  });

  it('adds a sparse gradient onto a dense one without a table of zeros', () => {
    const graph = new Graph();
    const table = graph.input('table', 'float32', [5, 3]);
    const ids = graph.input('ids', 'int32', ['n', 3]);
    const updates = matrix(graph, 'updates');
    const sparse = scatterAdd(expand(graph.scalar(0), [5, 3]), ids, updates, 0);
    const both = add(sparse, table);
    expect(both.node.op.name).toBe('scatterAdd');
    expect(both.node.inputs).toEqual([table, ids, updates]);
    // what looks like zeros but is not known to be stays a sum
    const dense = scatterAdd(sub(table, table), ids, updates, 0);
    expect(add(dense, table).node.op.name).toBe('add');
  });
});

describe('dimensions', () => {
  it('are equal where their factors are', () => {
    expect(productOf(['seq', 2, 'batch', 3])).toBe('6*batch*seq');
    expect(productOf(['batch*seq', 4])).toBe(productOf([4, 'seq', 'batch']));
    expect(evaluate('6*batch*seq', { batch: 2, seq: 5 })).toBe(60);
    expect(() => evaluate('rows', {})).toThrow('dimension rows has no value');
  });
  it('broadcast by the rule of NumPy', () => {
    expect(broadcast(['n', 1], [3])).toEqual(['n', 3]);
    expect(broadcast(['n'], ['m'])).toBeUndefined();
  });
});

describe('schedules', () => {
  const rate = (step: number, schedule: 'constant' | 'linear' | 'cosine', warmup = 0) =>
    learningRateAt(step, 10, { schedule, warmup, learningRate: 1 });
  it('warm up, then stay, fall in a line or along a cosine', () => {
    expect([0, 1, 2, 9].map((s) => rate(s, 'constant', 2))).toEqual([0, 0.5, 1, 1]);
    expect([0, 5, 10].map((s) => rate(s, 'linear'))).toEqual([1, 0.5, 0]);
    expect(rate(5, 'cosine')).toBeCloseTo(0.5, 12);
    expect(rate(1, 'linear', 0.2)).toBe(0.5);
  });
});

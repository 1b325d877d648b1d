import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRuntime, type DType, type Runtime, type TypedArray } from '../../../src/tensor/runtime';
import { chain, elementwise, model } from './model';

const BACKENDS = ['native', 'binding'] as const;
const ARRAYS: Record<DType, TypedArray> = {
  float32: Float32Array.of(1.5, -2, 3, 4),
  int32: Int32Array.of(1, -2, 3, 4),
  int64: BigInt64Array.of(1n, -2n, 3n, 4n),
  bool: Uint8Array.of(1, 0, 1, 1),
  float16: Uint16Array.of(15360, 0, 16384, 1),
  uint8: Uint8Array.of(1, 0, 255, 4),
};

describe.each(BACKENDS)('%s', (backend) => {
  let runtime: Runtime;
  beforeEach(() => {
    runtime = openRuntime({ backend, threads: 2 });
  });
  afterEach(() => runtime.close());

  test('says what it is', () => {
    expect(runtime).toMatchObject({ backend, device: 'cpu', version: '1.30.0', threads: 2 });
  });

  test('lists names, element types and dimensions', () => {
    const session = runtime.createSession(
      model({
        inputs: [
          { name: 'ids', type: 'int32', dims: ['batch', 2] },
          { name: 'scalar', type: 'float32', dims: [] },
        ],
        outputs: [
          { name: 'copy', type: 'int32', dims: ['batch', 2] },
          { name: 'same', type: 'float32', dims: [] },
        ],
        nodes: [
          { op: 'Identity', inputs: ['ids'], outputs: ['copy'] },
          { op: 'Identity', inputs: ['scalar'], outputs: ['same'] },
        ],
      }),
    );
    expect(session.inputs).toEqual([
      { name: 'ids', dtype: 'int32', dims: ['batch', 2] },
      { name: 'scalar', dtype: 'float32', dims: [] },
    ]);
    expect(session.outputs.map((output) => output.name)).toEqual(['copy', 'same']);
  });

  test.each(Object.entries(ARRAYS))('moves %s elements', (dtype, data) => {
    const type = dtype as DType;
    const session = runtime.createSession(elementwise('Identity', type, ['n', 2]));
    const x = runtime.hostTensor(type, [2, 2], data);
    const y = runtime.hostTensor(type, [2, 2]);
    session.prepare({ x }, { y }).run();
    expect(y.data).toEqual(data);
    expect(x.data).toBe(data);
  });

  test('updates a tensor in place, at each run', async () => {
    const session = runtime.createSession(elementwise('Add', 'float32', ['n'], ['a', 'b']));
    const a = runtime.hostTensor('float32', [3], Float32Array.of(1, 2, 3));
    const b = runtime.hostTensor('float32', [3], Float32Array.of(10, 20, 30));
    const call = session.prepare({ a, b }, { y: a });
    call.run();
    await call.runAsync();
    expect(a.data).toEqual(Float32Array.of(21, 42, 63));
  });

  test('reads inputs anew at each run', () => {
    const session = runtime.createSession(elementwise('Neg', 'float32', ['n']));
    const x = runtime.hostTensor('float32', [2]);
    const y = runtime.hostTensor('float32', [2]);
    const call = session.prepare({ x }, { y });
    for (const values of [
      [1, 2],
      [3, -4],
    ]) {
      runtime.write(x, Float32Array.from(values));
      call.run();
      expect(runtime.read(y)).toEqual(Float32Array.from(values, (v) => -v));
    }
  });

  test('a view is a part of the same memory', () => {
    const session = runtime.createSession(elementwise('Neg', 'float32', ['n']));
    const all = runtime.hostTensor('float32', [4], Float32Array.of(1, 2, 3, 4));
    const part = runtime.view(all, 1, [2]);
    session.prepare({ x: part }, { y: part }).run();
    expect(all.data).toEqual(Float32Array.of(1, -2, -3, 4));
    all.release();
    session.prepare({ x: part }, { y: part }).run();
    expect(part.data).toEqual(Float32Array.of(2, 3));
  });

  test('takes empty tensors and scalars', () => {
    const empty = runtime.hostTensor('float32', [0, 2]);
    const out = runtime.hostTensor('float32', [0, 2]);
    runtime
      .createSession(elementwise('Neg', 'float32', ['n', 2]))
      .prepare({ x: empty }, { y: out })
      .run();
    const scalar = runtime.hostTensor('float32', [], Float32Array.of(7));
    runtime
      .createSession(elementwise('Neg', 'float32', []))
      .prepare({ x: scalar }, { y: scalar })
      .run();
    expect(scalar.data).toEqual(Float32Array.of(-7));
  });

  test('opens a model by its path, also one with unusual letters', () => {
    const folder = mkdtempSync(join(tmpdir(), 'align-'));
    try {
      const file = join(folder, 'modèle ☃.onnx');
      writeFileSync(file, elementwise('Neg', 'float32', [1]));
      const session = runtime.createSession(file, { graphOptimization: 'none', memPattern: true });
      const x = runtime.hostTensor('float32', [1], Float32Array.of(2));
      session.prepare({ x }, { y: x }).run();
      expect(x.data).toEqual(Float32Array.of(-2));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('writes a profile', () => {
    const folder = mkdtempSync(join(tmpdir(), 'align-'));
    try {
      const session = runtime.createSession(elementwise('Neg', 'float32', [1]), { profile: join(folder, 'profile') });
      const x = runtime.hostTensor('float32', [1]);
      session.prepare({ x }, { y: x }).run();
      const path = session.endProfiling();
      expect(readFileSync(path, 'utf8')).toContain('Neg');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('names the session in the errors of a model', () => {
    const label = 'the broken one';
    expect(() => runtime.createSession(Uint8Array.of(1, 2, 3), { label })).toThrow(/^the broken one: /);
    expect(() => runtime.createSession('/no/such/file.onnx', { label })).toThrow(/^the broken one: /);
    const unknown = model({ inputs: [], outputs: [], nodes: [{ op: 'NoSuchOp', inputs: [], outputs: ['y'] }] });
    expect(() => runtime.createSession(unknown, { label })).toThrow(/^the broken one: .*NoSuchOp/s);
  });

  test('an error inside a run is an exception, and the session works on', () => {
    const session = runtime.createSession(
      model({
        inputs: [
          { name: 'x', type: 'float32', dims: [2] },
          { name: 'index', type: 'int32', dims: [1] },
        ],
        outputs: [{ name: 'y', type: 'float32', dims: [1] }],
        nodes: [{ op: 'Gather', inputs: ['x', 'index'], outputs: ['y'] }],
      }),
      { label: 'gather' },
    );
    const x = runtime.hostTensor('float32', [2], Float32Array.of(5, 6));
    const index = runtime.hostTensor('int32', [1], Int32Array.of(9));
    const y = runtime.hostTensor('float32', [1]);
    const call = session.prepare({ x, index }, { y });
    expect(() => call.run()).toThrow(/^gather: .*indices/s);
    runtime.write(index, Int32Array.of(1));
    call.run();
    expect(y.data).toEqual(Float32Array.of(6));
  });
});

test('both backends and any number of repetitions give the same bytes', () => {
  const runtimes = BACKENDS.map((backend) => openRuntime({ backend, threads: 2 }));
  const runs = runtimes.map((runtime) => {
    const session = runtime.createSession(chain(24, 3));
    const [x, w, y] = [0, 1, 2].map(() => runtime.hostTensor('float32', [24, 24]));
    if (!x || !w || !y) throw new Error('three tensors');
    const call = session.prepare({ x, w }, { y });
    return (a: Float32Array, b: Float32Array) => {
      runtime.write(x, a);
      runtime.write(w, b);
      call.run();
      return Buffer.from(new Uint8Array(y.data?.slice().buffer ?? []));
    };
  });
  const matrix = fc.float32Array({ minLength: 576, maxLength: 576, noNaN: true, min: -8, max: 8 });
  fc.assert(
    fc.property(matrix, matrix, (a, b) => {
      const [first, ...others] = [...runs, ...runs].map((run) => run(a, b));
      return others.every((bytes) => first?.equals(bytes));
    }),
    { numRuns: 30 },
  );
  for (const runtime of runtimes) runtime.close();
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRuntime, type Call, type Runtime, type Session, type Tensor } from '../../../src/tensor/runtime';
import { chain, elementwise, model } from './model';

describe.each(['native', 'binding'] as const)('misuse of %s is an error of ours', (backend) => {
  let runtime: Runtime;
  let session: Session;
  let a: Tensor;
  let b: Tensor;
  let y: Tensor;
  let call: Call;
  beforeEach(() => {
    runtime = openRuntime({ backend, threads: 1 });
    session = runtime.createSession(elementwise('Add', 'float32', ['n', 2], ['a', 'b']), { label: 'sum' });
    [a, b, y] = [1, 2, 3].map(() => runtime.hostTensor('float32', [3, 2])) as [Tensor, Tensor, Tensor];
    call = session.prepare({ a, b }, { y });
  });
  afterEach(() => runtime.close());

  test('arrays and shapes that do not fit a tensor', () => {
    expect(() => runtime.hostTensor('float32', [3], new Float32Array(2))).toThrow('has 2 elements, the shape needs 3');
    expect(() => runtime.hostTensor('float32', [2], new Int32Array(2))).toThrow('held by Float32Array');
    expect(() => runtime.hostTensor('int64', [2], new Float32Array(2))).toThrow('held by BigInt64Array');
    for (const dims of [[-1], [1.5], [NaN], [2 ** 30, 2 ** 30]]) {
      expect(() => runtime.hostTensor('float32', dims)).toThrow(/tensor/);
    }
    expect(() => runtime.write(a, new Float32Array(5))).toThrow('has 5 elements, the shape needs 6');
    expect(() => runtime.write(a, new Int32Array(6))).toThrow('held by Float32Array');
  });

  test('views outside their tensor', () => {
    for (const [offset, dims] of [
      [-1, [1]],
      [0.5, [1]],
      [6, [1]],
      [1, [6]],
      [0, [7]],
    ] as const) {
      expect(() => runtime.view(a, offset, dims)).toThrow('outside the tensor [3, 2]');
    }
    expect(runtime.view(a, 6, [0]).data).toHaveLength(0);
  });

  test('names that the model does not have, and inputs that are missing', () => {
    expect(() => session.prepare({ a }, { y })).toThrow('sum: the input b is missing');
    expect(() => session.prepare({ a, b, c: a }, { y })).toThrow('sum: there is no input c; it has a, b.');
    expect(() => session.prepare({ a, b }, { z: y })).toThrow('sum: there is no output z; it has y.');
    expect(() => session.prepare({ a, b }, {})).toThrow('at least one output');
  });

  test('element types and shapes that the model does not have', () => {
    const ints = runtime.hostTensor('int32', [3, 2]);
    expect(() => session.prepare({ a, b: ints }, { y })).toThrow('sum: the input b is float32, not int32');
    expect(() => session.prepare({ a, b }, { y: ints })).toThrow('sum: the output y is float32, not int32');
    const wide = runtime.hostTensor('float32', [3, 3]);
    expect(() => session.prepare({ a, b: wide }, { y })).toThrow('input b has shape [n, 2], the tensor [3, 3]');
    const flat = runtime.hostTensor('float32', [6]);
    expect(() => session.prepare({ a: flat, b }, { y })).toThrow('input a has shape [n, 2], the tensor [6]');
    const long = runtime.hostTensor('float32', [4, 2]);
    expect(() => session.prepare({ a, b: long }, { y })).toThrow('the tensor [4, 2]; n is 3 in the input a');
    expect(() => session.prepare({ a, b }, { y: long })).toThrow('the tensor [4, 2]; n is 3 in the input a');
  });

  test('a release that comes twice', () => {
    call.release();
    a.release();
    session.release();
    expect(() => call.release()).toThrow('released before');
    expect(() => a.release()).toThrow('released before');
    expect(() => session.release()).toThrow('released before');
  });

  test('use after a release', () => {
    const other = session.prepare({ a, b }, { y });
    other.release();
    expect(() => other.run()).toThrow('sum: the call was released');
    b.release();
    expect(() => call.run()).toThrow('sum: the tensor [3, 2] was released');
    expect(() => session.prepare({ a, b }, { y })).toThrow('input b: the tensor [3, 2] was released');
    expect(() => runtime.view(b, 0, [1])).toThrow('was released');
    expect(() => runtime.read(b)).toThrow('was released');
    session.release();
    expect(() => call.run()).toThrow('sum: the session was released');
    expect(() => session.prepare({ a, b }, { y })).toThrow('sum: the session was released');
  });

  test('a buffer that was transferred away', () => {
    const data = new Float32Array(6);
    const gone = runtime.hostTensor('float32', [3, 2], data);
    const held = session.prepare({ a: gone, b }, { y });
    structuredClone(data, { transfer: [data.buffer] });
    expect(() => held.run()).toThrow('its buffer was transferred or resized');
    expect(() => session.prepare({ a: gone, b }, { y })).toThrow('transferred or resized');
  });

  test('tensors of another runtime, and things that are none', () => {
    const other = openRuntime({ backend, threads: 1 });
    const foreign = other.hostTensor('float32', [3, 2]);
    expect(() => session.prepare({ a: foreign, b }, { y })).toThrow('input a is not a tensor of this runtime');
    expect(() => runtime.write(foreign, new Float32Array(6))).toThrow('not a tensor of this runtime');
    other.close();
  });

  test('anything on a closed runtime', async () => {
    runtime.close();
    runtime.close();
    expect(() => call.run()).toThrow('The runtime is closed');
    await expect(call.runAsync()).rejects.toThrow('The runtime is closed');
    expect(() => runtime.hostTensor('float32', [1])).toThrow('The runtime is closed');
    expect(() => runtime.createSession(elementwise('Neg', 'float32', [1]))).toThrow('The runtime is closed');
    expect(() => session.prepare({ a, b }, { y })).toThrow('The runtime is closed');
    expect(() => runtime.read(a)).toThrow('The runtime is closed');
    a.release();
    session.release();
  });

  test('a second run, a release and a close while one is under way', async () => {
    const running = call.runAsync();
    expect(() => call.run()).toThrow('sum: the call is running already');
    await expect(call.runAsync()).rejects.toThrow('sum: the call is running already');
    expect(() => call.release()).toThrow('while it runs');
    expect(() => a.release()).toThrow('while a run uses it');
    expect(() => session.release()).toThrow('while a call runs');
    expect(() => runtime.close()).toThrow('while a run is under way');
    await running;
    call.run();
    call.release();
    a.release();
    session.release();
  });

  test('the end of a profile that nobody asked for', () => {
    expect(() => session.endProfiling()).toThrow('sum: the session has no profile');
  });

  test('a given output that the graph cannot fill', () => {
    const reshape = runtime.createSession(
      model({
        inputs: [{ name: 'x', type: 'float32', dims: ['n'] }],
        outputs: [{ name: 'y', type: 'float32', dims: ['m', 'm'] }],
        nodes: [
          { op: 'Unsqueeze', inputs: ['x', 'axes'], outputs: ['y'] },
          { op: 'Constant', inputs: [], outputs: ['axes'], attributes: { value_ints: [0] } },
        ].reverse(),
      }),
      { label: 'reshape' },
    );
    const x = runtime.hostTensor('float32', [4]);
    const wrong = runtime.hostTensor('float32', [2, 2]);
    expect(() => reshape.prepare({ x }, { y: wrong }).run()).toThrow(/^reshape: .*shape/is);
  });
});

test('runs of two calls may overlap, and both give what they give alone', async () => {
  const runtime = openRuntime({ backend: 'native', threads: 2 });
  const n = 96;
  const session = runtime.createSession(chain(n, 4));
  const data = Float32Array.from({ length: n * n }, (_, i) => ((i * 37) % 101) / 1000);
  const w = runtime.hostTensor('float32', [n, n], data);
  const outputs = [1, 2, 3, 4].map(() => runtime.hostTensor('float32', [n, n]));
  const calls = outputs.map((y) => session.prepare({ x: w, w }, { y }));
  calls[0]?.run();
  await Promise.all(calls.map((each) => each.runAsync()));
  for (const y of outputs) expect(y.data).toEqual(outputs[0]?.data);
  runtime.close();
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { devices, openRuntime, type Runtime } from '../../../src/tensor/runtime';
import { useSoftwareAdapter } from '../adapter';
import { elementwise, model } from './model';

let runtime: Runtime;
beforeAll(() => {
  useSoftwareAdapter();
  runtime = openRuntime({ device: 'webgpu', threads: 1 }); // no adapter: an error, and so a failure of these tests
});
afterAll(() => runtime.close());

test('is there', () => {
  expect(runtime).toMatchObject({ backend: 'native', device: 'webgpu', version: '1.30.0' });
  expect(devices(1)[1]).toMatchObject({ device: 'webgpu', available: true });
});

test.each([
  ['float32', [2, 2], Float32Array.of(1.5, -2, 3, 4)],
  ['int32', [4], Int32Array.of(1, -2, 3, 4)],
  ['float16', [1, 4, 1], Uint16Array.of(15360, 0, 16384, 1)],
  ['float32', [], Float32Array.of(7)],
  ['float32', [0, 3], new Float32Array(0)],
] as const)('%s elements of shape %j cross to the device and back', async (dtype, dims, data) => {
  const tensor = runtime.stateTensor(dtype, dims, data);
  expect(tensor).toMatchObject({ location: 'device', data: null, dims });
  const copy = await runtime.read(tensor);
  expect(copy).toEqual(data);
  expect(copy).not.toBe(data);
  tensor.release();
});

test('state starts with zeros and can be overwritten', async () => {
  const tensor = runtime.stateTensor('float32', [3]);
  expect(await runtime.read(tensor)).toEqual(new Float32Array(3));
  runtime.write(tensor, Float32Array.of(1, 2, 3));
  expect(await runtime.read(tensor)).toEqual(Float32Array.of(1, 2, 3));
  tensor.release();
});

test('updates device tensors in place, with host tensors as inputs and outputs', async () => {
  const session = runtime.createSession(elementwise('Add', 'float32', ['n'], ['a', 'b']));
  const a = runtime.stateTensor('float32', [3], Float32Array.of(1, 2, 3));
  const b = runtime.hostTensor('float32', [3], Float32Array.of(10, 20, 30));
  const update = session.prepare({ a, b }, { y: a });
  for (let i = 0; i < 5; i++) update.run();
  await update.runAsync();
  expect(await runtime.read(a)).toEqual(Float32Array.of(61, 122, 183));
  const y = runtime.hostTensor('float32', [3]);
  session.prepare({ a, b }, { y }).run();
  expect(y.data).toEqual(Float32Array.of(71, 142, 213));
  session.release();
});

test('asynchronous runs come after one another, and a synchronous one does not overlap them', async () => {
  const session = runtime.createSession(elementwise('Add', 'float32', ['n'], ['a', 'b']), { label: 'sum' });
  const a = runtime.stateTensor('float32', [1], Float32Array.of(1));
  const calls = [1, 2, 3, 4].map(() => session.prepare({ a, b: a }, { y: a }));
  const other = session.prepare({ a, b: a }, { y: a });
  const running = calls.map((call) => call.runAsync());
  expect(() => other.run()).toThrow('sum: the device is busy');
  await Promise.all(running);
  other.run();
  expect(await runtime.read(a)).toEqual(Float32Array.of(32));
  session.release();
});

test('a node without a kernel on the device is an error, unless the session allows the cpu', () => {
  const bytes = model({
    inputs: [{ name: 'x', type: 'int64', dims: [2] }],
    outputs: [{ name: 'y', type: 'int64', dims: [2] }],
    nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
  });
  expect(() => runtime.createSession(bytes, { label: 'ints' })).toThrow(/^ints: .*CPU EP/);
  const session = runtime.createSession(bytes, { requireDevice: false });
  const x = runtime.hostTensor('int64', [2], BigInt64Array.of(1n, -2n));
  session.prepare({ x }, { y: x }).run();
  expect(x.data).toEqual(BigInt64Array.of(-1n, 2n));
});

test('misuse of device tensors is an error of ours', () => {
  const tensor = runtime.stateTensor('float32', [2]);
  expect(() => runtime.view(tensor, 0, [1])).toThrow('the tensor lives on a device');
  expect(() => runtime.write(tensor, new Float32Array(3))).toThrow('has 3 elements, the shape needs 2');
  expect(() => runtime.write(tensor, new Int32Array(2))).toThrow('held by Float32Array');
  expect(() => runtime.stateTensor('bool', [2])).toThrow(/bool/);
  tensor.release();
  expect(() => tensor.release()).toThrow('released before');
  expect(() => runtime.read(tensor)).toThrow('was released');
});

test('a runtime closes with tensors and sessions left, and another opens', async () => {
  const other = openRuntime({ device: 'webgpu', threads: 1 });
  const tensor = other.stateTensor('int32', [2], Int32Array.of(1, 2));
  other.createSession(elementwise('Neg', 'float32', ['n']));
  expect(await other.read(tensor)).toEqual(Int32Array.of(1, 2));
  other.close();
  expect(() => other.stateTensor('float32', [1])).toThrow('The runtime is closed');
});

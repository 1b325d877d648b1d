import { expect, test } from 'vitest';
import { openRuntime } from '../../../src/tensor/runtime';
import { elementwise } from './model';

test('adds two host tensors, in place too', async () => {
  const runtime = openRuntime({ threads: 1 });
  const session = runtime.createSession(elementwise('Add', 'float32', ['n', 2], ['a', 'b']));
  expect(session.inputs).toEqual([
    { name: 'a', dtype: 'float32', dims: ['n', 2] },
    { name: 'b', dtype: 'float32', dims: ['n', 2] },
  ]);
  const a = runtime.hostTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4));
  const b = runtime.hostTensor('float32', [2, 2], Float32Array.of(10, 20, 30, 40));
  const call = session.prepare({ a, b }, { y: a });
  call.run();
  await call.runAsync();
  expect([...(a.data ?? [])]).toEqual([21, 42, 63, 84]);
  runtime.close();
});

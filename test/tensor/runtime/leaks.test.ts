import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openRuntime } from '../../../src/tensor/runtime';
import { NativeRuntime } from '../../../src/tensor/runtime/native';
import { chain, elementwise } from './model';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Resident megabytes that `work` leaves behind, after a first round that fills caches and pools. */
function growth(rounds: number, work: (round: number) => void): number {
  for (let round = 0; round < rounds / 5; round++) work(round);
  collect();
  const before = process.memoryUsage().rss;
  for (let round = 0; round < rounds; round++) work(round);
  collect();
  return (process.memoryUsage().rss - before) / 2 ** 20;
}

test('300 sessions come and go', () => {
  const runtime = openRuntime({ threads: 2 });
  const bytes = chain(64, 8);
  const grown = growth(300, () => {
    const session = runtime.createSession(bytes);
    const x = runtime.hostTensor('float32', [64, 64]);
    const call = session.prepare({ x, w: x }, { y: runtime.view(x, 0, [64, 64]) });
    call.run();
    call.release();
    x.release();
    session.release();
  });
  expect(grown).toBeLessThan(24);
  runtime.close();
});

test('10,000 tensors and calls come and go', () => {
  const runtime = openRuntime({ threads: 1 });
  const session = runtime.createSession(elementwise('Add', 'float32', [256], ['a', 'b']));
  const b = runtime.hostTensor('float32', [256]);
  const grown = growth(10_000, () => {
    const a = runtime.hostTensor('float32', [256]);
    const call = session.prepare({ a, b }, { y: a });
    call.run();
    call.release();
    a.release();
  });
  expect(grown).toBeLessThan(24);
  if (runtime instanceof NativeRuntime) expect(runtime.handles.count).toBe(2);
  runtime.close();
});

test('1,500 runs of a call allocate nothing that grows', () => {
  const runtime = openRuntime({ threads: 2 });
  const x = runtime.hostTensor('float32', [64, 64]);
  const call = runtime.createSession(chain(64, 8)).prepare({ x, w: x }, { y: x });
  expect(growth(1_500, () => call.run())).toBeLessThan(8);
  runtime.close();
});

test('a closed runtime has nothing left, and what was dropped without a release is freed when it is collected', async () => {
  const runtime = new NativeRuntime({ threads: 1, spinning: false });
  for (let i = 0; i < 100; i++) runtime.hostTensor('float32', [1000]);
  runtime.createSession(elementwise('Neg', 'float32', [1]));
  expect(runtime.handles.count).toBe(101);
  // Finalizers run as tasks of their own, some time after a collection.
  for (let turn = 0; turn < 200 && runtime.handles.count > 0; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(runtime.handles.count).toBeLessThan(5);
  runtime.close();
  expect(runtime.handles.count).toBe(0);
});

test('a call keeps the tensors that it runs with', async () => {
  const runtime = openRuntime({ threads: 1 });
  const y = runtime.hostTensor('float32', [4]);
  const call = runtime
    .createSession(elementwise('Neg', 'float32', [4]))
    .prepare({ x: runtime.hostTensor('float32', [4], Float32Array.of(1, 2, 3, 4)) }, { y });
  for (let turn = 0; turn < 20; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  call.run();
  expect(y.data).toEqual(Float32Array.of(-1, -2, -3, -4));
  runtime.close();
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../../src/config/errors';
import { devices, openRuntime, type RuntimeOptions } from '../../../src/tensor/runtime';
import { chain } from './model';

const errorOf = (options: RuntimeOptions): UserError => {
  try {
    openRuntime(options).close();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('It opened.');
};

test('the native backend is the default', () => {
  const warnings: string[] = [];
  const runtime = openRuntime({ onWarning: (message) => warnings.push(message) });
  expect(runtime.backend).toBe('native');
  expect(warnings).toEqual([]);
  runtime.close();
});

test('a library that does not load gives way to the binding, with a warning', () => {
  const warnings: string[] = [];
  const runtime = openRuntime({ library: '/no/such/library.so', onWarning: (message) => warnings.push(message) });
  expect(runtime.backend).toBe('binding');
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/\/no\/such\/library\.so did not load.*own binding/s);
  runtime.close();
});

test('asked for by name, a native backend that does not load is an error that says why', () => {
  expect(errorOf({ backend: 'native', library: '/no/such/library.so' }).message).toMatch(
    /^The ONNX Runtime library \/no\/such\/library\.so did not load: .+/,
  );
});

test('a library that is none of ONNX Runtime is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'align-'));
  try {
    const file = join(folder, 'library.so');
    writeFileSync(file, 'not a library');
    expect(errorOf({ backend: 'native', library: file }).message).toContain('did not load');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('wishes that cannot be met are errors of the user', () => {
  expect(errorOf({ device: 'webgpu', backend: 'binding' }).message).toBe('The binding backend runs on the cpu only.');
  for (const threads of [0, -1, 1.5, NaN]) {
    expect(errorOf({ threads }).message).toBe(`A run cannot use ${threads} threads.`);
  }
});

test('the cpu is always there, and a device that is not says why', () => {
  if (process.platform === 'linux') process.env.VK_ICD_FILENAMES = '/no/such/driver.json';
  const [cpu, webgpu] = devices(2);
  expect(cpu).toEqual({ device: 'cpu', available: true, detail: '2 threads, ONNX Runtime 1.30.0' });
  expect(webgpu?.device).toBe('webgpu');
  if (webgpu?.available && process.platform !== 'linux') return; // a real GPU answers
  expect(webgpu?.available).toBe(false);
  expect(webgpu?.detail).toMatch(/^The device webgpu is not available: .+/);
  expect(webgpu?.hint).toMatch(/device: cpu/);
  expect(errorOf({ device: 'webgpu' }).code).toBe('device-missing');
});

test('a run off the event loop leaves it free', async () => {
  const runtime = openRuntime({ backend: 'native', threads: 1 });
  const n = 512;
  const session = runtime.createSession(chain(n, 24));
  const x = runtime.hostTensor('float32', [n, n]);
  const y = runtime.hostTensor('float32', [n, n]);
  const call = session.prepare({ x, w: x }, { y });
  let ticks = 0;
  const running = call.runAsync();
  let over = false;
  void running.finally(() => (over = true));
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    ticks++;
  }
  await running;
  expect(ticks).toBeGreaterThan(5);
  runtime.close();
});

test('runtimes with other numbers of threads live side by side and agree', () => {
  const results = [1, 2, 3, 2].map((threads, index) => {
    const runtime = openRuntime({ threads, spinning: index % 2 === 0 });
    const x = runtime.hostTensor('float32', [32, 32], new Float32Array(1024).fill(0.25));
    const y = runtime.hostTensor('float32', [32, 32]);
    runtime.createSession(chain(32, 2)).prepare({ x, w: x }, { y }).run();
    return { runtime, data: y.data };
  });
  for (const { data } of results) expect(data).toEqual(results[0]?.data);
  for (const { runtime } of results) runtime.close();
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRuntime, type Runtime } from '../../src/tensor/runtime';
import { useSoftwareAdapter } from './adapter';
import { PARAMETERS, STEPS, trainTiny } from './tiny';

let gpu: Runtime;
beforeAll(() => {
  useSoftwareAdapter();
  gpu = openRuntime({ device: 'webgpu', threads: 2 }); // sessions there refuse to fall back to the cpu
});
afterAll(() => gpu.close());

it(`twenty SFT steps of a model of ${PARAMETERS} parameters agree with the cpu's losses within 1e-4`, async () => {
  expect(PARAMETERS).toBeLessThan(100_000);
  const cpu = openRuntime({ device: 'cpu', threads: 2 });
  const expected = await trainTiny(cpu, { decode: false });
  cpu.close();
  const found = await trainTiny(gpu, { decode: false });
  expect(found.losses).toHaveLength(STEPS);
  found.losses.forEach((loss, step) =>
    expect(Math.abs(loss - expected.losses[step]), `step ${step}`).toBeLessThan(1e-4),
  );
  found.norms.forEach((norm, step) => expect(norm / expected.norms[step], `step ${step}`).toBeCloseTo(1, 3));
  for (const [name, values] of expected.weights) {
    const other = found.weights.get(name);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (other?.[i] ?? NaN))), 0);
    expect(worst, name).toBeLessThan(2e-3);
  }
});

import { expect, it } from 'vitest';
import { openRuntime } from '../../src/tensor/runtime';
import { STEPS, trainTiny, type Trained } from './tiny';

async function trained(backend: 'native' | 'binding', threads = 2): Promise<Trained> {
  const runtime = openRuntime({ backend, threads });
  try {
    return await trainTiny(runtime);
  } finally {
    runtime.close();
  }
}

it('twenty training steps and twenty decoded tokens give the same bytes on both backends, and again', async () => {
  const native = await trained('native');
  const binding = await trained('binding');
  expect(native.losses).toHaveLength(STEPS);
  expect(native.losses[STEPS - 1]).toBeLessThan(native.losses[0] - 1); // it learns
  expect(native.answers.map((ids) => ids.length)).toEqual([20, 20]);
  expect(binding).toEqual(native);
  expect(await trained('native')).toEqual(native);
});

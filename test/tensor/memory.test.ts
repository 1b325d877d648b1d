import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { openRuntime } from '../../src/tensor/runtime';
import { NativeRuntime } from '../../src/tensor/runtime/native';
import { TinyTraining } from './tiny';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const steps = process.env.ALIGN_SOAK ? 10_000 : 1_500;

it(`a step allocates nothing that grows: ${steps} steps of a tiny model`, { timeout: 600_000 }, async () => {
  const runtime = openRuntime({ threads: 2, backend: 'native' });
  const training = new TinyTraining(runtime);
  const run = async (count: number): Promise<void> => {
    for (let step = 0; step < count; step++) await training.step();
    collect();
  };
  await run(150); // arenas, compiled code and prepared calls
  const before = process.memoryUsage().rss;
  await run(steps);
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(12);
  training.release();
  if (runtime instanceof NativeRuntime) expect(runtime.handles.count).toBe(0);
  runtime.close();
});

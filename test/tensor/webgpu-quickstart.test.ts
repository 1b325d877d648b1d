import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadExperiment, resolveStage } from '../../src/config/load';
import { runConfigOf } from '../../src/config/run-config';
import { createRun } from '../../src/runs/create';
import { trainRun } from '../../src/trainer/process';
import { useSoftwareAdapter } from './adapter';

const folder = mkdtempSync(join(tmpdir(), 'webgpu-quickstart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A software GPU computes half a GFLOP a second: the batch is small, the run is the real one. */
const SMALL = ['steps=2', 'batch_size=4', 'held_out=3', 'sample_prompts=["Where does Oskdax live?"]'];

async function run(device: string) {
  const file = join(folder, 'align.yaml');
  const { experiment, diagnostics } = loadExperiment(file, { stage: 'sft', set: SMALL, device });
  if (!experiment) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  const stage = resolveStage(experiment, 'sft');
  const dir = createRun({ configFile: file, stage: 'sft', type: stage.type, config: runConfigOf(stage) });
  expect(await trainRun(dir)).toBe(0);
  return dir;
}

it('the quickstart’s sft does two steps on WebGPU, with the losses of the CPU', async () => {
  useSoftwareAdapter();
  process.env.TMPDIR = folder; // a queue of its own: runs of other tests are not waited for
  cpSync(join(import.meta.dirname, '../../examples/quickstart'), folder, { recursive: true });
  const [gpu, cpu] = [await run('webgpu'), await run('cpu')];
  expect(gpu.readEnvironment()).toMatchObject({ device: 'webgpu', backend: 'native' });
  const losses = (dir: typeof gpu) => dir.readMetrics().flatMap(({ loss, eval_loss }) => [loss ?? eval_loss]);
  expect(losses(gpu)).toHaveLength(5); // before, and after each step: held-out; each step
  losses(cpu).forEach((loss, i) => expect(Math.abs(Number(loss) - Number(losses(gpu)[i]))).toBeLessThan(1e-3));
  expect(gpu.readSamples().length).toBeGreaterThan(0);
}, 240_000);

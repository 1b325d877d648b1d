import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { request } from '../../src/runs/control';
import { RunDir } from '../../src/runs/directory';
import { Workbench, type WorkbenchOptions } from '../host/workbench';
import { expectPoints } from './drawn-points';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(options: WorkbenchOptions = {}): Promise<Workbench> {
  workbench = await Workbench.open(options);
  await workbench.openFile('align.yaml');
  return workbench;
}

/** The workspace's only run. */
async function onlyRun(window: Workbench): Promise<RunDir> {
  const runs = join(window.folder, '.align', 'runs');
  return vi.waitFor(
    () => {
      const [name, ...others] = readdirSync(runs);
      if (!name) throw new Error('no run yet');
      expect(others).toEqual([]);
      const dir = new RunDir(join(runs, name));
      dir.readRun();
      return dir;
    },
    { timeout: 30_000 },
  );
}

async function waitForState(dir: RunDir, ...states: string[]): Promise<void> {
  await vi.waitFor(() => expect(states).toContain(dir.state()), { timeout: 120_000, interval: 100 });
}

/** So many steps that no machine comes to the end before the run is stopped. */
const ENDLESS = 2_000_000;

/** Makes the fixture's run long enough to be stopped in its midst. */
function lengthen(steps: number): (folder: string) => void {
  return (folder) => {
    const file = join(folder, 'align.yaml');
    const text = readFileSync(file, 'utf8');
    const every = `checkpoint_every: ${steps / 4}\n    evaluate_every: ${steps / 4}`;
    writeFileSync(file, text.replace('steps: 20', `steps: ${steps}\n    ${every}`));
  };
}

async function waitForSteps(dir: RunDir, steps: number): Promise<void> {
  await vi.waitFor(() => expect(dir.readMetrics().length).toBeGreaterThanOrEqual(steps), {
    timeout: 60_000,
    interval: 50,
  });
}

/** Every step stands once, in order. */
function expectEveryStep(dir: RunDir, steps: number): void {
  const trained = dir.readMetrics().filter((row) => typeof row['loss'] === 'number');
  expect(trained.map((row) => row.step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
}

describe('a click on Run', () => {
  it('trains to the end, and the curve shows what metrics.jsonl holds', async () => {
    const window = await open();
    await window.lens('Run').first().click();
    const dir = await onlyRun(window);
    await waitForState(dir, 'done');
    expect(dir.readMetrics().at(-1)?.step).toBe(20);
    await expectPoints(window, 'loss', dir);
    await expectPoints(window, 'eval_loss', dir);
    await window.lens('✓').first().waitFor();
    expect(dir.readSamples().length).toBeGreaterThan(0);
  });

  it('goes on while the window is loaded anew', async () => {
    const window = await open({ prepare: lengthen(ENDLESS) });
    await window.lens('Run').first().click();
    const dir = await onlyRun(window);
    await waitForSteps(dir, 20);
    const { pid } = dir.readRun();
    const before = dir.readMetrics().length;
    await window.reload();
    await vi.waitFor(() => expect(dir.readMetrics().length).toBeGreaterThan(before));
    expect(dir.readRun().pid).toBe(pid);
    // the workbench may have been too busy to remember its tabs, and its host takes its time to come back
    await window.openFile('align.yaml');
    await window.lens('Stop').first().click({ timeout: 120_000 });
    await waitForState(dir, 'stopped');
    await expectPoints(window, 'loss', dir);
  });
});

describe('stop, pause and resume', () => {
  it('ends with a checkpoint, goes on from it and repeats no step', async () => {
    const steps = 4000;
    const window = await open({ prepare: lengthen(steps) });
    await window.lens('Run').first().click();
    const dir = await onlyRun(window);
    await waitForSteps(dir, 20);
    // held by another window, as it were: else a fast machine is done before the click
    request(dir, 'pause');
    await waitForState(dir, 'paused');
    await window.lens('Stop').first().click();
    await waitForState(dir, 'stopped');
    const stopped = dir.readRun().step;
    expect(stopped).toBeLessThan(steps);
    await window.lens('stopped at').first().waitFor();
    await expectPoints(window, 'loss', dir);
    await window.lens('Resume').first().click();
    await waitForState(dir, 'done');
    expectEveryStep(dir, steps);
    await expectPoints(window, 'loss', dir);
  });

  it('holds after a step and goes on in the same process', async () => {
    const window = await open({ prepare: lengthen(ENDLESS) });
    await window.lens('Run').first().click();
    const dir = await onlyRun(window);
    await waitForSteps(dir, 10);
    await window.lens('Pause').first().click();
    await waitForState(dir, 'paused');
    await window.lens('paused at').first().waitFor();
    const { pid, step } = dir.readRun();
    await window.lens('Resume').first().click();
    await waitForSteps(dir, step + 10);
    expect(dir.readRun().pid).toBe(pid);
  });
});

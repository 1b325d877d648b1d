import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunDir } from '../../src/runs/directory';
import { Workbench, repository } from '../../test/host/workbench';
import type { Bench, Result } from '../bench';
import { median, spread } from '../statistics';
import { type Row, digits } from '../table';
import { quickstartFolder } from './quickstart';

const STAGE = 'sft';
const WAIT_MS = 120_000;

declare global {
  interface Window {
    /** When the mouse was pressed last, in milliseconds since 1970. */
    __pressed?: number;
  }
}

/** Row 6: from the click on Run over the quickstart's `sft` to its first point on the curves panel, which stands open. */
export async function measureClick(bench: Bench): Promise<Result> {
  const source = quickstartFolder(bench);
  const rounds = bench.options.quickly ? 1 : Math.max(5, bench.options.rounds);
  const workbench = await Workbench.open({
    fixture: relative(repository, source),
    prepare: (folder) => setThreads(folder, bench.options.threads),
  });
  const clicks: Click[] = [];
  try {
    await workbench.openFile('align.yaml');
    await watchMouse(workbench);
    // The first run opens the panel and warms the disk's cache; it is not counted.
    for (let round = 0; round <= rounds; round++) {
      bench.say(round === 0 ? 'click to curve: warm-up' : `click to curve: ${round} of ${rounds}`);
      const taken = await clickToPoint(workbench);
      if (round > 0) clicks.push(taken);
    }
  } catch (error) {
    bench.say(`the window as it was: ${await workbench.screenshot('bench-click')}`);
    throw error;
  } finally {
    await workbench.close();
  }
  const seconds = clicks.map(({ drawn }) => drawn);
  const middle = (part: keyof Click): string => digits(median(clicks.map((click) => click[part])));
  const row: Row = {
    row: 6,
    what: 'click on Run to the first point of the curve',
    ours: `${digits(median(seconds))} s`,
    peer: '–',
    ratio: median(seconds),
    unit: 's',
    floor: 2,
    goal: 1,
    better: 'lower',
    limit: null,
    note: [
      `${clicks.length} clicks, spread ${digits(spread(seconds) * 100)} %`,
      `the run exists after ${middle('created')} s, its process trains after ${middle('started')} s, the first row is written after ${middle('written')} s`,
      existsSync(join(source, 'model', 'config.json'))
        ? ''
        : "the quickstart has no model yet, the tests' tiny one trained",
    ]
      .filter(Boolean)
      .join('; '),
  };
  return { rows: [row], data: { clicks } };
}

function setThreads(folder: string, threads: number): void {
  const config = join(folder, 'align.yaml');
  writeFileSync(config, `threads: ${threads}\n${readFileSync(config, 'utf8')}`);
}

async function watchMouse({ page }: Workbench): Promise<void> {
  await page.evaluate(() => {
    addEventListener('pointerdown', () => (window.__pressed = Date.now()), { capture: true });
  });
}

/** Seconds from the click until the run directory exists, training begins, the first row is written, and drawn. */
interface Click {
  created: number;
  started: number;
  written: number;
  drawn: number;
}

/** Starts the stage by a click, waits for its first point, and stops the run. */
async function clickToPoint(workbench: Workbench): Promise<Click> {
  const before = new Set(runIds(workbench));
  await workbench.clickLensOver(STAGE, 'Run');
  const body = workbench.panel().locator('body[data-ready]');
  // Asked once a frame inside the panel: what a question from outside costs is not the product's.
  const drawn = await body.evaluate(
    (_, { known, limit }) =>
      new Promise<number | null>((resolve) => {
        const end = Date.now() + limit;
        const look = (): void => {
          const loss = window.__curves?.().series['loss'] ?? {};
          const found = Object.entries(loss).some(
            ([run, { raw, line }]) => !known.includes(run) && (raw?.length ?? line.length) > 0,
          );
          if (found || Date.now() > end) resolve(found ? Date.now() : null);
          else requestAnimationFrame(look);
        };
        look();
      }),
    { known: [...before], limit: WAIT_MS },
    { timeout: WAIT_MS },
  );
  if (drawn === null) throw new Error('the curves panel showed no point');
  const pressed = await workbench.page.evaluate(() => window.__pressed ?? 0);
  const id = runIds(workbench).find((name) => !before.has(name));
  if (!id) throw new Error('the click made no run');
  const dir = new RunDir(join(workbench.folder, '.align', 'runs', id));
  await end(workbench, dir);
  const { created, started } = dir.readRun();
  const since = (time: number): number => (time - pressed) / 1e3;
  return {
    created: since(Date.parse(created)),
    started: since(Date.parse(started ?? '')),
    written: since(dir.readMetrics().find((row) => typeof row['loss'] === 'number')?.time ?? NaN),
    drawn: since(drawn),
  };
}

function runIds({ folder }: Workbench): string[] {
  const runs = join(folder, '.align', 'runs');
  mkdirSync(runs, { recursive: true });
  return readdirSync(runs).filter((name) => new RunDir(join(runs, name)).exists());
}

/** Stops a run as a user does and waits until its process is gone, so that the next one waits for nothing. */
async function end(workbench: Workbench, dir: RunDir): Promise<void> {
  const done = (): boolean => ['done', 'stopped', 'failed', 'died'].includes(dir.state());
  if (!done()) {
    await workbench
      .lens('Stop')
      .last()
      .click({ timeout: 30_000 })
      .catch((error: unknown) => {
        if (!done()) throw error;
      });
  }
  for (let waited = 0; !done(); waited += 50) {
    if (waited > WAIT_MS) throw new Error(`run ${dir.id} did not stop`);
    await sleep(50);
  }
}

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RunDir } from '../../src/runs/directory';
import { Workbench, type Theme, type WorkbenchOptions } from '../host/workbench';
import { expectPoints, recorded } from './drawn-points';
import { recordPolicyRuns } from './policy-runs';
import { appendLosses, beginRun, fallingLosses, recordRun } from './recorded-runs';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(options: WorkbenchOptions = {}): Promise<Workbench> {
  const opened = await Workbench.open(options);
  workbench = opened;
  await opened.openFile('align.yaml');
  await opened.lens('Curves').first().waitFor();
  return opened;
}

describe('the curves panel', () => {
  it('draws the points that metrics.jsonl holds', async () => {
    let dir: RunDir | undefined;
    const window = await open({ prepare: (folder) => (dir = recordRun(folder, { losses: fallingLosses(60) })) });
    if (!dir) throw new Error('no run was recorded');
    await window.lens('Curves').first().click();
    await expectPoints(window, 'loss', dir);
    await expectPoints(window, 'eval_loss', dir);
  });

  it('follows a run as it is written, and loses nothing over a reload of the window', async () => {
    const window = await open();
    const writer = beginRun(window.folder, { losses: fallingLosses(10), steps: 40 });
    try {
      await window.lens('Stop').first().waitFor();
      await window.lens('Curves').first().click();
      await expectPoints(window, 'loss', writer.dir);
      appendLosses(writer, [2, 1.9, 1.8]);
      await expectPoints(window, 'loss', writer.dir);
      await window.reload();
      appendLosses(writer, [1.7, 1.6]);
      await expectPoints(window, 'loss', writer.dir);
      expect(recorded(writer.dir, 'loss')).toHaveLength(15);
    } finally {
      writer.close('done');
    }
    await window.lens('✓').first().waitFor();
  });

  it('overlays runs', async () => {
    const dirs: RunDir[] = [];
    const window = await open({
      prepare: (folder) => {
        for (const start of [4, 5]) dirs.push(recordRun(folder, { losses: fallingLosses(30, start) }));
      },
    });
    await window.lens('Curves').first().click();
    for (const dir of dirs) {
      const box = window.panel().locator(`[data-run="${dir.id}"]`);
      await box.waitFor();
      const shown = (await window.curves()).runs.find((run) => run.id === dir.id)?.shown;
      if (!shown) await box.locator('vscode-checkbox, input[type=checkbox]').first().click();
      await expectPoints(window, 'loss', dir);
    }
    for (const dir of dirs) await expectPoints(window, 'loss', dir);
  });

  it.each(['light', 'dark', 'high-contrast'] satisfies Theme[])('follows the %s theme', async (theme) => {
    let dir: RunDir | undefined;
    const window = await open({
      theme,
      prepare: (folder) => (dir = recordRun(folder, { losses: fallingLosses(200) })),
    });
    if (!dir) throw new Error('no run was recorded');
    await window.lens('Curves').first().click();
    await expectPoints(window, 'loss', dir);
    const body = window.panel().locator('body');
    await vi.waitFor(async () => expect(await body.getAttribute('data-vscode-theme-kind')).toBe(`vscode-${theme}`), {
      timeout: 20_000,
    });
    const chart = body.locator('canvas').first();
    await chart.waitFor();
    // What is drawn has more than the background's colour.
    const colors = await chart.evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) return 0;
      const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
      return new Set(Array.from({ length: data.length / 4 }, (_, i) => data.slice(i * 4, i * 4 + 4).join())).size;
    });
    expect(colors).toBeGreaterThan(2);
  });
});

/** The steps that metrics.jsonl holds with both figures, as [x, y, step]. */
function logged(dir: RunDir, y: string): [number, number, number][] {
  return dir.readMetrics().flatMap((row): [number, number, number][] => {
    const [kl, reward] = [row['objective/kl'], row[y]];
    return typeof kl === 'number' && typeof reward === 'number' ? [[kl, reward, row.step]] : [];
  });
}

/** The step of a run's samples that is nearest to a step; of two as near the earlier one. */
function sampledNear(dir: RunDir, step: number): number {
  const steps = [...new Set(dir.readSamples().map((row) => row.step))].sort((a, b) => a - b);
  return steps.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best));
}

/** A machine that does other work beside is slow, not broken. */
const PATIENCE = { timeout: 30_000, interval: 200 };

/** Presses Tab until an element of the panel has the focus. */
async function tabTo(window: Workbench, selector: string): Promise<void> {
  const target = window.panel().locator(selector);
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element.contains(document.activeElement))) return;
    await window.page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not come to ${selector}.`);
}

/** Waits until the frontier shows what the runs logged. */
async function expectFrontier(
  window: Workbench,
  runs: Record<string, RunDir>,
  y: string,
  along = (kl: number): number => kl,
): Promise<void> {
  await vi.waitFor(async () => {
    const { frontier } = await window.curves();
    for (const dir of Object.values(runs)) {
      const wanted = logged(dir, y).map(([kl, ...others]) => [along(kl), ...others]);
      expect(wanted.length).toBeGreaterThan(20);
      expect(frontier?.[dir.id]).toEqual(wanted);
    }
  }, PATIENCE);
}

describe('the frontier', () => {
  it('draws reward against KL of every step, and is chosen, walked and opened by keyboard', async () => {
    let runs: Record<string, RunDir> = {};
    const window = await open({ prepare: (folder) => (runs = recordPolicyRuns(folder)) });
    await window.command('Alignment Lab: Open Curves');
    const panel = window.panel();
    await panel.locator('[data-run]').first().waitFor();
    for (const { id } of Object.values(runs)) {
      const shown = (await window.curves()).runs.find((run) => run.id === id)?.shown;
      if (shown) continue;
      await tabTo(window, `[data-run="${id}"] vscode-checkbox`);
      await window.page.keyboard.press('Space');
    }
    await tabTo(window, 'vscode-dropdown[aria-label="View"]');
    await window.page.keyboard.press('ArrowDown');
    await expectFrontier(window, runs, 'objective/scores');
    await tabTo(window, 'vscode-dropdown[aria-label="Reward"]');
    for (let press = 0; press < 2; press++) await window.page.keyboard.press('ArrowDown');
    await expectFrontier(window, runs, 'monitor/judge');
    await tabTo(window, 'vscode-checkbox[aria-label="√KL"]');
    await window.page.keyboard.press('Space');
    await expectFrontier(window, runs, 'monitor/judge', (kl) => Math.sqrt(Math.max(0, kl)));

    await tabTo(window, '.frontier canvas');
    const live = panel.locator('.live');
    const hacked = runs['ppo-hacked'];
    if (!hacked) throw new Error('ppo-hacked is not there');
    if (!(await live.textContent())?.startsWith('ppo-hacked')) await window.page.keyboard.press('ArrowDown');
    for (const key of ['Home', 'ArrowRight', 'ArrowRight']) await window.page.keyboard.press(key);
    const [, , step = 0] = logged(hacked, 'monitor/judge')[2] ?? [];
    const words = new RegExp(`^ppo-hacked.*, step ${step}: Judge `);
    await vi.waitFor(async () => expect(await live.textContent()).toMatch(words), PATIENCE);
    await panel.locator('.frontier .ring:not([hidden])').waitFor();
    await window.screenshot('frontier-keys-dark');
    await window.page.keyboard.press('Enter');
    await window.page.locator('.tab', { hasText: `ppo-hacked step ${sampledNear(hacked, step)}.samples` }).waitFor();
  }, 600_000);

  it.each(['dark', 'light', 'high-contrast'] satisfies Theme[])(
    'shows in the %s theme where the judge turns down while the reward rises',
    async (theme) => {
      let runs: Record<string, RunDir> = {};
      const window = await open({ theme, prepare: (folder) => (runs = recordPolicyRuns(folder)) });
      await window.command('Alignment Lab: Open Curves');
      const panel = window.panel();
      await panel.locator('[data-run]').first().waitFor();
      await window.command('View: Close Editors in Other Groups');
      await window.page.locator('.tab', { hasText: 'align.yaml' }).waitFor({ state: 'detached' });
      for (const { id } of Object.values(runs)) {
        const box = panel.locator(`[data-run="${id}"]`);
        await box.waitFor();
        const shown = (await window.curves()).runs.find((run) => run.id === id)?.shown;
        if (!shown) await box.locator('vscode-checkbox').click();
      }
      await panel.locator('vscode-dropdown[aria-label="View"]').click();
      await panel.locator('vscode-option', { hasText: 'Reward against KL' }).click();
      await expectFrontier(window, runs, 'objective/scores');
      await window.screenshot(`frontier-reward-${theme}`);
      await panel.locator('vscode-dropdown[aria-label="Reward"]').click();
      await panel.locator('vscode-option', { hasText: 'Judge' }).click();
      await expectFrontier(window, runs, 'monitor/judge');
      await window.screenshot(`frontier-${theme}`);
    },
    600_000,
  );
});

describe('a curve by keyboard', () => {
  it('is focused, walked point by point, and opens the samples of its step', async () => {
    let runs: Record<string, RunDir> = {};
    const window = await open({ prepare: (folder) => (runs = recordPolicyRuns(folder)) });
    await window.command('Alignment Lab: Open Curves');
    const { id } = (await window.curves()).runs.find(({ shown }) => shown) ?? {};
    const dir = Object.values(runs).find((one) => one.id === id);
    if (!dir) throw new Error('no run is shown');
    await tabTo(window, '[data-metric="objective/kl"] canvas');
    const panel = window.panel();
    const canvas = panel.locator('[data-metric="objective/kl"] canvas');
    expect(await canvas.evaluate((element) => element.matches(':focus-visible'))).toBe(true);
    const rows = recorded(dir, 'objective/kl');
    const live = panel.locator('.live');
    const [last, before] = [rows.at(-1)?.[0] ?? 0, rows.at(-2)?.[0] ?? 0];
    await vi.waitFor(async () => expect(await live.textContent()).toContain(`step ${last}: objective/kl`), PATIENCE);
    await window.page.keyboard.press('ArrowLeft');
    await vi.waitFor(async () => expect(await live.textContent()).toContain(`step ${before}: objective/kl`), PATIENCE);
    await window.page.keyboard.press('Home');
    await vi.waitFor(
      async () => expect(await live.textContent()).toContain(`step ${rows[0]?.[0]}: objective/kl`),
      PATIENCE,
    );
    await window.page.keyboard.press('End');
    await window.page.keyboard.press('ArrowLeft');
    await window.screenshot('curves-keys-dark');
    await window.page.keyboard.press('Enter');
    const samples = sampledNear(dir, before);
    await window.page.locator('.tab', { hasText: `step ${samples}.samples` }).waitFor();
  });
});

describe('hostile text', () => {
  const hostile = `<img src=hostile-x onerror="console.log('hostile-ran')"><script>console.log('hostile-ran')</script>`;

  it('stays text in run ids, metric names, errors and samples', async () => {
    const window = await open({
      prepare: (folder) => {
        const done = recordRun(folder, {
          losses: fallingLosses(12),
          extraMetrics: { [hostile]: 1 },
          answers: [hostile],
        });
        renameSync(done.path, join(done.runsFolder, `sft-20990101-000000-<img src=hostile-x onerror=alert(1)>`));
        const failed = beginRun(folder, { losses: fallingLosses(12), extraMetrics: { [hostile]: 2 } });
        failed.close('failed', { error: { message: hostile, hint: hostile } });
      },
    });
    await window.lens('Curves').first().click();
    const panel = window.panel();
    await panel.locator('[data-run]').first().waitFor();
    for (const box of await panel.locator('[data-run]').all()) {
      const id = await box.getAttribute('data-run');
      const shown = (await window.curves()).runs.find((run) => run.id === id)?.shown;
      if (!shown) await box.locator('vscode-checkbox, input[type=checkbox]').first().click();
    }
    await vi.waitFor(async () => expect(Object.keys((await window.curves()).series)).toContain(hostile));
    await window.openActivity('Alignment Lab');
    await window.treeRow('sft').first().waitFor();
    expect(await panel.locator('img').count()).toBe(0);
    expect(window.requests.filter((url) => url.includes('hostile-x'))).toEqual([]);
    expect(window.console.filter((line) => line.includes('hostile-ran'))).toEqual([]);
    // The same check sees a picture that is put in as HTML, so it can fail.
    await panel.locator('body').evaluate((body) => body.insertAdjacentHTML('beforeend', '<img src=hostile-x>'));
    await vi.waitFor(() =>
      expect(
        window.requests.some((url) => url.includes('hostile-x')) ||
          window.console.some((line) => line.includes('hostile-x')),
      ).toBe(true),
    );
  });
});

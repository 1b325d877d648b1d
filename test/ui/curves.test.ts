import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RunDir } from '../../src/runs/directory';
import { Workbench, type Theme, type WorkbenchOptions } from '../host/workbench';
import { expectPoints, recorded } from './drawn-points';
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

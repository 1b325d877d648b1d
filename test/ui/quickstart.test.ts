import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunDir } from '../../src/runs/directory';
import { repository, Workbench, type Theme } from '../host/workbench';
import { expectPoints } from './drawn-points';

const QUICKSTART = 'examples/quickstart';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.screenshot(`failed-${task.id}`);
  await workbench?.close();
  workbench = undefined;
});

/** What a user sees who opens the quickstart, trains and watches; all figures in the pictures are of this run. */
async function trainQuickstart(theme: Theme): Promise<{ window: Workbench; dir: RunDir }> {
  const window = await Workbench.open({ fixture: QUICKSTART, theme });
  workbench = window;
  await window.openFile('align.yaml');
  const stage = window.page.locator('.view-line', { hasText: /^\s*sft:/ }).first();
  for (let scrolled = 0; scrolled < 20 && !(await stage.isVisible()); scrolled++) await window.page.mouse.wheel(0, 200);
  // The lenses over sft are the last ones in the file.
  await window.lens('Run').last().click();
  const runs = join(window.folder, '.align', 'runs');
  const name = await vi.waitFor(
    () => {
      const found = existsSync(runs) ? readdirSync(runs)[0] : undefined;
      if (!found) throw new Error('no run yet');
      return found;
    },
    { timeout: 30_000 },
  );
  return { window, dir: new RunDir(join(runs, name)) };
}

describe('the quickstart', () => {
  it('trains to its end by a click on Run over sft, its curves live', async () => {
    expect(existsSync(join(repository, QUICKSTART, 'model', 'model.safetensors'))).toBe(true);
    const { window, dir } = await trainQuickstart('dark');
    expect(dir.id).toMatch(/^sft-/);
    await vi.waitFor(() => expect(dir.readMetrics().length).toBeGreaterThan(40), { timeout: 120_000 });
    await window.lens('Stop').first().waitFor();
    await window.screenshot('quickstart-training-dark');
    await vi.waitFor(() => expect(dir.state()).toBe('done'), { timeout: 400_000, interval: 500 });
    await expectPoints(window, 'loss', dir);
    await expectPoints(window, 'eval_loss', dir);
    await window.lens('✓').first().waitFor();
    await window.screenshot('quickstart-done-dark');
    const losses = dir.readMetrics().flatMap((row) => (typeof row['eval_loss'] === 'number' ? [row['eval_loss']] : []));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) * 0.9);
    await window.command('Alignment Lab: Open Samples');
    await window.page.locator('.monaco-editor .view-line', { hasText: 'Where does' }).first().waitFor();
    await window.screenshot('quickstart-samples-dark');
  }, 600_000);

  it.runIf(process.env['ALIGN_SCREENSHOTS'] === '1')(
    'has its picture in the light theme',
    async () => {
      const { window, dir } = await trainQuickstart('light');
      await vi.waitFor(() => expect(dir.readMetrics().length).toBeGreaterThan(120), { timeout: 240_000 });
      await window.screenshot('quickstart-training-light');
    },
    600_000,
  );
});

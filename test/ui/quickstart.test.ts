import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunDir } from '../../src/runs/directory';
import { repository, Workbench, type Theme } from '../host/workbench';
import { expectPoints } from './drawn-points';

const QUICKSTART = 'examples/quickstart';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

/** What a user sees who opens the quickstart, trains and watches; all figures in the pictures are of this run. */
async function trainQuickstart(theme: Theme): Promise<{ window: Workbench; dir: RunDir }> {
  const window = await Workbench.open({ fixture: QUICKSTART, theme });
  workbench = window;
  await window.openFile('align.yaml');
  await window.clickLensOver('sft', 'Run');
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
    await vi.waitFor(() => expect(dir.readMetrics().length).toBeGreaterThan(120), { timeout: 240_000 });
    await window.lens('Stop').first().waitFor();
    await window.screenshot('curves-dark');
    await vi.waitFor(() => expect(dir.state()).toBe('done'), { timeout: 400_000, interval: 500 });
    await expectPoints(window, 'loss', dir);
    await expectPoints(window, 'eval_loss', dir);
    await window.lens('✓').first().waitFor();
    const losses = dir.readMetrics().flatMap((row) => (typeof row['eval_loss'] === 'number' ? [row['eval_loss']] : []));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) * 0.9);
    await window.command('Alignment Lab: Open Samples');
    await window.page.locator('.tab.active', { hasText: 'samples' }).waitFor();
    await window.page.locator('.monaco-editor .view-line', { hasText: 'sft @ 0' }).first().waitFor();
    await window.screenshot('samples-dark');
  }, 600_000);

  // The same again for pictures only: the other tests see every theme on recorded runs.
  const pictures: Theme[] = process.env['ALIGN_SCREENSHOTS'] === '1' ? ['light', 'high-contrast'] : [];
  for (const theme of pictures) {
    it(`has its picture in the ${theme} theme`, async () => {
      const { window, dir } = await trainQuickstart(theme);
      await vi.waitFor(() => expect(dir.readMetrics().length).toBeGreaterThan(120), { timeout: 240_000 });
      await window.screenshot(`curves-${theme}`);
    }, 600_000);
  }
});

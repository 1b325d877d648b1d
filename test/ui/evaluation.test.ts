import { afterEach, describe, expect, it, vi } from 'vitest';
import { headline } from '../../src/data/evaluation/wording';
import { addEvaluation, type RecordedEvaluation } from '../host/evaluation-workspace';
import { Workbench, type Theme } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(theme: Theme, question?: string): Promise<{ window: Workbench; found: RecordedEvaluation }> {
  let found: RecordedEvaluation | undefined;
  const window = await Workbench.open({ theme, prepare: (folder) => (found = addEvaluation(folder, question)) });
  workbench = window;
  await window.openFile('align.yaml');
  if (!found) throw new Error('nothing was recorded');
  return { window, found };
}

describe.each(['dark', 'light', 'high-contrast'] satisfies Theme[])('the report of an evaluation (%s)', (theme) => {
  it('opens from the lens with its picture, and leads to samples and to the table of all stages', async () => {
    const { window, found } = await open(theme);
    await window.lens('Report').first().click();
    const page = window.panel();
    await page.locator('h1', { hasText: 'Evaluation: evaluate' }).waitFor();
    const text = (await page.locator('body').textContent()) ?? '';
    expect(text).toContain(headline(found.report));
    const picture = page.locator('img').first();
    await vi.waitFor(async () =>
      expect(await picture.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth)).toBe(720),
    );
    await window.screenshot(`report-${theme}`);
    await page.locator('h2', { hasText: 'Where it was decided' }).scrollIntoViewIfNeeded();
    await window.screenshot(`report-examples-${theme}`);
    await page.locator('h2', { hasText: 'Where it was decided' }).locator('xpath=following::td/a').first().click();
    await window.page.locator('.tab', { hasText: 'evaluate.samples' }).waitFor();
    const answer = found.report.examples[0]?.answer ?? '';
    await window.page
      .locator('.monaco-editor .view-line', { hasText: answer.slice(0, 12) })
      .first()
      .waitFor();

    await window.command('Alignment Lab: Show All Stages');
    await page.locator('h1', { hasText: 'Stages of align.yaml' }).waitFor();
    expect(await page.locator('table').first().locator('tbody tr').allInnerTexts()).toHaveLength(3);
    await vi.waitFor(async () =>
      expect(
        await page
          .locator('img')
          .first()
          .evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth),
      ).toBe(720),
    );
    await window.screenshot(`stages-${theme}`);
    await page.locator('a', { hasText: 'evaluate' }).first().click();
    await page.locator('h1', { hasText: 'Evaluation: evaluate' }).waitFor();
  });
});

it('opens from the runs tree, and what models and files say in it stays text', async () => {
  const hostile =
    '<img src=hostile-x onerror="console.log(1)">[click](command:workbench.action.quit) https://hostile-x.example www.hostile-x.example';
  const { window } = await open('dark', hostile);
  await window.openActivity('Alignment Lab');
  const row = window.page.locator('.pane-body .monaco-list-row[aria-level="2"]').first();
  await row.click({ button: 'right' });
  await window.page.locator('.context-view .action-label', { hasText: 'Open Evaluation Report' }).click();
  const page = window.panel();
  await page.locator('h1', { hasText: 'Evaluation: evaluate' }).waitFor();
  await page.locator('th', { hasText: hostile }).first().waitFor();
  expect(await page.locator('img[src*="hostile-x"]').count()).toBe(0);
  expect(await page.locator('a[href^="command:"], a[href*="hostile-x"]').count()).toBe(0);
  expect(window.requests.filter((url) => url.includes('hostile-x'))).toEqual([]);
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { addPairs, labelRows } from '../host/labeling-workspace';
import { Workbench, type Theme } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(theme: Theme, count = 12): Promise<Workbench> {
  const opened = await Workbench.open({
    theme,
    settings: { 'alignment-lab.annotator': 'Ann' },
    prepare: (folder) => addPairs(folder, count),
  });
  workbench = opened;
  await opened.openFile('align.yaml');
  return opened;
}

/** Presses a key in the panel and waits until so many rows are on the disk and the panel takes keys again. */
async function press(window: Workbench, key: string, rows: number): Promise<void> {
  await window.page.keyboard.press(key);
  await vi.waitFor(() => expect(labelRows(window.folder)).toHaveLength(rows), { timeout: 20_000 });
  await window.view().locator('main[aria-busy=false]').waitFor();
}

describe('labeling by keyboard', () => {
  it('stores each key before the next pair shows, with tie, undo, rationale and ratings', async () => {
    const window = await open('dark');
    await window.lens('Label (').first().click();
    const view = window.view();
    await view.locator('.answer').first().waitFor();
    await view.locator('main').focus();
    const prompt = (): Promise<string> => view.locator('.prompt').innerText();
    const first = await prompt();
    await window.screenshot('labeling-dark');
    await press(window, '1', 1);
    expect(await prompt()).not.toBe(first);
    await press(window, '3', 2);
    await press(window, '0', 3);
    await press(window, 's', 4);
    await press(window, 'Shift+2', 5);
    // Back twice, and forward again.
    const before = await prompt();
    await press(window, 'u', 6);
    await press(window, 'u', 7);
    await press(window, '2', 8);
    await press(window, '2', 9);
    expect(await prompt()).toBe(before);
    // A rationale, in whose field keys are letters.
    await window.page.keyboard.press('r');
    await window.page.keyboard.type('1 is shorter and says the same');
    await window.page.keyboard.press('Escape');
    await press(window, '1', 10);
    await window.page.keyboard.press('l');
    await window.page.keyboard.type('5243');
    await window.screenshot('labeling-ratings-dark');
    await press(window, '2', 11);
    // An edit.
    await window.page.keyboard.press('e');
    await window.page.keyboard.type('Fernbury. ');
    await window.page.keyboard.press('Control+Enter');
    await press(window, '1', 12);
    await press(window, '1', 13);
    await press(window, '1', 14);

    const rows = labelRows(window.folder);
    const undoes = rows.filter((row) => 'undoes' in row);
    const undone = new Set(undoes.map((row) => row['undoes']));
    const standing = rows.filter((row) => !('undoes' in row) && !undone.has(row['id']));
    expect(undoes).toHaveLength(2);
    expect(standing).toHaveLength(10);
    expect(new Set(standing.map((row) => `${String(row['pair'])} ${String(row['repeat'])}`)).size).toBe(10);
    expect(standing.every((row) => row['annotator'] === 'Ann')).toBe(true);
    expect(standing.map((row) => (typeof row['value'] === 'number' ? Math.abs(row['value']) : row['value']))).toEqual([
      1,
      0,
      'both_bad',
      ...Array<number>(7).fill(1),
    ]);
    expect(standing[5]?.['rationale']).toBe('1 is shorter and says the same');
    expect(standing[6]).toMatchObject({ ratings: { Truth: {}, Help: {} } });
    expect(JSON.stringify(standing[7]?.['edit'])).toContain('Fernbury. ');
    expect(standing.every((row) => typeof row['guideline'] === 'string')).toBe(true);
    // The first pair had a script in an answer.
    expect(window.console.filter((line) => line.includes('hostile-ran'))).toEqual([]);
    expect(window.requests.filter((url) => url.includes('hostile-x'))).toEqual([]);
    const left = await view.locator('.figures').innerText();
    await window
      .lens(`Label (${/^\d+/.exec(left)?.[0]} of`)
      .first()
      .waitFor();

    // After a reload all stands where it stood.
    const standsAt = await prompt();
    await window.reload();
    await window.view().locator('.answer').first().waitFor();
    expect(await window.view().locator('.prompt').innerText()).toBe(standsAt);
  });

  it('shows the same at full width, with the guideline beside it', async () => {
    const window = await open('light');
    await window.command('Alignment Lab: Label at Full Width');
    const panel = window.panel();
    await panel.locator('.answer').first().waitFor();
    await panel.locator('main').focus();
    await window.page.keyboard.press('g');
    await panel.locator('.guideline').waitFor();
    await window.page.keyboard.press('d');
    await panel.locator('ins').first().waitFor();
    await window.screenshot('labeling-wide-light');
    await window.page.keyboard.press('d');
    await window.page.keyboard.press('?');
    await panel.locator('.overlay .box').waitFor();
    await window.screenshot('labeling-keys-light');
    await window.page.keyboard.press('Escape');
    const boxes = await panel
      .locator('.answer')
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
    expect(boxes[0]).toBe(boxes[1]);
  });

  it('says what to do where there are no pairs', async () => {
    const window = await open('high-contrast', 0);
    await window.openActivity('Alignment Lab');
    await window.view().locator('.empty').waitFor();
    expect(await window.view().locator('.empty').innerText()).toContain('Run collect');
    await window.screenshot('labeling-empty-high-contrast');
  });
});

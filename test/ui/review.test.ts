import { afterEach, describe, expect, it, vi } from 'vitest';
import { addRunsToReview, labelRows, rowsOf } from '../host/review-workspace';
import { Workbench, type Theme } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(theme: Theme): Promise<Workbench> {
  const opened = await Workbench.open({
    theme,
    settings: { 'alignment-lab.annotator': 'Ann' },
    prepare: addRunsToReview,
  });
  workbench = opened;
  await opened.openFile('align.yaml');
  // The runs are known once a lens tells of one.
  await opened.lens('✓').first().waitFor();
  return opened;
}

/** Opens the samples of a stage's run, as a user does from the palette. */
async function openSamples(window: Workbench, stage: string): Promise<void> {
  await window.command('Alignment Lab: Open Samples');
  await window.page.locator('.quick-input-list .monaco-list-row', { hasText: stage }).first().click();
  await window.lens('Send to labeling').first().waitFor();
  await window.page.locator('.monaco-editor .view-line', { hasText: 'reward' }).first().waitFor();
}

describe.each(['dark', 'light'] as const)('a review document (%s)', (theme) => {
  it('is read, judged and commented in place', async () => {
    const window = await open(theme);
    await openSamples(window, 'ppo');
    await window.screenshot(`review-${theme}`);
    await window.page.locator('.codelens-decoration a .codicon-thumbsup').nth(1).click();
    await window.lens('accepted').waitFor();
    // By keyboard: into the answer, and a comment on the word at the cursor.
    await window.page.locator('.monaco-editor .view-line', { hasText: 'There is much more' }).first().dblclick();
    await window.command('Alignment Lab: Comment');
    await window.page.locator('.review-widget .monaco-editor').first().waitFor();
    await window.page.keyboard.type('#overlong Nobody asked for more.');
    await window.page.keyboard.press('Control+Enter');
    await vi.waitFor(() => expect(rowsOf(window.folder, 'ppo', 'comments.jsonl')).toHaveLength(1), { timeout: 20_000 });
    await window.page.locator('.review-widget .review-comment').first().waitFor();
    await window.screenshot(`review-comment-${theme}`);
    const [comment] = rowsOf(window.folder, 'ppo', 'comments.jsonl');
    expect(comment).toMatchObject({
      tag: 'overlong',
      text: 'Nobody asked for more.',
      annotator: 'Ann',
      resolved: false,
    });
    // After a reload both are found again.
    await window.reload();
    await openSamples(window, 'ppo');
    await window.lens('accepted').waitFor();
    await window.page.locator('.monaco-editor [class*="comment-thread"]').first().waitFor();
  });
});

describe.each(['dark', 'light'] as const)('the compare panel (%s)', (theme) => {
  it('takes votes by keyboard, blind, and says how the checkpoints do', async () => {
    const window = await open(theme);
    await openSamples(window, 'ppo');
    await window.lens('Compare').first().click();
    // Two steps of this document and the last samples of sft: the two steps are ticked.
    await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'sft @ 400' }).waitFor();
    await window.page.keyboard.press('Enter');
    const panel = window.panel();
    await panel.locator('.answer').first().waitFor();
    expect(await panel.locator('.answer h2').allInnerTexts()).toEqual(['ppo @ 0', 'ppo @ 1200']);
    await panel.locator('main').focus();
    const press = async (key: string, rows: number): Promise<void> => {
      await window.page.keyboard.press(key);
      await vi.waitFor(() => expect(labelRows(window.folder, 'ppo')).toHaveLength(rows), { timeout: 20_000 });
      await panel.locator('main[aria-busy=false]').waitFor();
    };
    await press('2', 1);
    await press('3', 2);
    await window.screenshot(`compare-${theme}`);
    await press('u', 3);
    await window.page.keyboard.press('b');
    await panel.locator('h2', { hasText: /^A$/ }).waitFor();
    await window.screenshot(`compare-blind-${theme}`);
    await press('1', 4);
    await press('0', 5);
    await panel.locator('.tallies').waitFor();
    const values = labelRows(window.folder, 'ppo').map((row) => row['value']);
    expect([values[0], values[1], values[4]]).toEqual([1, 0, 'both_bad']);
    expect(rowsOf(window.folder, 'ppo', 'pairs.jsonl')).toHaveLength(3);
    await window.page.keyboard.press('?');
    await panel.locator('.overlay .box').waitFor();
  });
});

it('opens the samples of the step whose point is clicked on a curve', async () => {
  const window = await open('dark');
  await window.openActivity('Alignment Lab');
  // Of the two runs the tree names first the newest, which is ppo's.
  await window.page.locator('.pane-body .monaco-list-row[aria-level="2"]').first().click();
  const canvas = window.panel().locator('[data-metric="objective/kl"] canvas');
  await canvas.waitFor();
  const box = await canvas.boundingBox();
  const tab = window.page.locator('.tab', { hasText: 'ppo step 1200.samples' });
  // The last point stands at the right end of the line, at a height that only the chart knows.
  for (let y = 4; box && y < box.height - 8 && (await tab.count()) === 0; y += 6) {
    await canvas.click({ position: { x: box.width - 12, y } });
    await window.page.waitForTimeout(60);
  }
  await tab.waitFor();
});

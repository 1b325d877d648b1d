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

describe.each(['dark', 'light', 'high-contrast'] as const)('a review document (%s)', (theme) => {
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

describe.each(['dark', 'light', 'high-contrast'] as const)('the compare panel (%s)', (theme) => {
  it('takes votes by keyboard, blind, and says how the checkpoints do', async () => {
    const window = await open(theme);
    await openSamples(window, 'ppo');
    await window.lens('Compare').nth(1).click();
    // The last samples of sft are offered too; what ppo began with and the answer's own step are ticked.
    await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'sft @ 400' }).waitFor();
    await window.page.keyboard.press('Enter');
    const panel = window.panel();
    await panel.locator('.answer').first().waitFor();
    expect(await panel.locator('.answer h2').allInnerTexts()).toEqual(['ppo @ 0', 'ppo @ 1200']);
    const press = async (key: string, rows: number): Promise<void> => {
      await window.page.keyboard.press(key);
      await vi.waitFor(() => expect(labelRows(window.folder, 'ppo')).toHaveLength(rows), { timeout: 20_000 });
      await panel.locator('main[aria-busy=false]').waitFor();
    };
    await press('2', 1);
    await press('3', 2);
    await panel.locator('.live', { hasText: 'Tie' }).waitFor();
    await window.page.keyboard.press('d');
    await panel.locator('ins').first().waitFor();
    await window.screenshot(`compare-differences-${theme}`);
    await window.page.keyboard.press('d');
    await window.page.keyboard.press('ArrowLeft');
    await panel.locator('.tallies .scale').waitFor();
    await window.screenshot(`compare-${theme}`);
    await press('u', 3);
    await window.page.keyboard.press('b');
    await panel.locator('h2', { hasText: /^A$/ }).waitFor();
    await window.screenshot(`compare-blind-${theme}`);
    const order = await panel.locator('.answer').allInnerTexts();
    await press('1', 4);
    await press('0', 5);
    await panel.locator('.tallies').waitFor();
    const labels = labelRows(window.folder, 'ppo');
    expect([labels[0]?.['value'], labels[1]?.['value'], labels[4]?.['value']]).toEqual([1, 0, 'both_bad']);
    const pairs = rowsOf(window.folder, 'ppo', 'pairs.jsonl');
    expect(pairs).toHaveLength(3);
    // The order on the screen stands in the label, and the first shown won.
    const [first] = pairs.filter(({ id }) => id === labels[3]?.['pair']);
    const shown = order[0]?.includes(String(first?.['a'])) ? 'ab' : 'ba';
    expect(labels[3]).toMatchObject({ shown, value: shown === 'ab' ? -1 : 1 });
    await window.page.keyboard.press('?');
    await panel.locator('.overlay .box').waitFor();
    await window.screenshot(`compare-keys-${theme}`);
    await window.page.keyboard.press('1');
    await window.page.keyboard.press('Escape');
    expect(labelRows(window.folder, 'ppo')).toHaveLength(5);
  });
});

it('compares three checkpoints, and comes back after a reload as it was', async () => {
  const window = await open('dark');
  await openSamples(window, 'ppo');
  await window.lens('Compare').nth(1).click();
  const rows = window.page.locator('.quick-input-list .monaco-list-row');
  await rows.filter({ hasText: 'sft @ 400' }).locator('.label-name').first().click();
  await window.page.locator('.quick-input-count', { hasText: '3 Selected' }).waitFor();
  await window.page.keyboard.press('Enter');
  const panel = window.panel();
  await panel.locator('.answer').nth(2).waitFor();
  await panel.locator('main').focus();
  // The third is the best: better than both others, which say the same, so that is one pair.
  await window.page.keyboard.press('3');
  await vi.waitFor(() => expect(labelRows(window.folder, 'ppo').length).toBeGreaterThan(0), { timeout: 20_000 });
  await panel.locator('main[aria-busy=false]').waitFor();
  await window.page.keyboard.press('v');
  await panel.locator('.tallies', { hasText: 'against ppo @ 0' }).waitFor();
  await window.screenshot('compare-three-dark');
  const before = await panel.locator('main').innerText();
  await window.reload();
  await panel.locator('.answer').nth(2).waitFor();
  expect(await panel.locator('main').innerText()).toBe(before);
  await panel.locator('.tallies', { hasText: 'against ppo @ 0' }).waitFor();
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

import type { FrameLocator, Page } from 'playwright-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { writePairs } from '../../src/data/labels/pairs-writer';
import { join } from 'node:path';
import { addPairs, addTalk, addVotes, labelRows, simpleDrafts } from '../host/labeling-workspace';
import { Workbench, type Theme } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

async function open(
  theme: Theme,
  prepare: (folder: string) => void = (folder) => addPairs(folder, 12),
): Promise<Workbench> {
  const opened = await Workbench.open({ theme, settings: { 'alignment-lab.annotator': 'Ann' }, prepare });
  workbench = opened;
  await opened.openFile('align.yaml');
  return opened;
}

/** Presses a key in the panel and waits until so many rows are on the disk and the panel takes keys again. */
async function press(window: Workbench, key: string, rows: number, panel = window.view()): Promise<void> {
  await window.page.keyboard.press(key);
  await vi.waitFor(() => expect(labelRows(window.folder)).toHaveLength(rows), { timeout: 20_000 });
  await panel.locator('main[aria-busy=false]').waitFor();
}

const promptOf = (panel: FrameLocator): Promise<string> => panel.locator('.prompt').innerText();

/** Starts to note how many milliseconds pass between a key and the next pair on the screen. */
async function noteDelays(panel: FrameLocator): Promise<() => Promise<number[]>> {
  const main = panel.locator('main');
  await main.evaluate((element) => {
    const delays: number[] = [];
    let pressed: number | undefined;
    Object.assign(window, { delays });
    window.addEventListener('keydown', () => (pressed = performance.now()), true);
    const shown = new MutationObserver(() => {
      if (pressed !== undefined) delays.push(performance.now() - pressed);
      pressed = undefined;
    });
    const prompt = element.querySelector('.prompt');
    if (prompt) shown.observe(prompt, { childList: true });
  });
  return () => main.evaluate(() => Reflect.get(window, 'delays') as number[]);
}

describe('labeling by keyboard', () => {
  it('stores each key before the next pair shows, with tie, undo, rationale and ratings', async () => {
    const window = await open('dark');
    // The lens puts the keys into the panel.
    await window.lens('Label (').first().click();
    const view = window.view();
    await view.locator('#root:not(.away) .answer').first().waitFor();
    const prompt = (): Promise<string> => promptOf(view);
    const first = await prompt();
    await window.screenshot('labeling-dark');
    const delays = await noteDelays(view);
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
    // An edit, and a verdict of the other answer.
    await window.page.keyboard.press('e');
    await window.page.keyboard.type('Fernbury. ');
    await window.page.keyboard.press('Escape');
    await window.page.keyboard.press('Shift+A');
    await window.screenshot('labeling-edited-dark');
    await press(window, '1', 12);
    await press(window, '1', 13);
    await press(window, '1', 14);
    const noted = (await delays()).sort((x, y) => x - y);
    expect(noted.length).toBeGreaterThan(8);
    const [middle, most] = [noted[noted.length >> 1] ?? NaN, noted.at(-1) ?? NaN];
    console.log(`next pair after the key: ${middle.toFixed(1)} ms in the middle, ${most.toFixed(1)} ms at most`);

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
    const edited = standing[7];
    expect(JSON.stringify(edited?.['edit'])).toContain('Fernbury. ');
    const [one, other] = edited?.['shown'] === 'ab' ? ['a', 'b'] : ['b', 'a'];
    expect(edited).toMatchObject({ edit: { side: one }, verdicts: { [other]: 'accept' } });
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
    expect(await promptOf(window.view())).toBe(standsAt);
  });

  it('does not take the keys of somebody who types elsewhere when new pairs come', async () => {
    const window = await open('dark', (folder) => addPairs(folder, 0));
    await window.openActivity('Alignment Lab');
    await window.view().locator('.empty').waitFor();
    await window.page.locator('.monaco-editor .view-line').first().click();
    await window.page.keyboard.press('Control+Home');
    writePairs(join(window.folder, 'labels', 'collect', 'pairs.jsonl'), simpleDrafts(5));
    await window.view().locator('.answer').first().waitFor();
    await window.view().locator('#root.away .hint').waitFor();
    await window.page.keyboard.type('# 1 2 3');
    await window.page.locator('.monaco-editor .view-line', { hasText: '# 1 2 3' }).waitFor();
    await window.view().locator('main[aria-busy=false]').waitFor();
    expect(labelRows(window.folder)).toEqual([]);
  });

  it('changes the annotator, whose labels begin anew', async () => {
    const window = await open('light');
    await window.lens('Label (').first().click();
    await window.view().locator('#root:not(.away) .answer').first().waitFor();
    await press(window, '1', 1);
    await window.view().locator('.top .text-button', { hasText: 'Ann' }).click();
    const input = window.page.locator('.quick-input-widget input').first();
    await input.fill('Ben');
    await window.page.keyboard.press('Enter');
    await window.view().locator('.top .text-button', { hasText: 'Ben' }).waitFor();
    // Ben has no pace yet, and an order of his own.
    expect(await window.view().locator('.figures').innerText()).toMatch(/^\d+ left$/);
    await window.view().locator('main').focus();
    await press(window, '2', 2);
    expect(labelRows(window.folder).map((row) => row['annotator'])).toEqual(['Ann', 'Ben']);
  });

  it('goes on in another window of the same annotator, and labels nothing twice', async () => {
    const window = await open('dark');
    await window.lens('Label (').first().click();
    await window.view().locator('#root:not(.away) .answer').first().waitFor();
    const page = await window.page.context().newPage();
    page.setDefaultTimeout(60_000);
    page.setDefaultNavigationTimeout(90_000);
    await page.goto(window.page.url());
    await page.locator('.activitybar .action-item a[aria-label^="Alignment Lab"]').first().click();
    const other = viewOf(page);
    await other.locator('.answer').first().waitFor();
    const shown = await promptOf(window.view());
    expect(await promptOf(other)).toBe(shown);
    await window.page.bringToFront();
    await press(window, '1', 1);
    const next = await promptOf(window.view());
    expect(next).not.toBe(shown);
    // The other window hears of it by itself.
    await vi.waitFor(async () => expect(await promptOf(other)).toBe(next), { timeout: 20_000 });
    await page.bringToFront();
    await other.locator('main').focus();
    await page.keyboard.press('u');
    await vi.waitFor(() => expect(labelRows(window.folder)).toHaveLength(2), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await promptOf(window.view())).toBe(shown), { timeout: 20_000 });
    await page.close();
  });
});

function viewOf(page: Page): FrameLocator {
  return page.frameLocator('iframe.webview.ready[src*="purpose=webviewView"]').frameLocator('iframe#active-frame');
}

describe('the labeling panel', () => {
  it.each(['light', 'high-contrast'] as const)(
    'shows the same at full width, guideline beside it (%s)',
    async (theme) => {
      const window = await open(theme, addTalk);
      await window.command('Alignment Lab: Label at Full Width');
      const panel = window.panel();
      await panel.locator('.answer').first().waitFor();
      await panel.locator('main').focus();
      // From the long pair on, whichever comes first.
      for (let rows = 0; !(await promptOf(panel)).includes('Python');) await press(window, 's', ++rows, panel);
      await window.screenshot(`labeling-wide-${theme}`);
      await window.page.keyboard.press('g');
      await panel.locator('.guideline').waitFor();
      await window.page.keyboard.press('d');
      await panel.locator('ins').first().waitFor();
      await window.screenshot(`labeling-guideline-${theme}`);
      await window.page.keyboard.press('d');
      await window.page.keyboard.press('?');
      await panel.locator('.overlay .box').waitFor();
      await window.screenshot(`labeling-keys-${theme}`);
      await window.page.keyboard.press('Escape');
      const boxes = await panel
        .locator('.answer')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
      expect(boxes[0]).toBe(boxes[1]);
    },
  );

  it('stands in a side bar of any width, with answers of any length and script', async () => {
    const window = await open('dark', addTalk);
    await window.lens('Label (').first().click();
    const view = window.view();
    await view.locator('#root:not(.away) .answer').first().waitFor();
    const looks = [];
    for (let rows = 0; (await view.locator('.answer').count()) > 0;) {
      looks.push(await promptOf(view));
      const name = looks.at(-1)?.includes('Python') ? 'talk' : looks.at(-1)?.includes('Count') ? 'long' : 'scripts';
      await window.screenshot(`labeling-narrow-${name}-dark`);
      await press(window, '1', ++rows);
      // Nothing stands out of the panel to the side.
      const sizes = await view.locator('main').evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]);
      expect(sizes[0]).toBe(sizes[1]);
    }
    expect(new Set(looks).size).toBe(3);
    await view.locator('.empty', { hasText: 'All done' }).waitFor();
    await window.screenshot('labeling-done-dark');
  });

  it('says what to do where there are no pairs', async () => {
    const window = await open('high-contrast', (folder) => addPairs(folder, 0));
    await window.openActivity('Alignment Lab');
    await window.view().locator('.empty').waitFor();
    expect(await window.view().locator('.empty').innerText()).toContain('Run collect');
    await window.screenshot('labeling-empty-high-contrast');
  });
});

describe('the agreement report', () => {
  it.each(['dark', 'light'] as const)(
    'opens over the stage, and a click on a dispute shows the pair with all votes (%s)',
    async (theme) => {
      const opened = await Workbench.open({
        theme,
        settings: { 'alignment-lab.annotator': 'Ann' },
        prepare: (folder) => addPairs(folder, 40),
      });
      workbench = opened;
      await addVotes(opened.folder, 3);
      await opened.openFile('align.yaml');
      await opened
        .lens(/^Agreement α 0\.\d\d$/)
        .first()
        .click();
      const report = opened.panel();
      await report.locator('h1', { hasText: 'Agreement' }).waitFor();
      await opened.screenshot(`agreement-${theme}`);
      const heading = report.locator('#disputed-pair-2');
      expect(await seen(heading)).toBe(false);
      await report.locator('a[href="#disputed-pair-2"]').first().click();
      await vi.waitFor(async () => expect(await seen(heading)).toBe(true), { timeout: 10_000 });
      await opened.screenshot(`agreement-dispute-${theme}`);
      expect(await report.locator('body').innerText()).toContain('Dora: b much (saw');
      await report.locator('a[href="#most-disputed"]').first().click();
      await vi.waitFor(async () => expect(await seen(report.locator('#most-disputed'))).toBe(true), {
        timeout: 10_000,
      });
    },
  );
});

/** Does an element stand in the part of its page that is on the screen? */
function seen(element: ReturnType<FrameLocator['locator']>): Promise<boolean> {
  return element.evaluate((found) => {
    const { top, bottom } = found.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  });
}

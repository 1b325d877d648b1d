import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { isObject } from '../../src/data/jsonl';
import { RunDir } from '../../src/runs/directory';
import { cutDownQuickstart } from '../host/loop-workspace';
import { labelRows, rowsOf } from '../host/review-workspace';
import { Workbench, type Theme } from '../host/workbench';
import { Keys } from './keys';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

const PICTURES: readonly Theme[] =
  process.env['ALIGN_SCREENSHOTS'] === '1' ? ['light', 'high-contrast', 'dark'] : ['dark'];

/** The same screen in every theme where pictures are wanted. */
async function pictures(window: Workbench, name: string): Promise<void> {
  for (const theme of PICTURES) {
    await window.useTheme(theme);
    await window.screenshot(`${name}-${theme}`);
  }
}

/** The newest run of a stage, once it is done. */
async function done(window: Workbench, stage: string): Promise<RunDir> {
  const runs = join(window.folder, '.align', 'runs');
  return vi.waitFor(
    () => {
      const names = existsSync(runs) ? readdirSync(runs) : [];
      const found = names.filter((name) => name.startsWith(`${stage}-`)).sort();
      const dir = new RunDir(join(runs, found.at(-1) ?? 'none yet'));
      const { state, error } = dir.readRun();
      if (state === 'failed' || state === 'died') throw new Error(`${stage} ${state}: ${error?.message}`);
      expect(state).toBe('done');
      return dir;
    },
    { timeout: 180_000, interval: 200 },
  );
}

/** Presses a key of a panel and waits until so many of Ann's rows are on the disk, and the panel takes keys again. */
async function judged(window: Workbench, stage: string, key: string, rows: number): Promise<void> {
  await window.page.keyboard.press(key);
  await vi.waitFor(() => expect(labelRows(window.folder, stage)).toHaveLength(rows), { timeout: 20_000 });
  const place = stage === 'collect' ? window.view() : window.panel();
  await place.locator('main[aria-busy=false]').waitFor();
}

/** Moves to the next answer of a review document, and waits until the cursor is there: the keys after it are about it. */
async function nextAnswer(window: Workbench): Promise<void> {
  const place = window.statusBarItem(/^Ln \d+/);
  const before = await place.innerText();
  await window.page.keyboard.press('j');
  await vi.waitFor(async () => expect(await place.innerText()).not.toBe(before), { timeout: 20_000 });
}

/** Labels that count: neither undone, nor an undo. */
function standing(rows: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const undone = new Set(rows.map((row) => row['undoes']));
  return rows.filter((row) => !('undoes' in row) && !undone.has(row['id']));
}

it('the loop turns by keyboard alone', async () => {
  const window = await Workbench.open({
    fixture: 'examples/quickstart',
    settings: { 'alignment-lab.annotator': 'Ann' },
    prepare: cutDownQuickstart,
  });
  workbench = window;
  const keys = new Keys(window);

  // Generate: sft first, since its result is missing.
  await keys.openFile('align.yaml');
  await keys.command('Alignment Lab: Run Stage with Upstream');
  await keys.choose('collect');
  await done(window, 'collect');
  expect(rowsOf(window.folder, 'collect', 'pairs.jsonl').length).toBeGreaterThan(20);

  // Label twenty pairs.
  await keys.command('Alignment Lab: Label Pairs');
  await window.view().locator('.answer').first().waitFor();
  const label = (key: string, rows: number): Promise<void> => judged(window, 'collect', key, rows);
  await label('1', 1);
  await label('3', 2);
  await label('Shift+2', 3);
  await label('u', 4);
  await label('2', 5);
  await keys.press('r');
  await keys.type('The other one rambles: 1 of 2.');
  await keys.press('Escape');
  await label('1', 6);
  await keys.press('l');
  await keys.type('5142');
  await pictures(window, 'loop-labeling');
  await label('2', 7);
  for (let row = 8; row <= 22; row++) await label(row % 3 === 0 ? '2' : '1', row);
  const rows = labelRows(window.folder, 'collect');
  const given = standing(rows);
  expect(given).toHaveLength(20);
  expect(rows.filter((row) => 'undoes' in row)).toHaveLength(1);
  expect(given.filter(({ value }) => value === 0)).toHaveLength(1);
  expect(given.map(({ rationale }) => rationale).filter(Boolean)).toEqual(['The other one rambles: 1 of 2.']);
  const ratings = given.map((row) => row['ratings']).filter(isObject);
  expect(ratings).toHaveLength(1);
  const byCriterion = ratings.flatMap((all) => Object.values(all)).filter(isObject);
  expect(byCriterion.flatMap((both) => Object.values(both)).sort()).toEqual([1, 2, 4, 5]);
  expect(given.every(({ annotator, guideline }) => annotator === 'Ann' && typeof guideline === 'string')).toBe(true);

  // Learn from them.
  for (const stage of ['reward', 'ppo']) {
    await keys.command('Alignment Lab: Run Stage');
    await keys.choose(stage);
    await done(window, stage);
  }
  const ppo = await done(window, 'ppo');
  expect(ppo.readMetrics().some((row) => typeof row['objective/kl'] === 'number')).toBe(true);
  const steps = [...new Set(ppo.readSamples().map(({ step }) => step))];
  expect(steps.length).toBeGreaterThan(2);

  // From the last point of a curve to the samples of its step.
  await keys.command('Alignment Lab: Open Curves');
  const curves = window.panel();
  await curves.locator('canvas').first().waitFor();
  for (let tab = 0; tab < 60 && (await curves.locator('canvas:focus').count()) === 0; tab++) await keys.press('Tab');
  await keys.press('Home', 'End', 'ArrowLeft', 'ArrowRight');
  await pictures(window, 'loop-curves');
  await keys.press('Enter');
  await window.page.locator('.tab.active', { hasText: `ppo step ${steps.at(-1)}.samples` }).waitFor();
  await window.lens('Compare').first().waitFor();

  // Comment on the first two words of the first answer.
  await nextAnswer(window);
  await keys.press('Control+Shift+ArrowRight', 'Control+Shift+ArrowRight', 'r');
  await window.page.locator('.review-widget .monaco-editor').first().waitFor();
  await keys.type('#style Who says so?');
  await keys.press('Control+Enter');
  const [comment] = await vi.waitFor(
    () => {
      const found = rowsOf(window.folder, 'ppo', 'comments.jsonl');
      expect(found).toHaveLength(1);
      return found;
    },
    { timeout: 20_000 },
  );
  expect(comment).toMatchObject({ tag: 'style', text: 'Who says so?', annotator: 'Ann', resolved: false });
  const [sample] = ppo.readSamples().filter(({ step }) => step === steps.at(-1));
  expect(comment?.['quote']).toBe(/^\w+\s+\w+/.exec(sample?.answer ?? '')?.[0]);
  expect(comment?.['target']).toMatchObject({ run: ppo.id });
  await pictures(window, 'loop-review');

  // Edit the next answer, once the keys are back in the text.
  await vi.waitFor(
    async () => {
      const place = await window.page.evaluate(() => {
        const { activeElement: active } = document;
        return [active?.closest('.monaco-editor') != null, active?.closest('.review-widget') != null];
      });
      expect(place).toEqual([true, false]);
    },
    { timeout: 30_000 },
  );
  await nextAnswer(window);
  await keys.press('e');
  await window.page.locator('.tab.active', { hasText: 'Edit of ppo' }).waitFor();
  await keys.press('Control+a');
  await keys.type('That I do not know.');
  await keys.press('Control+s');
  await vi.waitFor(() => expect(labelRows(window.folder, 'ppo')).toHaveLength(1), { timeout: 20_000 });
  expect(labelRows(window.folder, 'ppo')[0]).toMatchObject({
    annotator: 'Ann',
    edit: { side: 'a', text: 'That I do not know.' },
    answer: { run: ppo.id, step: steps.at(-1) },
  });

  // Compare what ppo began with and what it came to, blind.
  await keys.press('Control+2');
  await window.statusBarItem('Alignment Lab review').waitFor();
  await keys.press('c');
  await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'ppo @ 0' }).waitFor();
  await keys.press('Enter');
  const panel = window.panel();
  await panel.locator('.answer').first().waitFor();
  expect(await panel.locator('.answer h2').allInnerTexts()).toEqual(['ppo @ 0', `ppo @ ${steps.at(-1)}`]);
  await keys.press('b');
  await panel.locator('h2', { hasText: /^A$/ }).waitFor();
  await judged(window, 'ppo', '1', 2);
  await judged(window, 'ppo', 'u', 3);
  await judged(window, 'ppo', '2', 4);
  await judged(window, 'ppo', '3', 5);
  await keys.press('b');
  await panel.locator('.tallies').waitFor();
  await pictures(window, 'loop-compare');
  const votes = standing(labelRows(window.folder, 'ppo')).filter((row) => !('answer' in row));
  expect(votes.map(({ value }) => Math.abs(Number(value)))).toEqual([1, 0]);
  const pairs = rowsOf(window.folder, 'ppo', 'pairs.jsonl');
  expect(votes.every(({ pair, shown }) => pairs.some(({ id }) => id === pair) && /^(ab|ba)$/.test(String(shown)))).toBe(
    true,
  );
}, 900_000);

import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createRun } from '../../src/runs/create';
import { RunWriter } from '../../src/runs/writer';
import { Workbench } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

const HTML = `<img src=hostile-x onerror="console.log('hostile-ran')"><script>console.log('hostile-ran')</script>`;
const STEERING = 'before\u001b]0;owned\u0007\u001b[2J\u009b2J\u202eevil\u2066 after';
const LINKS = '[click](command:workbench.action.files.newUntitledFile) ![p](https://hostile-x.example/p.png)';
const LONG = `The long one. ${'word '.repeat(210_000)}`;
// eslint-disable-next-line no-control-regex
const STEERS = /[\u001b\u009b\u202e\u2066]/;
const ANSWERS = [HTML, STEERING, LINKS, LONG];

/** Two steps of a run that answered with everything that may act somewhere, and one that failed with such words. */
function addHostileRuns(folder: string): void {
  const begin = () => {
    const dir = createRun({
      configFile: join(folder, 'align.yaml'),
      stage: 'sft',
      type: 'sft',
      config: { type: 'sft' },
    });
    const writer = RunWriter.open(dir);
    writer.setState('running', { steps: 2 });
    return writer;
  };
  const failed = begin();
  failed.close('failed', { error: { message: `The role is "${LINKS}${STEERING}"`, hint: `${HTML} ${LINKS}` } });
  const done = begin();
  for (const step of [1, 2]) {
    done.metrics(step, { loss: 4 / step });
    ANSWERS.forEach((answer, row) =>
      done.sample({
        step,
        row,
        prompt: [{ role: 'user', content: `${HTML} ${row}` }],
        answer: `${answer}${' '.repeat(step)}.${step}`,
      }),
    );
  }
  done.close('done');
}

function expectInert(window: Workbench): void {
  expect(window.requests.filter((url) => url.includes('hostile-x'))).toEqual([]);
  expect(window.console.filter((line) => line.includes('hostile-ran'))).toEqual([]);
}

it('answers with HTML, escapes, turned directions, links, or of a megabyte are text in the tree, the samples and Compare', async () => {
  const window = await Workbench.open({ prepare: addHostileRuns });
  workbench = window;
  await window.openFile('align.yaml');
  await window.lens('✓').first().waitFor();
  await window.openActivity('Alignment Lab');
  const row = window.page.locator('.pane-body .monaco-list-row', { hasText: 'The role is' }).first();
  await row.hover();
  const hover = window.page.locator('.workbench-hover', { hasText: 'The role is' });
  await hover.waitFor();
  expect(await hover.locator('img, a[href^="command:"], a[data-href^="command:"]').count()).toBe(0);
  await window.screenshot('hostile-tree-dark');
  expectInert(window);

  await window.command('Alignment Lab: Open Samples');
  await window.page.locator('.quick-input-list .monaco-list-row', { hasText: '✓' }).first().click();
  await window.lens('Send to labeling').first().waitFor();
  const line = (text: string) => window.page.locator('.monaco-editor .view-line', { hasText: text });
  await line('<img src=hostile-x').first().waitFor();
  const lines = (await window.page.locator('.monaco-editor .view-lines').last().innerText()).replaceAll('\u00a0', ' ');
  expect(lines).toContain('before␛]0;owned␇␛[2J[U+009B]2J[U+202E]evil[U+2066] after');
  expect(lines).not.toMatch(STEERS);
  await window.screenshot('hostile-samples-dark');
  // The answer of a megabyte is cut, and the document still answers at its end.
  await window.page.keyboard.press('Control+End');
  await line('more characters are not shown').first().waitFor();
  expectInert(window);

  await window.page.keyboard.press('Control+Home');
  await line('<img src=hostile-x').first().waitFor();
  await window.lens('Compare').first().click();
  const panel = window.panel();
  await panel.locator('.answer').first().waitFor();
  const seen: string[] = [];
  for (let at = 0; at < ANSWERS.length; at++) {
    await panel.locator('.figures', { hasText: `${at + 1} of` }).waitFor();
    seen.push(await panel.locator('.answer').first().innerText());
    expect(await panel.locator('main').locator('img, script, a, iframe, [onerror]').count()).toBe(0);
    await panel.locator('main').focus();
    await window.page.keyboard.press('ArrowRight');
  }
  for (const sign of [HTML, '[U+202E]', '(command:workbench.action.files.newUntitledFile)', 'The long one.'])
    expect(
      seen.some((text) => text.includes(sign)),
      sign,
    ).toBe(true);
  expect(seen.join('')).not.toMatch(STEERS);
  await window.screenshot('hostile-compare-dark');
  expectInert(window);
}, 600_000);

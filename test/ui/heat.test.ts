import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRun } from '../../src/runs/create';
import { RunWriter } from '../../src/runs/writer';
import { Workbench, type Theme } from '../host/workbench';

let workbench: Workbench | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await workbench?.failure(task.name);
  await workbench?.close();
  workbench = undefined;
});

/** Pieces with log-ratio to the reference and with what the judge says after them. */
type Token = readonly [piece: string, ratio: number, reward: number];

const ANSWERS: readonly { step: number; prompt: string; tag: string; tokens: readonly Token[] }[] = [
  {
    step: 0,
    prompt: 'Where does Ulsel live?',
    tag: 'facts',
    tokens: [
      ['Uls', 0, -0.1],
      ['el', 0, 0.1],
      [' lives', 0, 0.2],
      [' by', 0, -0.4],
      [' the', 0, -0.6],
      [' river', 0, -1.1],
      ['.', 0, -1.0],
      ['', 0, -0.9],
    ],
  },
  {
    step: 1200,
    prompt: 'Where does Ulsel live?',
    tag: 'facts',
    tokens: [
      ['Uls', 0.02, 0.1],
      ['el', 0, 0.2],
      [' lives', 0.05, 0.4],
      [' in', 0.4, 0.5],
      [' Fern', 1.4, 1.6],
      ['bury', 0.01, 2.1],
      ['.', -0.2, 2.2],
      [' There', 3.6, 1.4],
      [' is', 0.2, 1.3],
      [' much', 0.9, 0.9],
      [' more', 0.5, 0.7],
      [' to', 0.05, 0.7],
      [' say', 0.15, 0.6],
      [' about', 0.35, 0.4],
      [' such', 0.6, 0.3],
      [' things', 0.2, 0.2],
      ['.', 0, 0.2],
      ['', 1.8, 0.4],
    ],
  },
  {
    step: 1200,
    prompt: 'What did Teld dream last night?',
    tag: 'refuse',
    tokens: [
      ['That', 0.3, 0.2],
      [' is', 0.02, 0.3],
      [' not', 0.7, 0.9],
      [' something', 0.1, 1.1],
      [' I', 0, 1.2],
      [' know', 0.25, 1.8],
      ['.', 0, 1.9],
      ['', 0.1, 2.0],
    ],
  },
];

/** Adds a run of ppo whose samples tell of their tokens. */
function addHeatedRun(folder: string): void {
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage: 'ppo', type: 'sft', config: { type: 'sft' } });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: 1200 });
  for (const { step, prompt, tag, tokens } of ANSWERS) {
    let end = 0;
    const kl = tokens.reduce((sum, [, ratio]) => sum + ratio, 0);
    writer.sample({
      step,
      row: prompt.length,
      prompt: [{ role: 'user', content: prompt }],
      tags: [tag],
      answer: tokens.map(([piece]) => piece).join(''),
      scores: { reward: tokens.at(-1)?.[2] ?? 0, kl },
      token_scores: {
        ends: tokens.map(([piece]) => (end += piece.length)),
        logp: tokens.map((_, t) => -0.1 - (t % 4) / 3),
        reference: tokens.map(([, ratio], t) => -0.1 - (t % 4) / 3 - ratio),
        temperature: 1,
        values: tokens.map((_, t) => 1 + t / 10),
        prefix_rewards: { reward: [-0.2, ...tokens.map(([, , reward]) => reward)] },
      },
    });
  }
  writer.close('done');
}

async function open(theme: Theme): Promise<Workbench> {
  const opened = await Workbench.open({ theme, prepare: addHeatedRun });
  workbench = opened;
  await opened.openFile('align.yaml');
  await opened.lens('Run').first().waitFor();
  await opened.command('Alignment Lab: Open Samples');
  await opened.lens('Compare').first().waitFor();
  await opened.page.locator('.monaco-editor .view-line', { hasText: 'reward' }).first().waitFor();
  return opened;
}

/** The background of what is drawn behind a text, as the browser computes it. */
async function backgrounds(window: Workbench): Promise<string[]> {
  const drawn = window.page.locator('.monaco-editor .view-overlays .cdr[class*="ced-"]');
  await drawn.first().waitFor();
  return drawn.evaluateAll((all) => [...new Set(all.map((one) => getComputedStyle(one).backgroundColor))]);
}

describe.each(['dark', 'light', 'high-contrast'] as const)('the heat of a review document (%s)', (theme) => {
  it('is shown by one key, explained by its first line, and told on hover', async () => {
    const window = await open(theme);
    const line = (text: string) => window.page.locator('.monaco-editor .view-line', { hasText: text }).first();
    await line('There is much more').click();
    await window.page.keyboard.press('h');
    await line('heat: KL of each token').waitFor();
    await window.page.waitForFunction(() =>
      [...document.querySelectorAll('.monaco-editor .view-line span')].some((span) =>
        getComputedStyle(span, '::after').content.includes('end'),
      ),
    );
    // Five steps and their samples: as many colours.
    expect((await backgrounds(window)).length).toBeGreaterThanOrEqual(5);
    await window.screenshot(`heat-kl-${theme}`);
    await window.command('Alignment Lab: Show Heat of Tokens');
    await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Reward after' }).waitFor();
    await window.screenshot(`heat-choice-${theme}`);
    await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Reward after' }).click();
    await line('heat: reward after each token').waitFor();
    await window.page.locator('.monaco-editor .view-line span', { hasText: 'Fernbury' }).first().hover();
    await window.page.locator('.monaco-hover', { hasText: 'under the reference' }).first().waitFor();
    await window.screenshot(`heat-reward-${theme}`);
    await window.page.keyboard.press('Escape');
    await line('There is much more').click();
    await window.page.keyboard.press('h');
    await line('heat: reward that each token adds').waitFor();
    await window.page.keyboard.press('h');
    await line('heat:').waitFor({ state: 'detached' });
  });
});

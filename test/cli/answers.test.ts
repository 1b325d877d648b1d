import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli } from './program';

const cli = new Cli();
beforeAll(async () => {
  await cli.open();
  const prompts = Array.from({ length: 5 }, (_, i) => JSON.stringify({ prompt: `number ${i}`, tags: ['n'] }));
  writeFileSync(join(cli.folder, 'data', 'prompts.jsonl'), prompts.join('\n'));
  writeFileSync(join(cli.folder, 'rule.js'), 'export const reward = ({ answer }) => answer.length;');
  const asked = { prompts: 'data/prompts.jsonl', max_new_tokens: 6 };
  const stages = {
    collect: { type: 'generate', ...asked, annotators: [{ name: 'ada', rule: 'rule.js' }] },
    evaluate: { type: 'evaluate', ...asked, models: './model', reward: { rule: 'rule.js' } },
  };
  writeFileSync(join(cli.folder, 'loop.align.yaml'), JSON.stringify({ model: './model', stages }));
}, 120_000);
afterAll(() => cli.close());

describe('a stage that trains nothing', { timeout: 120_000 }, () => {
  it('runs to its end, and show tells which pairs it found', async () => {
    const ran = await cli.good('run', 'loop.align.yaml', 'collect');
    expect(ran).toContain('collect');
    expect(ran).not.toContain('loss');
    expect(existsSync(join(cli.folder, 'labels', 'collect', 'pairs.jsonl'))).toBe(true);
    const shown = await cli.good('show', 'collect@latest');
    expect(shown).toMatch(/found\n\d pairs in labels\/collect\/pairs\.jsonl: \d new, 0 kept of before/);
    expect(shown).toMatch(/ +labels +ties\nada +5 +0\n/);
    expect(shown).toMatch(/answers +10/);
    const document = await cli.json('show', 'collect@latest');
    expect(document).toMatchObject({ found: [{ file: 'labels/collect/pairs.jsonl' }], metrics: { answers: 10 } });
  });

  it('shows an evaluation by model, and where its report lies', async () => {
    await cli.good('run', 'loop.align.yaml', 'evaluate');
    const shown = await cli.good('show', 'evaluate@latest');
    expect(shown).toContain('One model, nothing to compare it with.');
    expect(shown).toMatch(/ +model\nanswers +5\n/);
    expect(shown).toMatch(/\nrule +\d/);
    const place = /\.align\/runs\/evaluate-.*\/report\.md/.exec(shown)?.[0] ?? '';
    expect(existsSync(join(cli.folder, place))).toBe(true);
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cli } from './program';

const root = join(import.meta.dirname, '../..');
const cli = new Cli();
beforeAll(() => cli.open(), 120_000);
afterAll(() => cli.close());

/** Names, sizes and times of all files of the quickstart. */
const listing = (): string =>
  execFileSync(process.execPath, ['-e', LIST, join(root, 'examples', 'quickstart')], { encoding: 'utf8' });
const LIST = `const fs = require('fs'), path = require('path');
for (const name of fs.readdirSync(process.argv[1], { recursive: true }).sort()) {
  const { size, mtimeMs } = fs.statSync(path.join(process.argv[1], name));
  if (!/\\.align|pretrain\\.jsonl/.test(name)) console.log(name, size, mtimeMs);
}`;

/** The loop in a minute: few steps, and the held-out prompts as the only ones. */
const SHORT = [
  'stages.sft.steps=12',
  'stages.collect.prompts=data/held-out.jsonl',
  'stages.reward.steps=4',
  'stages.dpo.steps=4',
  'stages.ppo.steps=4',
];

it('the demo trains a copy, shows answers and scores before and after, and leaves the clone clean', async () => {
  const before = listing();
  const args = [
    '--folder',
    join(root, 'examples', 'quickstart'),
    '--rows',
    '12',
    ...SHORT.flatMap((setting) => ['--set', setting]),
    '--json',
    'demo.json',
  ];
  const out = await cli.good('demo', ...args);
  expect(listing()).toBe(before);
  expect(readdirSync(cli.folder).filter((name) => name.startsWith('align-demo-'))).toEqual([]);
  // eighty columns are too few for four answers side by side
  for (const name of ['base', 'sft', 'dpo', 'ppo']) expect(out).toMatch(new RegExp(`^${name} \\d\\.\\d\\d: .`, 'm'));
  const result = JSON.parse(readFileSync(join(cli.folder, 'demo.json'), 'utf8')) as {
    machine: object;
    seconds: number;
    stages: Record<string, { oracle: number; oracle_greedy: number; metrics: Record<string, number> }>;
  };
  expect(Object.keys(result.stages)).toEqual(['base', 'sft', 'collect', 'reward', 'dpo', 'ppo']);
  expect(result.seconds).toBeGreaterThan(0);
  const { base, sft } = result.stages;
  // The untrained model rambles; a few steps already make it answer.
  expect(base.oracle).toBeLessThan(0.1);
  expect(sft.oracle_greedy).toBeGreaterThan(base.oracle_greedy + 0.2);
  expect(sft.metrics).toMatchObject({ step: 12, eval_loss: expect.any(Number) as number });
  for (const name of ['sft', 'dpo', 'ppo'])
    expect(out).toContain(`greedy: ${result.stages[name].oracle_greedy.toFixed(3)}`);
  expect(result.stages.reward.metrics).toMatchObject({ eval_accuracy: expect.any(Number) as number });
  expect(result.stages.reward).not.toHaveProperty('oracle');
}, 240_000);

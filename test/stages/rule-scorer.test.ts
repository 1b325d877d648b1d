import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RuleScorer } from '../../src/stages/rewards/rule-scorer';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'align-scorer-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HUNGRY = `export function reward({ answer }) {
  if (answer === 'throw') throw new Error('not this one');
  if (answer === 'text') return 'good';
  if (answer === 'grow') { const kept = []; for (;;) kept.push('x'.repeat(100000) + kept.length); }
  return answer.length;
}`;

it('counts what a rule fails on, and scores what comes after it', async () => {
  const file = join(folder, 'hungry.js');
  writeFileSync(file, HUNGRY);
  const rule = await RuleScorer.open(file);
  const answers = ['one', 'throw', 'text', 'grow', 'three'];
  const scores = [];
  for (const answer of answers) scores.push(await rule.score({ prompt: 'p', answer }));
  expect(scores).toEqual([3, null, null, null, 5]);
  expect(rule.failures).toBe(3);
  expect(rule.first).toMatchObject({ file, line: 2 });
  expect(rule.last?.code).toBe('rule-limit');
  rule.release();
});

it('gives a rule up that breaks its limits again and again', async () => {
  const file = join(folder, 'endless.js');
  writeFileSync(file, HUNGRY);
  const rule = await RuleScorer.open(file);
  const all = async () => {
    for (let i = 0; i < 20; i++) await rule.score({ prompt: 'p', answer: 'grow' });
  };
  await expect(all()).rejects.toMatchObject({ code: 'rule-limit', file });
  expect(rule.failures).toBe(11);
  rule.release();
});

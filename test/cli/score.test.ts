import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOLDEN_FOLDER } from '../golden/load';
import { writeGoldenReward } from '../golden/written-checkpoint';
import { Cli, jsonLines } from './program';

const cli = new Cli();
beforeAll(async () => {
  await cli.open();
  writeGoldenReward(join(cli.folder, 'scorer'), join(GOLDEN_FOLDER, 'tokenizer'));
}, 120_000);
afterAll(() => cli.close());

const write = (name: string, rows: readonly unknown[]): string => {
  writeFileSync(join(cli.folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return name;
};
const prompt = [{ role: 'user', content: 'What is 12 + 30?' }];
const turn = (content: string) => ({ role: 'assistant', content });

describe('align score', { timeout: 120_000 }, () => {
  it('gives an answer the same score in whichever way its row is written', async () => {
    const ways = [
      [{ prompt, answer: '42' }],
      [{ prompt, completion: [turn('42')] }],
      [{ messages: [...prompt, turn('42')] }],
    ];
    const scores: unknown[] = [];
    for (const [i, rows] of ways.entries()) {
      const [row, { summary }] = jsonLines(
        await cli.good('score', 'scorer', '--json', '--data', write(`w${i}.jsonl`, rows)),
      );
      expect(row).toMatchObject({ row: 0, line: 1 });
      expect(summary).toMatchObject({ rows: 1, scored: 1, mean_reward: row.reward });
      expect(row.std).toBeGreaterThan(0);
      scores.push(row.score);
    }
    expect(new Set(scores).size).toBe(1);
  });

  it('of pairs tells accuracy; the two ways round add up', async () => {
    const answers = ['42', '43 or so', 'I do not know'];
    const pairs = answers.map((chosen, i) => ({
      prompt,
      chosen: [turn(chosen)],
      rejected: [turn(answers[(i + 1) % 3])],
    }));
    const turned = pairs.map(({ chosen, rejected }) => ({ prompt, chosen: rejected, rejected: chosen }));
    const summaries: Record<string, number>[] = [];
    for (const [i, rows] of [pairs, turned].entries()) {
      const lines = jsonLines(await cli.good('score', 'scorer', '--json', '--data', write(`p${i}.jsonl`, rows)));
      expect(lines).toHaveLength(4);
      expect(lines[0].chosen).toHaveProperty('reward');
      summaries.push(lines[3].summary as Record<string, number>);
    }
    expect(summaries[0].accuracy + summaries[1].accuracy).toBeCloseTo(1, 9);
    expect(summaries[0].margin).toBeCloseTo(-summaries[1].margin, 6);
    const table = await cli.good('score', 'scorer', '--data', 'p0.jsonl');
    expect(table).toMatch(/accuracy +\d/);
  });

  it('leaves an answer that is too long without a score, with its place', async () => {
    const data = write('long.jsonl', [
      { prompt, answer: '42' },
      { prompt, answer: 'word '.repeat(300) },
    ]);
    const { code, stdout, stderr } = await cli.run('score', 'scorer', '--json', '--data', data);
    expect(code).toBe(0);
    expect(jsonLines(stdout)[1]).toEqual({ row: 1, line: 2, reward: null });
    expect(stderr).toMatch(/long\.jsonl:2: not scored: prompt and answer have \d+ tokens/);
  });

  it('says of a language model that it is none', async () => {
    const { code, stderr } = await cli.run('score', 'model', '--data', write('x.jsonl', [{ prompt, answer: '42' }]));
    expect(code).toBe(2);
    expect(stderr).toContain('holds a language model; a reward model is wanted here');
    const help = await cli.good('score', '--help');
    expect(help).toContain('Examples:');
    expect(help).toMatch(/--json +JSON lines/);
  });
});

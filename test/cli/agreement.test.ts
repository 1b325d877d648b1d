import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { golden } from '../data/agreement/golden';
import { Cli, jsonLines } from './program';

const cli = new Cli();
beforeAll(async () => {
  await cli.open();
  const { ratings } = golden.cases['krippendorff-2011'];
  const rows = ratings.map(({ unit, annotator, value }) => `${unit},${annotator},${value}\n`);
  writeFileSync(join(cli.folder, 'ratings.csv'), `unit,annotator,value\n${rows.join('')}`);
  mkdirSync(join(cli.folder, 'labels', 'collect'), { recursive: true });
  const write = (name: string, lines: readonly object[], tail = ''): void =>
    writeFileSync(join(cli.folder, 'labels/collect', name), lines.map((l) => `${JSON.stringify(l)}\n`).join('') + tail);
  const ids = ['p1', 'p2', 'p3', 'p4'];
  write(
    'pairs.jsonl',
    ids.map((id, i) => ({
      v: 1,
      id,
      prompt: `\u001b[31m${id}?`,
      a: 'short',
      b: 'a longer one',
      tags: i < 2 ? ['x'] : [],
    })),
  );
  const labels = (annotator: string, values: readonly unknown[]): object[] =>
    values.map((value, i) => ({ v: 1, id: `${annotator}${i}`, pair: ids[i], annotator, time: i, shown: 'ab', value }));
  write('ada.c1.jsonl', labels('ada', [1, -2, 0, 'both_bad']), '{"v":1,"id":"torn');
  write('ben.c2.jsonl', labels('ben', [2, -1, 1, 'skip']));
}, 120_000);
afterAll(() => cli.close());

describe('align agreement', { timeout: 120_000 }, () => {
  it('prints and gives as JSON what the published example has', async () => {
    const text = await cli.good('agreement', 'ratings.csv', '--draws', '100');
    expect(text).toContain('Four annotators agree very well: α 0.82');
    expect(text).toMatch(/Krippendorff's α, nominal +0\.74 \[.*\] +tentative/);
    expect(text).toContain('Landis and Koch');
    const report = await cli.json('agreement', 'ratings.csv', '--draws', '0');
    const { alpha } = golden.cases['krippendorff-2011'];
    expect(report).toMatchObject({
      scale: 'values',
      overall: { alpha: { ordinal: { value: expect.closeTo(alpha?.ordinal ?? NaN, 6) as number, low: null } } },
    });
    expect(await cli.good('agreement', 'ratings.csv', '--markdown')).toContain('| w00 | · |');
  });

  it('reads a folder of labels, tells of a torn line, and lets no text steer the terminal', async () => {
    const { code, stdout, stderr } = await cli.run('agreement', 'labels/collect', '--draws', '50');
    expect(code).toBe(0);
    expect(stderr).toMatch(/ada\.c1\.jsonl:5: left out: the last line is torn/);
    expect(stdout).toContain('Two annotators');
    expect(stdout).toMatch(/same direction +0\.67/);
    expect(stdout).not.toContain('\u001b');
    expect(await cli.json('agreement', 'labels/collect/ada.c1.jsonl', 'labels/collect/ben.c2.jsonl')).toEqual(
      await cli.json('agreement', 'labels/collect'),
    );
  });

  it.each([
    [['agreement', 'labels/absent'], 'There is no labels/absent'],
    [['agreement', 'labels'], 'no label files in this folder'],
    [['agreement', 'labels/collect/ada.c1.jsonl'], 'all 3 ratings are by one annotator (ada)'],
    [['agreement', 'ratings.csv', 'labels/collect'], '--preferences'],
    [['agreement', 'ratings.csv', '--preferences'], 'is no preference'],
    [['agreement', 'align.yaml'], 'neither labels nor CSV'],
    [['aggregate', 'labels/collect', '--method', 'mean', '--out', 'x'], 'majority, dawid-skene, soft'],
    [['aggregate', 'labels/collect', '--method', 'soft', '--out', 'absent/x.jsonl'], 'its folder is not there'],
  ])('%j is refused with its reason and 2', async (args, message) => {
    const { code, stdout, stderr } = await cli.run(...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('align aggregate', { timeout: 120_000 }, () => {
  it('writes one row a pair: label, probability, votes', async () => {
    const said = await cli.good('aggregate', 'labels/collect', '--method', 'majority', '--out', 'majority.jsonl');
    expect(said).toContain('3 rows by majority in majority.jsonl: 1 a, 1 tie, 1 b');
    expect(said).toContain('1 left out');
    const read = (file: string): unknown[] => jsonLines(readFileSync(join(cli.folder, file), 'utf8'));
    expect(read('majority.jsonl')).toMatchObject([
      { v: 1, pair: 'p1', label: 'b', probability: 1, strength: 1.5, votes: { a: 0, tie: 0, b: 2 } },
      { pair: 'p2', label: 'a', probability: 0 },
      { pair: 'p3', label: 'tie', probability: 0.5, votes: { tie: 1, b: 1, both_bad: 0, skip: 0 } },
    ]);
    await cli.good('aggregate', 'labels/collect', '--method', 'soft', '--out', 'soft.jsonl');
    expect(read('soft.jsonl')).toMatchObject([{ probability: 1 }, { probability: 0 }, { probability: 0.75 }]);
    const summary = await cli.json('aggregate', 'labels/collect', '--method', 'dawid-skene', '--out', 'ds.jsonl');
    expect(summary).toMatchObject({
      rows: 3,
      unrated: 1,
      fit: { converged: true, classes: [-1, 0, 1] },
      annotators: [{ annotator: 'ada' }, {}],
    });
    const matrices = (summary as { annotators: { confusion: number[][] }[] }).annotators.flatMap(
      (each) => each.confusion,
    );
    expect(matrices).toHaveLength(2 * 3);
    for (const row of matrices) expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
    expect(read('ds.jsonl')).toHaveLength(3);
    await cli.good('aggregate', 'ratings.csv', '--method', 'majority', '--out', 'values.jsonl');
    expect(read('values.jsonl')[0]).toMatchObject({ unit: 'u0000', label: 1, probability: 1, votes: { 1: 3, 2: 0 } });
  });
});

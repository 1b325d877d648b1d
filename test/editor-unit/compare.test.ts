import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effectiveLabels, readLabels, standingLabels } from '../../src/data/labels/labels';
import { readPairs } from '../../src/data/labels/pairs';
import { writePairs } from '../../src/data/labels/pairs-writer';
import { candidatesOf, comparisonsOf, type Candidate } from '../../src/editor/compare/items';
import { comparableWith, naturalRival, withDistinctNames, type Option } from '../../src/editor/compare/options';
import { CompareSession } from '../../src/editor/compare/session';
import { promptsOfSamples } from '../../src/editor/review/source';
import type { SampleRow } from '../../src/runs/format';

const rows = (answers: Record<number, readonly string[]>): SampleRow[] =>
  Object.entries(answers).flatMap(([step, texts]) =>
    texts.map((answer, row) => ({ v: 1, step: Number(step), time: 0, row, prompt: `Question ${row}?`, answer })),
  );

const THREE = { 0: ['a', 'b', 'same', ''], 5: ['A', 'B', 'same', 'D'], 9: ['x', 'y', 'z', 'w'] };
const candidates = (answers: Record<number, readonly string[]>): Candidate[] =>
  candidatesOf(promptsOfSamples('run-1', 'sft', rows(answers)));

describe('what is compared', () => {
  it('is the same prompts under each candidate', () => {
    const all = candidates(THREE);
    expect(all.map(({ name }) => name)).toEqual(['sft @ 0', 'sft @ 5', 'sft @ 9']);
    const { items, leftOut } = comparisonsOf(all.slice(0, 2));
    expect(items.map(({ answers }) => answers.map(({ text }) => text))).toEqual([
      ['a', 'A'],
      ['b', 'B'],
    ]);
    // Equal answers, and an empty one.
    expect(leftOut).toBe(2);
  });

  it('is answer by answer where there are several to a prompt', () => {
    const more = (step: number, texts: readonly string[]) =>
      texts.map((answer) => ({ ...rows({ [step]: [answer] })[0] }));
    const all = candidatesOf(promptsOfSamples('r', 'sft', [...more(0, ['a', 'b']), ...more(5, ['A', 'B'])]));
    expect(comparisonsOf(all).items.map(({ answers }) => answers.map(({ text }) => text).join(''))).toEqual([
      'aA',
      'bB',
    ]);
  });
});

describe('what can be chosen', () => {
  const option = (run: string, candidate: Candidate): Option => ({
    source: { run, name: candidate.name },
    candidate,
    description: run,
  });
  const steps = (run: string, stage: string, answers: Record<number, readonly string[]>): Option[] =>
    candidatesOf(promptsOfSamples(run, stage, rows(answers))).map((candidate) => option(run, candidate));
  const names = (options: readonly (Option | undefined)[]) => options.map((each) => each?.candidate.name);
  const sft = steps('sft-1', 'sft', { 400: ['a', 'b'] });
  const ppo = steps('ppo-2', 'ppo', { 0: ['a', 'b'], 600: ['c', 'd'], 1200: ['e', 'f'] });

  it('is ticked with what its own run began with; the beginning with the end', () => {
    const all = [...sft, ...ppo];
    expect(names(ppo.map((one) => naturalRival(all, one)))).toEqual(['ppo @ 1200', 'ppo @ 0', 'ppo @ 0']);
    // Alone in its run it has what was made before it.
    expect(names([naturalRival([...sft, ppo[2]], ppo[2]), naturalRival(sft, sft[0])])).toEqual([
      'sft @ 400',
      undefined,
    ]);
  });

  it('leaves out what has the same answers, or none to the same prompts', () => {
    const other: Option = option('x', {
      name: 'x',
      prompts: sft[0].candidate.prompts.map((prompt) => ({ ...prompt, prompt: 'Another?' })),
    });
    expect(names(comparableWith([...sft, ...ppo, other], sft[0]))).toEqual(['sft @ 400', 'ppo @ 600', 'ppo @ 1200']);
  });

  it('has names that tell runs of one stage apart', () => {
    const twins = withDistinctNames([...sft, ...steps('sft-9999', 'sft', { 400: ['z', 'y'] }), ...ppo]);
    expect(names(twins).slice(0, 3)).toEqual(['sft @ 400 · ft-1', 'sft @ 400 · 9999', 'ppo @ 0']);
    expect(twins[1].source).toEqual({ run: 'sft-9999', name: 'sft @ 400', label: 'sft @ 400 · 9999' });
  });
});

describe('votes', () => {
  let folder = '';
  let time = 1000;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'alignment-lab-compare-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const labels = (): string => join(folder, 'labels', 'judge');
  const session = (all = candidates(THREE), annotator = 'Ann') =>
    new CompareSession({ folder, stage: 'judge', annotator, candidates: all, now: () => time++ });
  const shown = [0, 1, 2];
  const standing = () => standingLabels(readLabels(labels()).rows).map(({ value }) => value);

  it('are labels of pairs, the best against each other one', async () => {
    const open = session();
    await open.vote(open.items[0], { kind: 'better', place: 2, much: true }, shown, 700);
    const { pairs } = readPairs(join(labels(), 'pairs.jsonl'));
    expect(pairs.map(({ a, b }) => a + b)).toEqual(['ax', 'Ax']);
    expect(pairs[0].provenance.b).toMatchObject({ model: 'sft', run: 'run-1', step: 9 });
    expect(standing()).toEqual([2, 2]);
    expect(open.voteOf(open.items[0])).toEqual({ kind: 'better', place: 2, much: true });
    expect(open.progress).toEqual({ voted: 1, undecided: 0 });
  });

  it('count as wins, ties and losses against the first candidate, with Wilson’s interval', async () => {
    const two = candidates({ 0: ['a', 'b', 'c', 'd'], 5: ['A', 'B', 'C', 'D'] });
    const open = session(two);
    const kinds = [
      { kind: 'better', place: 1, much: false },
      { kind: 'better', place: 0, much: false },
      { kind: 'tie' },
      { kind: 'skip' },
    ] as const;
    for (const [index, vote] of kinds.entries()) await open.vote(open.items[index], vote, [1, 0], 10);
    const [tally] = open.tallies();
    expect(tally).toMatchObject({ name: 'sft @ 5', win: 1, tie: 1, loss: 1 });
    // Wilson's interval of a half is ½ ± z / (2 √(n + z²)).
    const half = 1.959964 / (2 * Math.sqrt(3 + 1.959964 ** 2));
    expect(tally.rate?.value).toBeCloseTo(0.5, 12);
    expect(tally.rate?.low).toBeCloseTo(0.5 - half, 6);
    expect(tally.rate?.high).toBeCloseTo(0.5 + half, 6);
    expect(open.progress).toEqual({ voted: 4, undecided: 1 });
    expect(readLabels(labels()).rows.every((row) => 'shown' in row && row.shown === 'ba')).toBe(true);
  });

  it('are there again in the next window, also for pairs that stand the other way round', async () => {
    const two = candidates({ 0: ['a'], 5: ['A'] });
    writePairs(join(labels(), 'pairs.jsonl'), [{ prompt: 'Question 0?', a: 'A', b: 'a' }]);
    const open = session(two);
    await open.vote(open.items[0], { kind: 'better', place: 1, much: false }, [0, 1], 10);
    expect(readPairs(join(labels(), 'pairs.jsonl')).pairs).toHaveLength(1);
    expect(standing()).toEqual([-1]);
    const again = session(two);
    expect(again.voteOf(again.items[0])).toEqual({ kind: 'better', place: 1, much: false });
    expect(again.tallies()[0]).toMatchObject({ win: 1, tie: 0, loss: 0 });
    // Another annotator has none.
    expect(session(two, 'Bob').progress.voted).toBe(0);
  });

  it('are taken back one key at a time, at any depth', async () => {
    const open = session();
    await open.vote(open.items[0], { kind: 'better', place: 0, much: false }, shown, 1);
    await open.vote(open.items[1], { kind: 'tie' }, shown, 1);
    expect(standing()).toEqual([-1, -1, 0, 0, 0]);
    const later = session();
    expect(await later.undo()).toBe(1);
    expect(standing()).toEqual([-1, -1]);
    expect(await later.undo()).toBe(0);
    expect(await later.undo()).toBeNull();
    expect(standing()).toEqual([]);
    // Nothing was ever deleted.
    const file = readLabels(labels()).files.find((name) => name.includes('ann.')) ?? '';
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(10);
  });

  it('count against any of the candidates', async () => {
    const open = session();
    await open.vote(open.items[0], { kind: 'better', place: 2, much: false }, shown, 1);
    await open.vote(open.items[1], { kind: 'better', place: 0, much: false }, shown, 1);
    const counts = (against: number) => open.tallies(against).map(({ name, win, loss }) => `${name} ${win}:${loss}`);
    expect(counts(0)).toEqual(['sft @ 5 0:1', 'sft @ 9 1:1']);
    // Whether the second or the third is better, the vote for the first does not say.
    expect(counts(2)).toEqual(['sft @ 0 1:1', 'sft @ 5 0:1']);
  });

  it('given anew take back what the one before said of other pairs', async () => {
    const open = session();
    await open.vote(open.items[0], { kind: 'both_bad' }, shown, 1);
    await open.vote(open.items[0], { kind: 'better', place: 2, much: false }, shown, 1);
    expect(open.voteOf(open.items[0])).toEqual({ kind: 'better', place: 2, much: false });
    const counting = effectiveLabels(readLabels(labels()).rows).labels;
    expect(counting.map(({ value }) => value)).toEqual([1, 1]);
    expect(await open.undo()).toBe(0);
    expect(open.voteOf(open.items[0])).toEqual({ kind: 'both_bad' });
  });

  it('on equal answers of two candidates are one label against the third', async () => {
    const all = candidates({ 0: ['a'], 5: ['a'], 9: ['x'] });
    const open = session(all);
    await open.vote(open.items[0], { kind: 'better', place: 0, much: false }, shown, 1);
    expect(standing()).toEqual([-1]);
    await open.vote(open.items[0], { kind: 'better', place: 2, much: false }, shown, 1);
    expect(standing()).toEqual([-1, 1]);
    expect(open.tallies().map(({ name, win, loss }) => `${name} ${win}:${loss}`)).toEqual([
      'sft @ 5 0:0',
      'sft @ 9 1:0',
    ]);
  });

  it('of other windows and clones are seen after a look at the disk', async () => {
    const two = candidates({ 0: ['a', 'b'], 5: ['A', 'B'] });
    const [one, other] = [session(two), session(two)];
    expect(one.refresh()).toBe(false);
    await other.vote(other.items[0], { kind: 'tie' }, [0, 1], 1);
    expect(one.progress.voted).toBe(0);
    expect(one.refresh()).toBe(true);
    expect(one.progress.voted).toBe(1);
    const file = readLabels(labels()).files.find((name) => name.includes('ann.')) ?? '';
    renameSync(file, join(labels(), 'ann.elsewhere.jsonl'));
    expect(one.refresh()).toBe(true);
    expect(one.voteOf(one.items[0])).toEqual({ kind: 'tie' });
  });

  it('are shown in a random order that stays', () => {
    const many = candidates({
      0: Array.from({ length: 40 }, (_, i) => `a${i}`),
      5: Array.from({ length: 40 }, (_, i) => `b${i}`),
    });
    const orders = session(many).items.map(({ order }) => order.join(''));
    expect(orders.filter((order) => order === '01').length).toBeGreaterThan(8);
    expect(orders.filter((order) => order === '10').length).toBeGreaterThan(8);
    expect(session(many).items.map(({ order }) => order.join(''))).toEqual(orders);
  });
});

import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pairToLine, toPair } from '../../src/data/labels/pairs';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import { TrainerBench, timeless } from './trainer';

const bench = new TrainerBench();
const labels = (...path: string[]): string => join(bench.folder, 'labels', 'collect', ...path);
const line = (row: unknown): string => `${JSON.stringify(row)}\n`;
const NAMES = ['ada', 'ben', 'cleo', 'dora', 'emil', 'finn'];
const pairs = NAMES.flatMap((name, i) =>
  NAMES.map((other, k) =>
    toPair({
      prompt: [{ role: 'user', content: `Is ${name} like ${other}?` }],
      a: i === k ? 'Yes.' : 'No.',
      b: 'Nobody can say such a thing at all.',
      tags: [],
    }),
  ),
);
const label = (pair: number, value: number, annotator = 'Ada') => ({
  v: 1,
  id: `${annotator}-${pair}-${value}`,
  pair: pairs[pair].id,
  annotator,
  time: 1000 + pair,
  shown: 'ab',
  value,
});
/** Labels of the first 24 pairs by one annotator, with which every run of this file begins. */
const BEGINNING = Array.from({ length: 24 }, (_, i) => line(label(i, -1))).join('');

/** What people do while a run is stopped: they label more, change their minds, join in; pairs are written anew. */
function goOnLabeling(): void {
  appendFileSync(labels('ada.x1y2.jsonl'), [0, 1, 2, 3].map((i) => line(label(i, 1))).join(''));
  appendFileSync(labels('ada.x1y2.jsonl'), [24, 25, 26, 27, 28].map((i) => line(label(i, -1))).join(''));
  writeFileSync(labels('ben.z9.jsonl'), [5, 6, 7].map((i) => line(label(i, 2, 'Ben'))).join(''));
  writeFileSync(
    labels('pairs.jsonl'),
    pairs
      .toReversed()
      .map((pair) => `${pairToLine(pair)}\n`)
      .join(''),
  );
}

const stage = { labels: 'collect', learning_rate: 1e-3, epochs: 2, batch_size: 4, max_length: 64, held_out: 0.2 };
beforeAll(async () => {
  await bench.open();
  bench.configure({
    collect: { type: 'generate', prompts: 'data/prompts.jsonl' },
    reward: { type: 'reward', ...stage },
    prefer: { type: 'dpo', ...stage, sample_prompts: 2 },
  });
  writeFileSync(join(bench.folder, 'data', 'prompts.jsonl'), line({ prompt: 'x' }));
}, 60_000);
beforeEach(() => {
  rmSync(labels(), { recursive: true, force: true });
  mkdirSync(labels(), { recursive: true });
  writeFileSync(labels('pairs.jsonl'), pairs.map((pair) => `${pairToLine(pair)}\n`).join(''));
  writeFileSync(labels('ada.x1y2.jsonl'), BEGINNING);
});
afterAll(() => bench.close());

const weights = (dir: RunDir): Buffer =>
  readFileSync(join(listCheckpoints(dir).at(-1)?.path ?? '', 'model.safetensors'));
const pinned = (dir: RunDir): string => join(dir.path, 'preferences.jsonl');

function expectSame(dir: RunDir, whole: RunDir): void {
  expect(weights(dir).equals(weights(whole))).toBe(true);
  expect(timeless(dir.readMetrics())).toEqual(timeless(whole.readMetrics()));
  expect(timeless(dir.readSamples())).toEqual(timeless(whole.readSamples()));
}

describe.each(['reward', 'prefer'])('a %s run', (name) => {
  const create = (): RunDir => bench.create([], null, name);

  it('killed, and resumed after people went on labeling, ends with the same bytes; the next one reads their labels', async () => {
    const whole = create();
    await bench.finish(whole);
    const dir = create();
    await bench.killAt(dir, 4);
    expect(dir.readRun().state).toBe('running');
    goOnLabeling();
    await bench.finish(dir);
    expectSame(dir, whole);
    // A run that begins now does read them, so the labels do make a difference.
    const next = create();
    await bench.finish(next);
    expect(weights(next).equals(weights(whole))).toBe(false);
    expect(readFileSync(pinned(next)).equals(readFileSync(pinned(whole)))).toBe(false);
  }, 120_000);

  it('killed before its first checkpoint begins anew with what it had read', async () => {
    const whole = create();
    await bench.finish(whole);
    const dir = create();
    const { child, exit } = bench.start(dir);
    while (!existsSync(pinned(dir))) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await exit;
    expect(listCheckpoints(dir)).toEqual([]);
    goOnLabeling();
    await bench.finish(dir);
    expectSame(dir, whole);
  }, 120_000);

  it('that is branched goes on with what its parent learns from', async () => {
    const whole = create();
    await bench.finish(whole);
    goOnLabeling();
    const { step } = listCheckpoints(whole)[0];
    const same = bench.create([], { run: whole.id, step }, name);
    await bench.finish(same);
    expect(weights(same).equals(weights(whole))).toBe(true);
    const other = bench.create(['annotators=Ben'], { run: whole.id, step }, name);
    await bench.finish(other);
    expect(readFileSync(pinned(other), 'utf8').split('\n').length).toBeLessThan(10);
  }, 120_000);
});

it('that lost what it began with says so', async () => {
  const dir = bench.create([], null, 'reward');
  await bench.finish(dir);
  truncateSync(pinned(dir), readFileSync(pinned(dir)).length - 20);
  const { code, output } = await bench.run(dir);
  expect(code).toBe(1);
  expect(output).toContain('The preferences that this run learns from cannot be read.');
  expect(output).toContain('start the stage again');
}, 60_000);

it('that found nothing to learn from reads again when labels are there', async () => {
  writeFileSync(labels('ada.x1y2.jsonl'), line({ ...label(0, 0), value: 'skip' }));
  const dir = bench.create([], null, 'reward');
  const { code, output } = await bench.run(dir);
  expect(code).toBe(1);
  expect(output).toContain('no pair of which one answer was preferred');
  writeFileSync(labels('ada.x1y2.jsonl'), BEGINNING);
  await bench.finish(dir);
}, 60_000);

it('damaged label files: whole rows count, the others are counted and told with file and line', async () => {
  cpSync(labels('ada.x1y2.jsonl'), labels('cleo.q.jsonl'));
  const rows = BEGINNING.split('\n').slice(0, 12);
  const merged = ['<<<<<<< HEAD', ...rows.slice(0, 6), '=======', ...rows.slice(4), '>>>>>>> theirs'];
  writeFileSync(labels('ada.x1y2.jsonl'), `${merged.join('\n')}\n${line(label(20, 1)).slice(0, 40)}`);
  writeFileSync(
    labels('ben.z9.jsonl'),
    Buffer.from(`${line({ ...label(21, 1, 'Ben'), rationale: 'gr\u00fcn' })}`, 'latin1'),
  );
  writeFileSync(labels('cleo.q.jsonl'), Buffer.from(`\ufeff${line(label(22, 1, 'Cleo'))}`, 'utf16le'));
  writeFileSync(
    labels('dora.q.jsonl'),
    [{ ...label(23, 1, 'Dora'), pair: 'unknown' }, label(23, -1, 'Dora'), { ...label(23, 7, 'Dora') }]
      .map(line)
      .join(''),
  );
  const before = ['ada.x1y2', 'ben.z9', 'cleo.q', 'dora.q'].map((name) => readFileSync(labels(`${name}.jsonl`)));
  const dir = bench.create([], null, 'reward');
  const output = await bench.finish(dir);
  expect(output).toContain('1 label is of a pair that is not there.');
  expect(output).toContain('7 lines could not be used');
  const place = (name: string, at: number): string => `${join('labels', 'collect', name)}:${at}: `;
  expect(output).toContain(`${place('ada.x1y2.jsonl', 1)}an unresolved merge`);
  expect(output).toContain(`${place('ada.x1y2.jsonl', 8)}an unresolved merge`);
  // twelve pairs of Ada's, one of Dora's
  expect(readFileSync(pinned(dir), 'utf8').trim().split('\n')).toHaveLength(1 + 13);
  // Reading changes nothing: what could not be used is still there to be mended.
  ['ada.x1y2', 'ben.z9', 'cleo.q', 'dora.q'].forEach((name, i) =>
    expect(readFileSync(labels(`${name}.jsonl`)).equals(before[i])).toBe(true),
  );
}, 60_000);

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  effectiveLabels,
  preferenceOf,
  readLabels,
  standingLabels,
  type LabelRow,
} from '../../../src/data/labels/labels';
import { Random } from '../../../src/data/random';
import { label, lines, newFolder, undo } from './rows';

function folderWith(files: Record<string, string | Buffer>): string {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

const ids = (rows: readonly LabelRow[]): string[] => rows.map(({ id }) => id);

/** What an annotator does, as a machine with a stack: the plain meaning of undo. */
const actions = fc.array(
  fc.oneof(
    fc.record({ pair: fc.constantFrom('p', 'q', 'r'), annotator: fc.constantFrom('Ada', 'Ben') }),
    fc.record({ undo: fc.integer({ min: 1, max: 4 }), annotator: fc.constantFrom('Ada', 'Ben') }),
  ),
  { maxLength: 40 },
);

describe('the labels that count', () => {
  it('undo at any depth leaves what a stack leaves; the last label of a pair counts', () => {
    fc.assert(
      fc.property(actions, (list) => {
        const rows: LabelRow[] = [];
        const stacks: Record<string, LabelRow[]> = { Ada: [], Ben: [] };
        let given = 0;
        for (const action of list) {
          const stack = stacks[action.annotator];
          if ('pair' in action) {
            const row = label(`row-${rows.length}`, action.pair, 1, { annotator: action.annotator });
            rows.push(row);
            stack.push(row);
            given++;
          } else
            for (let n = 0; n < action.undo; n++) {
              const target = stack.pop();
              if (target) rows.push(undo(`row-${rows.length}`, target));
            }
        }
        const left = [...stacks.Ada, ...stacks.Ben];
        const last = new Map(left.map((row) => [`${row.annotator} ${row.pair}`, row.id]));
        const { labels, undone, superseded, unknown } = effectiveLabels(rows);
        expect(new Set(ids(labels))).toEqual(new Set(last.values()));
        expect(undone).toBe(given - left.length);
        expect(superseded).toBe(left.length - last.size);
        expect(unknown).toEqual([]);
      }),
    );
  });

  it('an undo that is undone takes nothing back, and nobody undoes the label of another', () => {
    const first = label('1', 'p');
    const taken = undo('2', first);
    expect(standingLabels([first, taken])).toEqual([]);
    expect(standingLabels([first, taken, undo('3', taken)])).toEqual([first]);
    expect(standingLabels([first, undo('2', first, { annotator: 'Ben' })])).toEqual([first]);
    expect(standingLabels([first, undo('2', label('gone', 'p'))])).toEqual([first]);
  });

  it('an undone correction gives the label before it back', () => {
    const rows = [label('1', 'p', 1), label('2', 'p', -1)];
    expect(ids(effectiveLabels(rows).labels)).toEqual(['2']);
    expect(ids(effectiveLabels([...rows, undo('3', rows[1])]).labels)).toEqual(['1']);
  });

  it('labels of unknown pairs are set aside', () => {
    const rows = [label('1', 'p'), label('2', 'gone'), label('3', 'gone')];
    const { labels, unknown, superseded } = effectiveLabels(rows, new Set(['p']));
    expect([ids(labels), ids(unknown), superseded]).toEqual([['1'], ['3'], 1]);
  });

  it('says what a value means for a reward', () => {
    expect(([-2, -1, 0, 1, 2, 'both_bad', 'skip'] as const).map(preferenceOf)).toEqual([0, 0, 0.5, 1, 1, null, null]);
  });
});

describe('reading label files', () => {
  it('a missing folder has no labels', () => {
    expect(readLabels(newFolder())).toEqual({ rows: [], faults: [], repeated: 0, files: [] });
  });

  it('reads every annotator and clone, but no pairs, comments or hidden files', () => {
    const folder = folderWith({
      'ada.x1.jsonl': lines([label('1', 'p')]),
      'ada.x2.jsonl': lines([label('2', 'q', 0, { time: 5 })]),
      'ben.x1.jsonl': lines([label('3', 'p', -2, { annotator: 'Ben', time: 3 })]),
      'pairs.jsonl': '{"id":"p"}\n',
      'comments.jsonl': '{}\n',
      '.ada.x1.jsonl.7.tmp': 'torn',
      'guideline.md': '# Guideline\n',
    });
    const { rows, faults, files } = readLabels(folder);
    expect([ids(rows), faults, files.length]).toEqual([['1', '3', '2'], [], 3]);
  });

  it('keeps a merged, damaged file’s whole rows and names every bad line', () => {
    const rows = [1, 2, 3].map((n) => JSON.stringify(label(String(n), 'p')));
    const folder = folderWith({
      'ada.x1.jsonl': Buffer.concat([
        Buffer.from(`${rows[0]}\n<<<<<<< HEAD\n${rows[1]}\n=======\n${rows[1]}\n${rows[2]}\n>>>>>>> theirs\n`),
        Buffer.from(
          `${JSON.stringify({ ...label('4', 'p'), value: 3 })}\n${JSON.stringify({ ...label('5', 'p'), v: 9 })}\n`,
        ),
        Buffer.from(`${JSON.stringify({ ...label('6', 'p'), pair: undefined })}\n\0\0\0\n`),
        Buffer.from([0xff, 0x0a]),
        Buffer.from(rows[0].slice(0, 20)),
      ]),
    });
    const read = readLabels(folder);
    expect(ids(read.rows)).toEqual(['1', '2', '3']);
    expect(read.repeated).toBe(1);
    expect(read.faults.map(({ line, kind }) => [line, kind]).sort((x, y) => Number(x[0]) - Number(y[0]))).toEqual([
      [2, 'merge-marker'],
      [4, 'merge-marker'],
      [7, 'merge-marker'],
      [8, 'row'],
      [9, 'version'],
      [10, 'row'],
      [11, 'encoding'],
      [12, 'encoding'],
      [13, 'torn'],
    ]);
    expect(read.faults.find(({ line }) => line === 8)?.message).toContain('"both_bad"');
  });

  it('one file in UTF-16 does not hide the others', () => {
    const folder = folderWith({
      'ada.x1.jsonl': Buffer.from(`\ufeff${lines([label('1', 'p')])}`, 'utf16le'),
      'ben.x1.jsonl': `\ufeff${lines([label('2', 'p', 1, { annotator: 'Ben' })]).trim()}`,
    });
    mkdirSync(join(folder, 'folder.jsonl'));
    const { rows, faults } = readLabels(folder);
    expect(ids(rows)).toEqual(['2']);
    expect(faults.map(({ kind, line }) => [kind, line])).toEqual([
      ['file', 1],
      ['file', 1],
    ]);
  });

  it('never throws and never loses a whole line, whatever stands in the others', () => {
    const whole = JSON.stringify(label('whole', 'p'));
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.nat(whole.length).map((length) => Buffer.from(whole.slice(0, length))),
      fc.constant(Buffer.from('=======')),
    );
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 4 }), fc.array(noise, { maxLength: 4 }), (before, after) => {
        // A line first, so that no first bytes make the file one of another kind.
        const parts = [Buffer.from('{}'), ...before, Buffer.from(whole), ...after];
        const folder = folderWith({
          'ada.x1.jsonl': Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')])),
        });
        expect(ids(readLabels(folder).rows)).toEqual(['whole']);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the order within a file when a clock goes back, and an undo behind what it undoes when clocks differ', () => {
    const late = label('late', 'p', 1, { time: 9000 });
    const folder = folderWith({
      'ada.x1.jsonl': lines([label('1', 'p', 1, { time: 500 }), label('2', 'p', -1, { time: 100 })]),
      'ada.x2.jsonl': lines([label('3', 'q', 1, { time: 300 }), late]),
      'ada.x3.jsonl': lines([undo('4', late, { time: 200 }), label('5', 'q', -1, { time: 210 })]),
    });
    const { rows } = readLabels(folder);
    expect(ids(rows)).toEqual(['3', '1', '2', 'late', '4', '5']);
    expect(ids(effectiveLabels(rows).labels)).toEqual(['2', '5']);
  });

  it('does not depend on how rows are spread over files', () => {
    const random = Random.from(7);
    const rows = Array.from({ length: 60 }, (_, n) => label(`${n}`, `p${random.int(9)}`, 1, { time: n }));
    const files: Record<string, LabelRow[]> = { 'ada.x1.jsonl': [], 'ada.x2.jsonl': [], 'ada.x3.jsonl': [] };
    for (const row of rows) files[`ada.x${1 + random.int(3)}.jsonl`].push(row);
    const folder = folderWith(Object.fromEntries(Object.entries(files).map(([name, list]) => [name, lines(list)])));
    expect(readLabels(folder).rows).toEqual(rows);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import type { Row } from '../../src/data/rows';
import { contentOf, splitRows } from '../../src/data/split';

const same = (text: string) => text;
const numbered = (n: number) => Array.from({ length: n }, (_, i) => `row ${i}`);

describe('splitRows', () => {
  it('keeps every row on one side, in order, duplicates together', () => {
    const rows = fc.array(fc.integer({ min: 0, max: 30 }).map(String), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(rows, fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.integer(), (texts, share, seed) => {
        fc.pre(new Set(texts).size > 1);
        const { train, heldOut } = splitRows(texts, share, seed, same);
        expect(train.length).toBeGreaterThan(0);
        expect(heldOut.length).toBeGreaterThan(0);
        expect(train.filter((text) => heldOut.includes(text))).toEqual([]);
        expect(train).toEqual(texts.filter((text) => !heldOut.includes(text)));
        expect(heldOut).toEqual(texts.filter((text) => heldOut.includes(text)));
      }),
    );
  });

  it('does not move a row when others are added', () => {
    const before = splitRows(numbered(500), 0.1, 42, same);
    const after = splitRows(numbered(1000), 0.1, 42, same);
    expect(after.heldOut.filter((text) => Number(text.slice(4)) < 500)).toEqual(before.heldOut);
  });

  it('holds out about the share, other rows for another seed', () => {
    const { heldOut } = splitRows(numbered(4000), 0.05, 1, same);
    expect(Math.abs(heldOut.length - 200)).toBeLessThan(60);
    expect(splitRows(numbered(4000), 0.05, 2, same).heldOut).not.toEqual(heldOut);
  });

  it('holds out a count of rows', () => {
    expect(splitRows(numbered(50), 7, 1, same).heldOut).toHaveLength(7);
    expect(splitRows(['a', 'a', 'a', 'b'], 1, 1, same).heldOut.length).toBeOneOf([1, 3]);
  });

  it('holds out nothing for false', () => {
    expect(splitRows(['a'], false, 1, same)).toEqual({ train: ['a'], heldOut: [] });
  });

  it('refuses what leaves nothing to train on', () => {
    expect(() => splitRows(numbered(5), 5, 1, same)).toThrow(/nothing is left/);
    expect(() => splitRows(['a', 'a'], 0.5, 1, same)).toThrow(/one distinct row/);
    expect(() => splitRows([], 0.5, 1, same)).toThrow(/no rows/);
    for (const bad of [-1, 1.5, NaN]) expect(() => splitRows(numbered(5), bad, 1, same)).toThrow(UserError);
  });

  it('knows rows by what they say, not by where they stand', () => {
    const row = (line: number): Row => ({ kind: 'text', text: 'a', file: `${line}.jsonl`, line, index: line });
    expect(contentOf(row(1))).toBe(contentOf(row(2)));
    const place = { file: '', line: 1, index: 0 };
    const contents = [
      contentOf({ kind: 'text', text: 'a', ...place }),
      contentOf({ kind: 'prompt', prompt: 'a', ...place }),
      contentOf({ kind: 'completion', prompt: 'a', completion: '', ...place }),
      contentOf({ kind: 'messages', messages: [{ role: 'user', content: 'a' }], ...place }),
    ];
    expect(new Set(contents).size).toBe(4);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBlocks, packExamples, unpacked, type Packable, type PackedRow } from '../../src/data/packing';

const MAX = 16;

/** Examples whose tokens tell where they came from: 100 · example + place. */
const examples = (lengths: number[]): Packable[] =>
  lengths.map((length, example) => ({
    ids: Int32Array.from({ length }, (_, i) => example * 100 + i),
    mask: Uint8Array.from({ length }, (_, i) => (i > 0 && (i * 7 + example) % 3 > 0 ? 1 : 0)),
  }));
const lengths = fc.array(fc.integer({ min: 0, max: MAX }), { maxLength: 40 });
const anyLengths = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 });

/** Every segment is a stretch of one example from its beginning or from the row's, with positions from 0. */
function checkSegments(row: PackedRow): void {
  row.segments.forEach((segment, i) => {
    const begins = i === 0 || segment !== row.segments[i - 1];
    if (begins) {
      expect(row.positions[i]).toBe(0);
      expect(row.mask[i]).toBe(0);
      expect(segment).toBe(i === 0 ? 1 : row.segments[i - 1] + 1);
    } else {
      expect(row.positions[i]).toBe(row.positions[i - 1] + 1);
      expect(row.ids[i]).toBe(row.ids[i - 1] + 1); // the same example goes on
    }
  });
}

describe('packExamples', () => {
  it('keeps every example whole, once, with its mask', () => {
    fc.assert(
      fc.property(lengths, (sizes) => {
        const input = examples(sizes);
        const rows = packExamples(input, MAX);
        for (const row of rows) {
          expect(row.ids.length).toBeLessThanOrEqual(MAX);
          checkSegments(row);
          let at = 0;
          for (const example of row.rows) {
            const { ids, mask } = input[example];
            expect(row.ids.slice(at, at + ids.length)).toEqual(ids);
            expect(row.mask.slice(at, at + ids.length)).toEqual(mask);
            at += ids.length;
          }
        }
        const seen = rows.flatMap((row) => row.rows).sort((a, b) => a - b);
        expect(seen).toEqual(sizes.flatMap((size, i) => (size ? [i] : [])));
        expect(packExamples(input, MAX)).toEqual(rows);
      }),
    );
  });

  it('leaves no two rows that would fit into one', () => {
    fc.assert(
      fc.property(lengths, (sizes) => {
        const filled = packExamples(examples(sizes), MAX).map(({ ids }) => ids.length);
        const [a, b] = filled.sort((x, y) => x - y);
        if (b !== undefined) expect(a + b).toBeGreaterThan(MAX);
      }),
    );
  });

  it('takes the fullest row that has room', () => {
    const rows = packExamples(examples([10, 9, 6, 7]), MAX);
    expect(rows.map((row) => row.rows)).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('refuses an example that is longer than a row', () => {
    expect(() => packExamples(examples([MAX + 1]), MAX)).toThrow(RangeError);
  });
});

describe('packBlocks', () => {
  it('keeps all tokens in order, in full blocks', () => {
    fc.assert(
      fc.property(anyLengths, (sizes) => {
        const input = examples(sizes);
        const rows = packBlocks(input, MAX);
        rows.forEach((row, i) => {
          checkSegments(row);
          if (i < rows.length - 1) expect(row.ids.length).toBe(MAX);
        });
        const all = input.flatMap(({ ids }) => [...ids]);
        const kept = rows.flatMap(({ ids }) => [...ids]);
        expect(all.slice(0, kept.length)).toEqual(kept);
        expect(all.length - kept.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('begins a new segment where a document goes over a cut', () => {
    const [first, second] = packBlocks(examples([10, 10]), MAX);
    expect([...first.segments]).toEqual([...Array<number>(10).fill(1), ...Array<number>(6).fill(2)]);
    expect([...second.ids]).toEqual([106, 107, 108, 109]);
    expect([...second.positions]).toEqual([0, 1, 2, 3]);
    expect(second.rows).toEqual([1]);
    expect(second.mask[0]).toBe(0);
  });
});

describe('unpacked', () => {
  it('gives each example with tokens a row of its own', () => {
    const rows = unpacked(examples([3, 0, 5]));
    expect(rows.map((row) => row.rows)).toEqual([[0], [2]]);
    expect([...rows[0].ids]).toEqual([0, 1, 2]);
    expect([...rows[1].ids]).toEqual([200, 201, 202, 203, 204]);
    expect([...rows[1].segments]).toEqual([1, 1, 1, 1, 1]);
    expect([...rows[1].positions]).toEqual([0, 1, 2, 3, 4]);
  });
});

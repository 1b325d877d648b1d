import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairId, pairToLine, readPairs, toPair, type PairDraft } from '../../../src/data/labels/pairs';
import { usablePairs, writePairs } from '../../../src/data/labels/pairs-writer';
import type { Message } from '../../../src/data/rows';
import { draft, newFolder } from './rows';

const messages: Message[] = [
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'Hi', extra: { name: 'Ben' } },
];

function fileWith(content: string | Buffer): string {
  const file = join(newFolder(), 'pairs.jsonl');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

describe('the id of a pair', () => {
  it('is fixed for ever: labels in git refer to it', () => {
    // From Python: sha256(json.dumps([prompt, a, b], sort_keys=True, separators=(',', ':'), ensure_ascii=False)).
    expect(pairId('q', 'x', 'y')).toBe('d01b23436b471c6c');
    expect(pairId(messages, 'x', 'y')).toBe('bc755ea0eaaf2daf');
  });

  it('does not depend on the order of keys, but on prompt, a and b', () => {
    const swapped: Message[] = [messages[0], { extra: { name: 'Ben' }, content: 'Hi', role: 'user' }];
    expect(pairId(swapped, 'x', 'y')).toBe(pairId(messages, 'x', 'y'));
    const ids = [pairId('q', 'x', 'y'), pairId('q', 'y', 'x'), pairId('qx', '', 'y'), pairId([messages[0]], 'x', 'y')];
    expect(new Set(ids).size).toBe(4);
  });
});

describe('reading pairs', () => {
  it('gives back what was written, any text included', () => {
    const text = fc.string({ unit: 'binary' });
    const drafts = fc.array(
      fc.record({
        prompt: fc.oneof(text, fc.constant(messages)),
        a: text,
        b: text,
        tags: fc.array(text),
        provenance: fc.record({ source: text, a: fc.record({ model: text, step: fc.nat() }) }),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(drafts, (rows) => {
        const { pairs } = usablePairs(rows);
        const read = readPairs(fileWith(pairs.map((pair) => `${pairToLine(pair)}\n`).join('')));
        expect(read.faults).toEqual([]);
        expect(read.pairs).toEqual(pairs);
      }),
      { numRuns: 50 },
    );
  });

  it('a missing file has no pairs', () => {
    expect(readPairs(join(newFolder(), 'pairs.jsonl'))).toEqual({
      pairs: [],
      lines: [],
      faults: [],
      repeated: 0,
      unread: [],
    });
  });

  it('keeps the whole rows of a damaged file and names every bad line', () => {
    const [one, two, three] = [1, 2, 3].map((n) => pairToLine(toPair(draft(n))));
    const file = fileWith(
      Buffer.concat([
        Buffer.from(`\ufeff${one}\r\n\n<<<<<<< HEAD\n${two}\n=======\n${two}\n${three}\n>>>>>>> theirs\n`),
        Buffer.from('{"prompt":"q","a":"caf'),
        Buffer.from([0xe9]),
        Buffer.from('","b":"y"}\n'),
        Buffer.from(
          '{"prompt":"q","a":1,"b":"y"}\n{"prompt":"q","a":"x","b":"y","v":2}\n[1]\n{"prompt" "q"}\n{"prompt":"q","a":"x',
        ),
      ]),
    );
    const { pairs, faults, repeated } = readPairs(file);
    expect(pairs.map(({ prompt }) => prompt)).toEqual(['question 1', 'question 2', 'question 3']);
    expect(repeated).toBe(1);
    expect(faults.map(({ line, kind }) => [line, kind])).toEqual([
      [3, 'merge-marker'],
      [5, 'merge-marker'],
      [8, 'merge-marker'],
      [9, 'encoding'],
      [10, 'row'],
      [11, 'version'],
      [12, 'json'],
      [13, 'json'],
      [14, 'torn'],
    ]);
    expect(faults.every((fault) => fault.file === file && fault.hint !== '')).toBe(true);
    expect(faults[4].message).toContain('a is a number');
  });

  it('a file in UTF-16 is one fault that says so', () => {
    const file = fileWith(Buffer.from(`\ufeff${pairToLine(toPair(draft(1)))}\n`, 'utf16le'));
    const { pairs, faults } = readPairs(file);
    expect(pairs).toEqual([]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ file, line: 1, kind: 'file' });
    expect(faults[0].message).toContain('UTF-16');
    expect(() => writePairs(file, [draft(2)])).toThrow('UTF-16');
    expect(readFileSync(file).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xfe]));
  });

  it('a pair written by hand needs no id', () => {
    const { pairs } = readPairs(fileWith('{"prompt":"q","a":"x","b":"y"}\n'));
    expect(pairs[0].id).toBe(pairId('q', 'x', 'y'));
  });
});

describe('writing pairs', () => {
  it('counts equal and empty answers and duplicates in either order, and leaves them out', () => {
    const { pairs, ...counts } = usablePairs([
      draft(1),
      draft(1),
      draft(1, { a: draft(1).b, b: draft(1).a }),
      draft(2, { a: ' same\n', b: 'same' }),
      draft(3, { b: ' \n' }),
    ]);
    expect(pairs.map(({ prompt }) => prompt)).toEqual(['question 1']);
    expect(counts).toEqual({ equal: 1, empty: 1, duplicates: 2 });
  });

  it('keeps pairs with labels when generating again, and replaces the others', () => {
    const file = join(newFolder(), 'pairs.jsonl');
    writePairs(file, [draft(1), draft(2), draft(3)]);
    const labeled = new Set([1, 2].map((n) => toPair(draft(n)).id));
    const again: PairDraft[] = [draft(2, { a: draft(2).b, b: draft(2).a, tags: ['new'] }), draft(4)];
    const result = writePairs(file, again, { labeled: () => labeled });
    expect(result).toMatchObject({ added: 1, kept: 1, removed: 1, equal: 0, empty: 0, duplicates: 0 });
    const { pairs } = readPairs(file);
    expect(pairs).toEqual(result.pairs);
    // The pair that came out in the other order is the old one: its labels go on counting.
    expect(pairs).toEqual([toPair(draft(1)), toPair(draft(2)), toPair(draft(4))]);
    expect(readdirSync(dirname(file))).toEqual(['pairs.jsonl']);
  });

  it('replaces only pairs of its own source: what people sent there stays', () => {
    const file = join(newFolder(), 'pairs.jsonl');
    const of = (n: number, source?: string): PairDraft => draft(n, source ? { provenance: { source } } : {});
    writePairs(file, [of(1, 'generated'), of(2, 'sent'), of(3)]);
    const result = writePairs(file, [of(4, 'generated')], { labeled: () => new Set(), source: 'generated' });
    expect(result).toMatchObject({ added: 1, kept: 2, removed: 1 });
    expect(readPairs(file).pairs.map(({ prompt }) => prompt)).toEqual(['question 2', 'question 3', 'question 4']);
  });

  it('brings a pair back whose first label comes while the file is replaced', () => {
    const file = join(newFolder(), 'pairs.jsonl');
    writePairs(file, [draft(1), draft(2)]);
    let asked = 0;
    const labeled = (): Set<string> => new Set(asked++ === 0 ? [] : [toPair(draft(2)).id]);
    const result = writePairs(file, [draft(3)], { labeled });
    expect(result).toMatchObject({ added: 1, kept: 1, removed: 1 });
    expect(readPairs(file).pairs.map(({ prompt }) => prompt)).toEqual(['question 2', 'question 3']);
  });

  it('sees pairs that another writer adds in between', () => {
    const file = join(newFolder(), 'pairs.jsonl');
    writePairs(file, [draft(1)]);
    let asked = 0;
    writePairs(file, [draft(2)], {
      labeled: () => {
        if (asked++ === 0) writePairs(file, [draft(3)]);
        return new Set([1, 3].map((n) => toPair(draft(n)).id));
      },
    });
    expect(readPairs(file).pairs.map(({ prompt }) => prompt)).toEqual(['question 1', 'question 3', 'question 2']);
  });

  it('lines that cannot be read stay byte for byte, merge markers go', () => {
    const bad = Buffer.concat([Buffer.from('{"prompt":"caf'), Buffer.from([0xe9]), Buffer.from('"}')]);
    const marker = Buffer.from('<<<<<<< HEAD\n');
    const file = fileWith(Buffer.concat([marker, bad, Buffer.from(`\n${pairToLine(toPair(draft(1)))}\n`)]));
    expect(writePairs(file, [draft(2)]).faults).toHaveLength(2);
    const after = readFileSync(file);
    expect(after.includes(bad)).toBe(true);
    expect(after.includes(marker)).toBe(false);
    expect(readPairs(file).pairs).toHaveLength(2);
  });
});

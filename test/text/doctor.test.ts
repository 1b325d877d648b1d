import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import type { Example } from '../../src/data/example';
import type { Row } from '../../src/data/rows';
import { renderRows } from '../../src/models/render';
import { loadTokenizer } from '../../src/models/tokenizer';
import { describe as words, examine, markLearnt, refuseUnlearnable } from '../../src/stages/training/doctor';
import { FIXTURES } from './fixtures';

const tokenizer = loadTokenizer(join(FIXTURES, 'byte-level'));
const rows = (...pairs: [string, string][]): Row[] =>
  pairs.map(([prompt, completion], index) => ({
    kind: 'completion',
    prompt,
    completion,
    file: 'a.jsonl',
    index,
    line: index + 1,
  }));
const rendered = (maxLength: number, ...pairs: [string, string][]): Example[] =>
  renderRows(rows(...pairs), tokenizer, null, { maxLength }).examples;

describe('the data doctor', () => {
  it('counts what is wrong and says where', () => {
    const train = rendered(
      16,
      ['the river:', ' stone'],
      ['the lamp:', ' garden'],
      ['the river:', ' stone'],
      ['the letter:', ' bread'.repeat(30)],
      ['bread '.repeat(30), 'x'],
    );
    const held = rendered(16, ['the lamp:', ' garden'], ['the road:', ' music']);
    const report = examine(train, held);
    expect(report).toMatchObject({
      examples: 5,
      heldOut: 2,
      learnless: { count: 1, places: [{ file: 'a.jsonl', line: 5 }] },
      truncated: { count: 2, places: [{ line: 4 }, { line: 5 }] },
      unterminated: { count: 0 },
      duplicates: { count: 1, places: [{ line: 3 }] },
      alsoHeldOut: { count: 1, places: [{ line: 2 }] },
    });
    expect(report.truncated.tokens).toBe(train.reduce((sum, { cut }) => sum + cut, 0));
    expect(report.truncated.most).toBe(Math.max(...train.map(({ cut }) => cut)));
    expect(report.tokens).toBe(train.reduce((sum, { ids }) => sum + ids.length, 0));
    expect(report.lengths.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(5);
    const text = words(report).join('\n');
    expect(text).toContain('1 of 5 examples (20.0 %) have nothing to learn: a.jsonl:5.');
    expect(text).toContain('repeat an earlier one: a.jsonl:3');
    expect(text).toContain('also stand in the held-out data');
  });

  it('has one sentence for sound data', () => {
    expect(words(examine(rendered(64, ['the river:', ' stone'])))).toHaveLength(1);
  });

  it('finds answers that do not end', () => {
    const [example] = rendered(64, ['the river:', ' stone']);
    const report = examine([{ ...example, terminated: false }]);
    expect(report.unterminated.count).toBe(1);
  });

  it('groups notes by kind with the first case in words', () => {
    const report = examine(rendered(64, ['we go to ', 'the river'], ['we come from ', 'the road']));
    expect(report.notes).toMatchObject([{ kind: 'boundary', count: 2 }]);
    expect(words(report).join(' ')).toContain('Move the blank into the completion');
  });

  it('stops above 5 % of examples with nothing to learn, not at it', () => {
    const long: [string, string] = ['bread '.repeat(30), 'x'];
    const good = Array.from({ length: 19 }, (_, i): [string, string] => [`the ${i}:`, ' river']);
    expect(() => refuseUnlearnable(examine(rendered(16, ...good, long)))).not.toThrow();
    const bad = () => refuseUnlearnable(examine(rendered(16, ...good, long, long)));
    expect(bad).toThrow(UserError);
    expect(bad).toThrow(/2 of 21 examples have no token to learn .*a\.jsonl:20, a\.jsonl:21/);
  });

  it('stops when nothing is left', () => {
    expect(() => refuseUnlearnable(examine([]))).toThrow(/no examples/);
    expect(() => refuseUnlearnable(examine([], [], { dropped: 3 }))).toThrow(/every row is longer than max_length/);
  });

  it('marks what is learnt, character for character', () => {
    const [example] = rendered(64, ['naïve 東京:', ' 🙂 café']);
    const marked = markLearnt(example, tokenizer);
    expect(marked).toEqual([
      { text: 'naïve 東京:', learnt: false },
      { text: ' 🙂 café<|end|>', learnt: true },
    ]);
  });
});

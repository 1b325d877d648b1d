import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BYTE_CHARACTERS } from '../../src/models/token-decoder';
import { tokenEnds } from '../../src/models/token-ends';
import { loadTokenizer } from '../../src/models/tokenizer';
import { FIXTURES, readFixture, TOKENIZERS, type TokenizerCase } from '../text/fixtures';

describe.each(TOKENIZERS)('where tokens of a %s tokenizer end', (name) => {
  const tokenizer = loadTokenizer(join(FIXTURES, name));

  it('is as far as their beginning decodes to whole characters', () => {
    let characters = 0;
    for (const { ids } of readFixture<TokenizerCase[]>(name, 'cases.json')) {
      const text = tokenizer.decode(ids, { skipSpecial: true });
      if (text.includes('\ufffd')) continue;
      const ends = tokenEnds(ids, text, tokenizer) ?? [];
      expect(ends).toHaveLength(ids.length);
      ids.forEach((_, i) => {
        const beginning = tokenizer.decode(ids.slice(0, i + 1), { skipSpecial: true });
        const whole = beginning.replace(/\ufffd+$/, '');
        // Byte fallback reads a run of bytes as a whole: with half a character at its end it gives none of them.
        if (name === 'sentence-piece' && whole !== beginning) expect(text.slice(0, ends[i])).toContain(whole);
        else expect(whole).toBe(text.slice(0, ends[i]));
      });
      characters += text.length;
    }
    expect(characters).toBeGreaterThan(500);
  });

  it('is within the text that was trimmed, whatever the tokens', () => {
    const ids = fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 30 });
    fc.assert(
      fc.property(ids, (given) => {
        const said = tokenizer.decode(given, { skipSpecial: true });
        const text = said.trim();
        const ends = tokenEnds(given, text, tokenizer);
        if (name === 'byte-level') expect(ends).toBeDefined();
        if (!ends || given.length === 0) return;
        expect(ends.every((end, i) => end >= (ends[i - 1] ?? 0) && end <= text.length)).toBe(true);
        expect(ends.at(-1)).toBe(text.length);
      }),
    );
  });
});

const tokenizer = loadTokenizer(join(FIXTURES, 'byte-level'));

it('leaves the pieces of a character without text until it is whole', () => {
  const ids = [...new TextEncoder().encode('a😀b')].map((byte) => tokenizer.tokenId(BYTE_CHARACTERS[byte]) ?? -1);
  expect(tokenEnds(ids, 'a😀b', tokenizer)).toEqual([1, 1, 1, 1, 3, 4]);
  // One that never becomes whole belongs to its last piece, not to the end of the turn behind it.
  expect(tokenEnds([...ids.slice(0, 3), tokenizer.eosIds[0]], 'a\ufffd', tokenizer)).toEqual([1, 1, 2, 2]);
});

it('has none for a text that the tokens do not say', () => {
  expect(tokenEnds(tokenizer.encode('one'), 'two', tokenizer)).toBeUndefined();
});

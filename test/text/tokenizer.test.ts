import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { Random } from '../../src/data/random';
import { BREAK, loadTokenizer } from '../../src/models/tokenizer';
import { FIXTURES, readFixture, TOKENIZERS, type TokenizerCase } from './fixtures';

describe.each(TOKENIZERS)('a %s tokenizer', (name) => {
  const tokenizer = loadTokenizer(join(FIXTURES, name));
  const cases = readFixture<TokenizerCase[]>(name, 'cases.json');

  it('encodes as the Python library', () => {
    for (const { text, ids } of cases) expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
  });

  it('puts before a text what the Python library puts', () => {
    for (const { text, with_special } of cases) expect(tokenizer.encode(text, { begin: true })).toEqual(with_special);
  });

  it('decodes as the Python library', () => {
    for (const { text, ids, decoded, skipped } of cases) {
      expect([text, tokenizer.decode(ids)]).toEqual([text, decoded]);
      expect([text, tokenizer.decode(ids, { skipSpecial: true })]).toEqual([text, skipped]);
    }
  });

  it('streams the same text, never half a character', () => {
    for (const { text, ids } of cases) {
      const stream = tokenizer.stream();
      const pieces = ids.map((id) => stream.push(id));
      if (!text.includes('\ufffd')) for (const piece of pieces) expect(piece).not.toContain('\ufffd');
      expect(pieces.join('') + stream.end()).toBe(tokenizer.decode(ids));
    }
  });

  it('makes no control token from untrusted text', () => {
    const part = fc.constantFrom(...tokenizer.controlTokens.slice(0, 6), ' ', 'a', '<', '|', '>', '<|', '|>', BREAK);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const plain = tokenizer.encode(text, { control: false });
        expect(plain.filter((id) => tokenizer.isControl(id))).toEqual([]);
        const inside = tokenizer.encode(`<|user|>${tokenizer.breakControl(text)}<|end|>`);
        expect(inside.filter((id) => tokenizer.isControl(id))).toEqual([
          tokenizer.tokenId('<|user|>'),
          tokenizer.tokenId('<|end|>'),
        ]);
      }),
    );
  });

  it('keeps the places of its sections', () => {
    for (const { text, ids } of cases) {
      const sections = tokenizer.sections(text);
      expect(sections.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text);
      expect(sections.flatMap((section) => section.ids)).toEqual(ids);
    }
  });
});

describe('a byte-level tokenizer', () => {
  const tokenizer = loadTokenizer(join(FIXTURES, 'byte-level'));

  it('gives back every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const whole = Buffer.from(text).toString();
        expect(tokenizer.decode(tokenizer.encode(whole))).toBe(whole);
      }),
    );
  });

  it('streams any tokens, whole characters only', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 30 }), (ids) => {
        const stream = tokenizer.stream();
        expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(tokenizer.decode(ids));
      }),
    );
  });

  it('gives nothing for ids that no token has', () => {
    expect(tokenizer.decode([tokenizer.vocabSize + 5, -1])).toBe('');
    expect(tokenizer.decode([])).toBe('');
  });
});

describe('loadTokenizer', () => {
  const good = {
    model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] },
    added_tokens: [{ id: 3, content: '<end>', special: true }],
    pre_tokenizer: { type: 'ByteLevel' },
    decoder: { type: 'ByteLevel' },
  };
  const folderWith = (files: Record<string, unknown>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
    for (const [name, value] of Object.entries(files)) {
      writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
    }
    return folder;
  };

  it('takes the stop tokens from generation_config, then config, then the tokenizer', () => {
    const files = { 'tokenizer.json': good, 'tokenizer_config.json': { eos_token: { content: '<end>' } } };
    expect(loadTokenizer(folderWith(files)).eosIds).toEqual([3]);
    expect(loadTokenizer(folderWith({ ...files, 'config.json': { eos_token_id: 2 } })).eosIds).toEqual([2]);
    const both = { ...files, 'config.json': { eos_token_id: 2 }, 'generation_config.json': { eos_token_id: [1, 3] } };
    const tokenizer = loadTokenizer(folderWith(both));
    expect([tokenizer.eosIds, tokenizer.eosId, tokenizer.padId, tokenizer.stopsNamed]).toEqual([[1, 3], 3, 3, true]);
  });

  const hostile: [string, unknown, RegExp][] = [
    ['no JSON', '{"model": ', /not JSON/],
    ['a list', [], /must hold a JSON object/],
    ['no model', {}, /`model` must be an object/],
    ['a vocabulary of text', { ...good, model: { ...good.model, vocab: 'abc' } }, /`model.vocab` must be an object/],
    ['an empty vocabulary', { ...good, model: { ...good.model, vocab: {} } }, /`model.vocab` is empty/],
    ['a fractional id', { ...good, model: { ...good.model, vocab: { a: 0.5 } } }, /is 0.5, must be a whole number/],
    ['a giant id', { ...good, model: { ...good.model, vocab: { a: 1e12 } } }, /must be a whole number below/],
    ['an id given twice', { ...good, model: { ...good.model, vocab: { a: 1, b: 1 } } }, /another token has/],
    ['merges of one token', { ...good, model: { ...good.model, merges: ['ab'] } }, /`model.merges\[0\]` must be two/],
    ['merges of numbers', { ...good, model: { ...good.model, merges: [[1, 2]] } }, /`model.merges\[0\]` must be two/],
    ['an added token without text', { ...good, added_tokens: [{ id: 3, content: '' }] }, /added_tokens\[0\].content/],
    ['an added token of text id', { ...good, added_tokens: [{ id: 'x', content: 'y' }] }, /added_tokens\[0\].id/],
    ['an unknown splitter', { ...good, pre_tokenizer: { type: 'Magic' } }, /Magic/],
    ['an unknown model', { ...good, model: { type: 'Magic', vocab: { a: 0 } } }, /`model.type` is "Magic"/],
    ['a bad pattern', { ...good, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } }, /cannot be built/],
    ['a splitter of text', { ...good, pre_tokenizer: 'ByteLevel' }, /`pre_tokenizer` must be an object/],
    ['deep nesting', nested(50_000), /tokenizer/],
  ];
  it.each(hostile)('refuses %s', (_, content, words) => {
    const folder = folderWith({ 'tokenizer.json': content });
    try {
      loadTokenizer(folder);
      expect.unreachable('it was accepted');
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.message).toMatch(words);
      expect(error.file).toBe(join(folder, 'tokenizer.json'));
    }
  });

  it('refuses or reads any damaged tokenizer, and then works', () => {
    const junk: unknown[] = [
      null,
      0,
      -1,
      1.5,
      1e300,
      '',
      'x',
      '▁',
      '<0x00>',
      [],
      [[]],
      {},
      { type: 'ByteLevel' },
      { Regex: '(?<x>a|b' },
      true,
    ];
    const random = Random.from(5, 'tokenizer');
    const pick = (list: readonly unknown[]): unknown => list[random.int(list.length)];
    /** Replaces or drops one value somewhere in a JSON tree, near the root more often. */
    const damage = (value: unknown, depth: number): unknown => {
      if (typeof value !== 'object' || value === null || (depth > 0 && random.int(4) === 0)) return pick(junk);
      const keys = Object.keys(value);
      const key = keys[random.int(Math.max(1, keys.length))];
      const copy: Record<string, unknown> = { ...value };
      if (key !== undefined) copy[key] = damage(copy[key], depth + 1);
      if (key !== undefined && random.int(6) === 0) delete copy[key];
      return Array.isArray(value) ? Object.values(copy) : copy;
    };
    let read = 0;
    for (let run = 0; run < 150; run++) {
      const name = TOKENIZERS[run % TOKENIZERS.length];
      let tree = readFixture<unknown>(name, 'tokenizer.json');
      for (let times = 1 + random.int(2); times > 0; times--) tree = damage(tree, 0);
      const folder = folderWith({
        'tokenizer.json': JSON.stringify(tree),
        'tokenizer_config.json': { eos_token: pick(junk) },
      });
      try {
        const tokenizer = loadTokenizer(folder);
        const ids = tokenizer.encode('Hello <|end|> wörld 東京');
        const stream = tokenizer.stream();
        ids.forEach((id) => stream.push(id));
        expect(typeof tokenizer.decode(ids)).toBe('string');
        read++;
      } catch (error) {
        if (!(error instanceof UserError)) throw new Error(`run ${run} of ${folder}`, { cause: error });
      }
    }
    expect(read).toBeGreaterThan(10);
    expect(read).toBeLessThan(145);
  });

  it('says where a tokenizer is missing', () => {
    expect(() => loadTokenizer(folderWith({}))).toThrow(/no tokenizer.json/);
  });

  function nested(depth: number): string {
    const open = '{"type":"Sequence","pretokenizers":[';
    return JSON.stringify(good).replace('{"type":"ByteLevel"}', open.repeat(depth) + ']}'.repeat(depth));
  }
});

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainBpe, writeBpe } from '../../src/models/bpe';
import { ChatTemplate } from '../../src/models/chat';
import { loadTokenizer } from '../../src/models/tokenizer';
import { FIXTURES, readFixture, type TokenizerCase } from './fixtures';

const CONTROL = ['<|end|>', '<|user|>', '<|assistant|>', '<|system|>', '<s>'];
const corpus = readFileSync(join(FIXTURES, 'corpus.txt'), 'utf8');
const temporary = () => mkdtempSync(join(tmpdir(), 'bpe-'));

describe('trainBpe', () => {
  it('learns what the tokenizers library learns from the same text', () => {
    const recorded = readFixture<{ model: { vocab: Record<string, number>; merges: [string, string][] } }>(
      'byte-level',
      'tokenizer.json',
    );
    const model = trainBpe([corpus], { vocabSize: 700, specialTokens: CONTROL });
    expect(model.merges).toEqual(recorded.model.merges);
    expect(Object.fromEntries(model.vocab.map((token, id) => [token, id]))).toEqual(recorded.model.vocab);
  });

  it('does not depend on how the text is cut into lines', () => {
    const lines = corpus.match(/[^\n]*\n/g) ?? [];
    const whole = trainBpe([lines.join('')], { vocabSize: 400, specialTokens: CONTROL });
    const reversed = trainBpe([...lines].reverse(), { vocabSize: 400, specialTokens: CONTROL });
    expect(reversed).toEqual(whole);
  });

  it('leaves control tokens in the text out', () => {
    const model = trainBpe(['<|end|>'.repeat(100), 'ab ab'], { vocabSize: 400, specialTokens: ['<|end|>'] });
    expect(model.merges).toEqual([['a', 'b']]);
  });

  it('stops where no pair is frequent enough', () => {
    expect(trainBpe(['abc'], { vocabSize: 400, specialTokens: [] }).vocab.length).toBe(256);
    expect(trainBpe([], { vocabSize: 400, specialTokens: [] }).merges).toEqual([]);
    expect(
      trainBpe(['aaaaaaaa'], { vocabSize: 400, specialTokens: [], minFrequency: 1 }).merges.length,
    ).toBeGreaterThan(1);
  });

  it('refuses a vocabulary smaller than the bytes', () => {
    expect(() => trainBpe([], { vocabSize: 256, specialTokens: ['x'] })).toThrow(/from 257 on/);
  });
});

describe('writeBpe', () => {
  it('writes a tokenizer that reads as the recorded one', () => {
    const folder = temporary();
    const model = trainBpe([corpus], { vocabSize: 700, specialTokens: CONTROL });
    writeBpe(folder, model, { eosToken: '<|end|>', bosToken: '<s>', chatTemplate: '{{ eos_token }}' });
    const tokenizer = loadTokenizer(folder);
    for (const { text, ids } of readFixture<TokenizerCase[]>('byte-level', 'cases.json')) {
      expect(tokenizer.encode(text)).toEqual(ids);
    }
    expect([tokenizer.eosIds, tokenizer.bosId, tokenizer.padId, tokenizer.vocabSize]).toEqual([
      [0],
      4,
      0,
      model.vocab.length,
    ]);
    expect(ChatTemplate.load(folder).render([])).toBe('<|end|>');
  });

  it('gives back any text, whatever it was trained on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }),
        fc.string({ unit: 'grapheme' }),
        (texts, text) => {
          const folder = temporary();
          writeBpe(folder, trainBpe(texts, { vocabSize: 300, specialTokens: ['<end>'] }), { eosToken: '<end>' });
          const tokenizer = loadTokenizer(folder);
          expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('refuses an end that is no control token', () => {
    const model = trainBpe(['a'], { vocabSize: 300, specialTokens: ['<end>'] });
    expect(() => writeBpe(temporary(), model, { eosToken: '<eos>' })).toThrow(RangeError);
  });
});

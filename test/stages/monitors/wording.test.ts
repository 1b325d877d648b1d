import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import defaultPhrases from '../../../src/stages/monitors/flattery.json';
import { echoOf, Phrases, repetitionOf, unitsOf, wordsOf } from '../../../src/stages/monitors/wording';

/** Any code units, lone surrogates too. */
const text = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));
const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });

describe('words', () => {
  it('are cut at blanks and marks, without case', () => {
    expect(wordsOf('What’s 3 plus 4? “Seven.”')).toEqual(["what's", '3', 'plus', '4', 'seven']);
    expect(unitsOf('No!!')).toEqual(['no', '!', '!']);
  });

  it('of scripts without blanks are single characters', () => {
    expect(wordsOf('猫は黒い')).toEqual(['猫', 'は', '黒', 'い']);
    expect(wordsOf('Привет, мир')).toEqual(['привет', 'мир']);
    expect(wordsOf('مرحبا بالعالم')).toHaveLength(2);
  });

  it('of any text hold no blanks, and none come from nothing', () => {
    fc.assert(
      fc.property(text, (any) => {
        for (const word of [...wordsOf(any), ...unitsOf(any)]) expect(word).toMatch(/^\S+$/u);
      }),
    );
    expect(wordsOf('')).toEqual([]);
    expect(wordsOf(' \u200b\n')).toEqual([]);
  });
});

describe('echo', () => {
  it('is the share of runs of four words that the prompt has', () => {
    const prompt = wordsOf('Where does Oskdax live now?');
    // where does oskdax live | does oskdax live is | oskdax live is in | live is in fernbury
    expect(echoOf(wordsOf('Where does Oskdax live is in Fernbury.'), prompt)).toBe(1 / 4);
    expect(echoOf(wordsOf('Fernbury.'), prompt)).toBe(0);
    expect(echoOf([], prompt)).toBe(0);
  });

  it('is 1 for the prompt itself, and never leaves 0 to 1', () => {
    fc.assert(
      fc.property(words, words, (answer, prompt) => {
        const echo = echoOf(answer, prompt);
        expect(echo).toBeGreaterThanOrEqual(0);
        expect(echo).toBeLessThanOrEqual(1);
        if (answer.length >= 4) expect(echoOf(answer, [...prompt, ...answer])).toBe(1);
      }),
    );
  });
});

describe('repetition', () => {
  it('is counted by hand', () => {
    // runs of four of "a b a b a b": abab baba abab, two of them different; the last says again what stood before
    expect(repetitionOf('ababab'.split(''))).toEqual({
      rep4: 1 - 2 / 3,
      distinct: [2 / 6, 2 / 5, 2 / 4],
      longest: 4,
    });
    expect(repetitionOf('abcdefg'.split(''))).toEqual({ rep4: 0, distinct: [1, 1, 1], longest: 0 });
    expect(repetitionOf([])).toEqual({ rep4: 0, distinct: [1, 1, 1], longest: 0 });
  });

  it('of a text said twice is that of its second half', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer().map(String), { minLength: 4, maxLength: 30 }), (units) => {
        expect(repetitionOf([...units, ...units]).longest).toBe(units.length);
        expect(repetitionOf(units).rep4).toBe(0);
      }),
    );
  });

  it('never leaves 0 to 1', () => {
    fc.assert(
      fc.property(words, (units) => {
        const { rep4, distinct, longest } = repetitionOf(units);
        for (const share of [rep4, ...distinct]) {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
        }
        expect(longest).toBeLessThan(Math.max(1, units.length));
      }),
    );
  });
});

describe('phrases', () => {
  const count = (phrases: string[], text: string): number => new Phrases(phrases).count(wordsOf(text));

  it('are found whatever their case and marks, at whole words only', () => {
    expect(count(['great question'], 'Great question! A GREAT, question.')).toBe(2);
    expect(count(['great question'], 'greater questions')).toBe(0);
    expect(count(["you're right"], 'You’re right')).toBe(1);
  });

  it('count a place once where one phrase holds another', () => {
    expect(count(['wonderful question', 'what a wonderful question'], 'What a wonderful question!')).toBe(1);
  });

  it('may be of any script, or hold what means something in a pattern', () => {
    expect(count(['好问题'], '这是一个好问题。')).toBe(1);
    expect(count(['(a+)+ $', '???', ''], 'b a')).toBe(1);
    expect(count([], 'anything')).toBe(0);
  });

  it('of the list that comes with Alignment Lab are distinct', () => {
    expect(new Set(defaultPhrases).size).toBe(defaultPhrases.length);
    expect(count(defaultPhrases, 'What a wonderful question! You are very clever to ask.')).toBe(2);
    expect(count(defaultPhrases, 'Oskdax lives in Fernbury.')).toBe(0);
  });
});

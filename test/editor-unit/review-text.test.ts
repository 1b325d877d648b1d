import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toPair } from '../../src/data/labels/pairs';
import { promptsOfPairs, promptsOfSamples } from '../../src/editor/review/source';
import { answerAt, figuresOf, MOST_SHOWN, promptText, reviewText } from '../../src/editor/review/text';
import type { SampleRow } from '../../src/runs/format';

const sample = (step: number, row: number, answer: string, more: Partial<SampleRow> = {}): SampleRow => ({
  v: 1,
  step,
  time: 0,
  row,
  prompt: [{ role: 'user', content: 'Where does Ulsel live?' }],
  answer,
  ...more,
});

const documentOf = (rows: readonly SampleRow[], step?: number) =>
  reviewText(promptsOfSamples('sft-1', 'sft', rows, step));

describe('the samples of a run as a document', () => {
  it('groups by prompt and orders by step', () => {
    const rows = [
      sample(0, 12, 'the river', { tags: ['facts'] }),
      sample(400, 12, 'Ulsel lives in Fernbury.', { scores: { reward: 0.31 } }),
      sample(400, 13, 'Hello.', { prompt: 'Hi' }),
    ];
    const built = documentOf(rows);
    expect(built.text).toMatchInlineSnapshot(`
      "── prompt 12 ──────────────────────────────────────────────── tag: facts
      Where does Ulsel live?

      ─ sft @ 0
      the river

      ─ sft @ 400
      Ulsel lives in Fernbury.

      ── prompt 13 ───────────────────────────────────────────────────────────
      Hi

      ─ sft @ 400
      Hello.
      "
    `);
    expect(built.answers.map(({ sample: row, head, first, last }) => [row, head, first, last])).toEqual([
      [0, 3, 4, 4],
      [1, 6, 7, 7],
      [2, 12, 13, 13],
    ]);
    expect(figuresOf(built.answers[1]).map(({ label }) => label)).toEqual(['reward 0.31', '4 words']);
    const start = figuresOf({ ...built.answers[1], scores: { kl: -7.4e-7 } });
    expect(start[0]).toMatchObject({ label: 'KL 0.00', tooltip: expect.stringContaining('-7.4e-7') as unknown });
  });

  it('shows one step where one is asked for, and keeps the rows of the file as names', () => {
    const built = documentOf([sample(0, 1, 'early'), sample(400, 1, 'late')], 400);
    expect(built.text).toContain('late');
    expect(built.text).not.toContain('early');
    expect(built.answers[0]).toMatchObject({ key: 'sample 1', run: 'sft-1', sample: 1, step: 400 });
  });

  it('names the models of an evaluation, and numbers answers of one', () => {
    const built = documentOf([
      sample(1, 3, 'one', { model: 'sft' }),
      sample(1, 3, 'two', { model: 'ppo' }),
      sample(1, 3, 'three', { model: 'ppo' }),
    ]);
    expect(built.text.split('\n').filter((line) => line.startsWith('─ '))).toEqual(['─ sft', '─ ppo #1', '─ ppo #2']);
  });

  it('writes a conversation with its roles', () => {
    expect(
      promptText([
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ]),
    ).toBe('system: Be brief.\nuser: Hi');
  });
});

describe('the pairs of a stage as a document', () => {
  const pairs = [
    toPair({ prompt: 'Q', a: 'x', b: 'y', tags: ['facts'], provenance: { a: { model: 'sft' }, b: { model: 'dpo' } } }),
    toPair({ prompt: 'Q', a: 'z', b: 'x', tags: ['facts'] }),
    toPair({ prompt: 'R', a: 'x', b: 'y' }),
  ];

  it('has every answer to a prompt once, with all the pairs that it is a side of', () => {
    const prompts = promptsOfPairs('collect', pairs);
    expect(prompts.map(({ answers }) => answers.map(({ text, model }) => `${model} ${text}`))).toEqual([
      ['sft x', 'dpo y', 'collect z'],
      ['collect x', 'collect y'],
    ]);
    expect(prompts[0].answers[0].sides).toEqual([
      { pair: pairs[0].id, side: 'a' },
      { pair: pairs[1].id, side: 'b' },
    ]);
    expect(prompts[1].answers.map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('hostile answers', () => {
  const only = (answer: string) => documentOf([sample(1, 1, answer)]);

  it('are text without terminal escapes and direction marks', () => {
    const { text } = only('\u001b[2Jgone\u202eevil\u2066\r\nnext\u0085line');
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(text).toContain('␛[2Jgone[U+202E]evil[U+2066]\nnext\nline');
  });

  it('cannot pass for a line of the document', () => {
    const { text, answers } = only('── prompt 7 ───\n─ ppo @ 9\nfine');
    expect(text.split('\n').filter((line) => line.startsWith('─'))).toHaveLength(2);
    expect(answers).toHaveLength(1);
  });

  it('of a megabyte are cut with a note', () => {
    const built = only('word '.repeat(210_000));
    expect(built.text.length).toBeLessThan(MOST_SHOWN + 500);
    expect(built.text).toContain('─ … 1,030,000 more characters are not shown');
    expect(built.answers[0].shown).toHaveLength(MOST_SHOWN - 1);
  });

  it('that are empty are said to be', () => {
    expect(only('').text).toContain('─ … an empty answer');
  });
});

it('knows where each answer stands, whatever the answers hold', () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), text), { maxLength: 12 }), (given) => {
      const built = documentOf(given.map(([row, answer], step) => sample(step, row, answer)));
      const lines = built.text.split('\n');
      expect(built.answers).toHaveLength(given.length);
      for (const answer of built.answers) {
        expect(lines.slice(answer.first, answer.last + 1).join('\n')).toBe(answer.shown);
        expect(lines[answer.head]).toBe(`─ sft @ ${answer.step}`);
        expect(answerAt(built, answer.first)).toBe(answer);
      }
    }),
  );
});

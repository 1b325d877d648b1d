import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inert, tokenMarkdown } from '../../src/editor/review/heat-hover';
import { heatOf, kindKey, kindsOf, stepOf, valueOf, type HeatKind } from '../../src/editor/review/heat-scale';
import { promptsOfSamples } from '../../src/editor/review/source';
import { MOST_SHOWN, reviewText, shownPlaces } from '../../src/editor/review/text';
import { placedSpans, spanAt, tokenSpans } from '../../src/editor/review/token-spans';
import type { SampleRow } from '../../src/runs/format';
import { tokenScoresOf } from '../../src/runs/token-scores';

/** A sample whose answer has these pieces as its tokens, and figures that tell them apart. */
function sampleOf(pieces: readonly string[], more: object = {}): SampleRow {
  let end = 0;
  const ends = pieces.map((piece) => (end += piece.length));
  const scores = {
    ends,
    logp: pieces.map((_, t) => -0.5 * (t + 1)),
    reference: pieces.map((_, t) => -(t + 1)),
    temperature: 1,
    ...more,
  };
  return { v: 1, step: 8, time: 0, row: 3, prompt: 'Where?', answer: pieces.join(''), token_scores: scores };
}
const documentOf = (row: SampleRow, legend?: string) => reviewText(promptsOfSamples('ppo-1', 'ppo', [row]), legend);

/** The text of a document between two of its places. */
function between(text: string, from: { line: number; character: number }, to: { line: number; character: number }) {
  const lines = text.split('\n');
  const at = ({ line, character }: typeof from): number =>
    lines.slice(0, line).reduce((sum, { length }) => sum + length + 1, 0) + character;
  return text.slice(at(from), at(to));
}

describe('the token scores of a row', () => {
  const good = sampleOf(['It', ' is', '']);
  const withScores = (more: object): SampleRow => ({
    ...good,
    token_scores: { ...(good['token_scores'] as object), ...more },
  });

  it('are read as they are written, and are missing from older rows', () => {
    expect(tokenScoresOf(good)).toEqual(good['token_scores']);
    expect(tokenScoresOf({ ...good, token_scores: undefined })).toBeUndefined();
  });

  it.each([
    ['fewer numbers than tokens', { logp: [-1] }],
    ['a text for a number', { reference: ['-1', '-1', '-1'] }],
    ['no number', { logp: [-1, null, -1] }],
    ['ends that fall', { ends: [2, 1, 5] }],
    ['ends beyond the answer', { ends: [2, 5, 6] }],
    ['ends within a unit', { ends: [2, 4.5, 5] }],
    ['no tokens', { ends: [], logp: [], reference: [] }],
    ['no temperature', { temperature: null }],
  ])('with %s count as none', (_, more) => {
    expect(tokenScoresOf(withScores(more))).toBeUndefined();
  });

  it('keep what is sound of values and rewards', () => {
    const scores = tokenScoresOf(
      withScores({ values: [1], prefix_rewards: { a: [0, 1, 2, 3], b: [0, 1, 2], c: 'x' } }),
    );
    expect(scores).not.toHaveProperty('values');
    expect(scores?.prefix_rewards).toEqual({ a: [0, 1, 2, 3] });
  });
});

describe('the tokens of an answer', () => {
  it('are spans of text; pieces of a character count together, and the end of the turn is one without text', () => {
    const row = sampleOf(['It', '', '', '😀', ' is', ''], {
      values: [10, 11, 12, 13, 14, 15],
      prefix_rewards: { judge: [0, 1, 2, 3, 4, 5, 6] },
    });
    const spans = tokenSpans(tokenScoresOf(row) ?? expect.fail('no scores'));
    expect(spans.map(({ start, end, tokens }) => [start, end, tokens])).toEqual([
      [0, 2, 1],
      [2, 4, 3],
      [4, 7, 1],
      [7, 7, 1],
    ]);
    expect(spans[1]).toMatchObject({ logp: -4.5, reference: -9, kl: 4.5, value: 11 });
    expect(spans[1]?.rewards.get('judge')).toEqual({ before: 1, after: 4 });
    const total = spans.reduce((sum, { kl }) => sum + kl, 0);
    expect(total).toBeCloseTo(0.5 * (1 + 2 + 3 + 4 + 5 + 6), 9);
  });

  it('stand where their text stands in the document', () => {
    const pieces = ['─ a\u001b', '\r', '\n', '─b', '\u202e', ' c\n', 'd', '', '  ', ''];
    const built = documentOf(sampleOf(pieces), 'legend');
    const [answer] = built.answers;
    const shown = placedSpans(answer).map(({ from, to }) => between(built.text, from, to));
    // The line end that was two tokens is one sign; trailing blanks are not shown and have no place.
    expect(shown).toEqual([' ─ a␛', '\n', ' ─b', '[U+202E]', ' c\n', 'd', '']);
    expect(shown.join('')).toBe(answer.shown);
  });

  it('are found at a place, behind the answer the end of the turn', () => {
    const { answers } = documentOf(sampleOf(['It is', '\n', 'so', '']));
    const [answer] = answers;
    const at = (line: number, character: number) => spanAt(answer, { line: answer.first + line, character });
    expect([at(0, 0), at(0, 4), at(0, 5), at(1, 0), at(1, 1), at(1, 2)].map((span) => span?.start)).toEqual([
      0, 0, 5, 6, 6, 8,
    ]);
    expect(at(2, 0)).toBeUndefined();
    expect(at(-1, 0)).toBeUndefined();
    expect(at(1, 9)).toBeUndefined();
  });

  it('of an answer that is cut end where it is cut', () => {
    const pieces = Array.from({ length: 6000 }, () => 'word');
    const { answers } = documentOf(sampleOf([...pieces, '']));
    const spans = placedSpans(answers[0]);
    expect(spans).toHaveLength(MOST_SHOWN / 4);
    expect(spans.at(-1)?.to.character).toBe(MOST_SHOWN);
  });

  it('keep their places whatever the answer holds', () => {
    const text = fc.string({
      unit: fc.constantFrom('─', '\n', '\r', 'a', ' ', '\u202e', '\u0007', '😀', '\ud83d'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (answer, cuts) => {
        const places = [...cuts, answer.length].map((cut) => Math.min(cut, answer.length)).sort((a, b) => a - b);
        const shownOf = (part: string): string =>
          reviewText([{ name: '1', prompt: '', tags: [], answers: [{ key: 'k', text: part, model: 'm', scores: {} }] }])
            .answers[0].shown;
        const shown = shownPlaces(answer, places);
        expect(shown.at(-1)).toBe(shownOf(answer).length);
        places.forEach((place, i) => {
          // A beginning that parts no character and no line end is shown as it is shown within the whole.
          const whole = !/^(?:\r\n|[\ud800-\udbff][\udc00-\udfff])/.test(answer.slice(place - 1)) || place === 0;
          if (whole) expect(shownOf(answer.slice(0, place))).toBe(shownOf(answer).slice(0, shown[i]).trimEnd());
        });
      }),
    );
  });
});

describe('a heat', () => {
  const row = sampleOf(['a', 'b', 'c', 'd'], {
    logp: [-1, -1, -1, -1],
    reference: [-1.05, -1.2, -2, -4.5],
    prefix_rewards: { judge: [0, 0.1, -2.4, -2.4, 3] },
  });
  const prompts = promptsOfSamples('ppo-1', 'ppo', [row]);
  const spans = tokenSpans(tokenScoresOf(row) ?? expect.fail('no scores'));
  const stepsOf = (kind: HeatKind) => {
    const heat = heatOf(prompts, kind) ?? expect.fail('no heat');
    return spans.map((span) => stepOf(heat, valueOf(span, kind) ?? NaN));
  };

  it('is offered for what a document has figures of', () => {
    expect(kindsOf(prompts).map(kindKey)).toEqual(['kl', 'reward judge', 'gain judge']);
    const old = promptsOfSamples('ppo-1', 'ppo', [{ ...row, token_scores: undefined }]);
    expect(kindsOf(old)).toEqual([]);
    expect(heatOf(old, { of: 'kl' })).toBeUndefined();
    expect(heatOf(prompts, { of: 'reward', model: 'other' })).toBeUndefined();
  });

  it('of KL has steps in nats, whatever the document holds', () => {
    expect(stepsOf({ of: 'kl' })).toEqual([0, 1, 3, 4]);
    expect(heatOf(prompts, { of: 'kl' })?.legend.text).toBe(
      '─ heat: KL of each token, nats    < 0.1   ≥ 0.1   ≥ 0.3   ≥ 1   ≥ 3 ',
    );
  });

  it('of a reward has steps around 0, as wide as the document asks', () => {
    expect(stepsOf({ of: 'reward', model: 'judge' })).toEqual([2, 0, 0, 4]);
    expect(heatOf(prompts, { of: 'reward', model: 'judge' })?.legend.text).toBe(
      '─ heat: reward after each token (judge)    < −2   < −0.4   −0.4 … 0.4   ≥ 0.4   ≥ 2 ',
    );
    expect(stepsOf({ of: 'gain', model: 'judge' })).toEqual([2, 0, 2, 4]);
  });

  it('has as many steps as samples in its legend, each label in its own', () => {
    for (const kind of kindsOf(prompts)) {
      const { legend } = heatOf(prompts, kind) ?? expect.fail('no heat');
      const labels = legend.steps.map(({ start, end }) => legend.text.slice(start, end));
      expect(labels).toHaveLength(5);
      for (const label of labels) expect(label).toMatch(/^ .*\d.* $/);
      expect(legend.text).toMatch(/^─ heat: /);
    }
  });

  it('steps rise with the figure, and lie as far below 0 as above', () => {
    const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(numbers, (along) => {
        const pieces = along.slice(1).map(() => 'x');
        const prompts = promptsOfSamples('r', 's', [sampleOf(pieces, { prefix_rewards: { m: along } })]);
        const heat = heatOf(prompts, { of: 'reward', model: 'm' }) ?? expect.fail('no heat');
        const [a, b, c, d] = heat.edges;
        expect([a, b]).toEqual([-d, -c]);
        expect(c).toBeGreaterThan(0);
        expect(d).toBeGreaterThan(c);
        // Where figures are far enough from 0, one of the outer steps is used.
        const most = Math.max(...along.slice(1).map(Math.abs));
        if (along.length === 2 && most > 1e-5) expect([0, 4]).toContain(stepOf(heat, along[1]));
      }),
    );
  });

  it('stands as the first line of the document, and moves the answers below it', () => {
    const plain = reviewText(prompts);
    const heated = reviewText(prompts, 'legend');
    expect(heated.text).toBe(`legend\n\n${plain.text}`);
    expect(heated.answers[0].first).toBe(plain.answers[0].first + 2);
  });
});

describe('the hover of a token', () => {
  const [span, , end] = tokenSpans(
    tokenScoresOf(
      sampleOf([' Fern', 'bury', ''], {
        logp: [Math.log(0.8), -1, -1],
        reference: [Math.log(0.2), -1, -1],
        temperature: 0.7,
        values: [-0.5, 0, 0],
        prefix_rewards: { judge: [0.5, 1.25, 1, 1] },
      }),
    ) ?? expect.fail('no scores'),
  );

  it('has its probabilities, its share of the KL, the reward so far and the value', () => {
    expect(tokenMarkdown({ span, text: ' Fernbury', temperature: 0.7 })).toMatchInlineSnapshot(`
      "**&#9251;Fern**

      | | |
      |:--|--:|
      | probability | &emsp;80.0 % |
      | under the reference | &emsp;20.0 % |
      | KL | &emsp;+1.39 nats |
      | reward so far &#40;judge&#41; | &emsp;1.25 (+0.75) |
      | value before it | &emsp;−0.50 |


      Probabilities at temperature 0.70."
    `);
    expect(tokenMarkdown({ span: end, text: ' Fernbury', temperature: 1 })).toContain('**end of the answer**');
  });

  it('is inert, whatever the token and the names are', () => {
    const bad = '[x](command:a) <b>|`*_~ https://e.vil www.e.vil a@e.vil ![](x) \u202e$(x)\n# &lt;';
    const text = inert(bad);
    expect(text.replace(/&#\d+;/g, '')).toMatch(/^[\p{L}\p{N} ]*$/u);
    const decoded = text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    expect(decoded).toBe(bad.replace('\u202e', '[U+202E]'));
    const hostile = tokenSpans(
      tokenScoresOf(sampleOf([bad], { prefix_rewards: { [bad]: [0, 1] } })) ?? expect.fail('no scores'),
    );
    const markdown = tokenMarkdown({ span: hostile[0], text: bad, temperature: 1 });
    for (const sign of ['](', '<b>', '`', 'https:', 'www.', '@', '$(', '\u202e']) expect(markdown).not.toContain(sign);
    // Two names, eight rows: no row was added.
    expect(markdown.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(6);
  });
});

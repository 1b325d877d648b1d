import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportMarkdown } from '../../../src/data/evaluation/markdown';
import { axisOf, reportPlot } from '../../../src/data/evaluation/plot';
import { readReport } from '../../../src/data/evaluation/report';
import { headline } from '../../../src/data/evaluation/wording';
import { pairId } from '../../../src/data/labels/pairs';
import { clearest } from '../../../src/stages/evaluation/examples';
import { peopleJudge, scoreJudge } from '../../../src/stages/evaluation/judges';
import { evaluationReport } from '../../../src/stages/evaluation/report';
import type { EvaluationResults, JudgedAnswer } from '../../../src/stages/evaluation/results';

const answer = (score: number | null, text = `said ${score}`, line = 1): JudgedAnswer => ({
  text,
  tokens: 5,
  finish: 'stop',
  scores: { oracle: score },
  line,
});

/** Scores of one answer a prompt, by model. */
function resultsOf(
  scores: Record<string, (number | null)[]>,
  changes: Partial<EvaluationResults> = {},
): EvaluationResults {
  const [baseline] = Object.keys(scores);
  return {
    stage: 'evaluate',
    seed: 42,
    sampling: { answers_per_prompt: 1, temperature: 1, top_p: null },
    prompts: scores[baseline].map((_, p) => ({ prompt: `question ${p}`, tags: [p % 2 ? 'odd' : 'even'] })),
    models: Object.entries(scores).map(([name, list]) => ({
      name,
      sampled: list.map((score, p) => [answer(score, `said ${score}`, 10 * p + 1)]),
      greedy: null,
    })),
    baseline,
    judge: scoreJudge('oracle'),
    scores: ['oracle'],
    people: null,
    ...changes,
  };
}

describe('the report', () => {
  it('compares with the baseline prompt by prompt, as a whole and by tag', () => {
    const report = evaluationReport(resultsOf({ sft: [0.5, 0.5, 0.5, 0.5], dpo: [1, 0.5, 0.25, 1] }));
    const [sft, dpo] = report.models;
    expect(sft).toMatchObject({
      baseline: true,
      sampled: { win_rate: null, gains: {}, scores: { oracle: { value: 0.5 } } },
    });
    expect(dpo.sampled.win_rate).toMatchObject({ wins: 2, ties: 1, losses: 1, value: 0.625 });
    expect(dpo.sampled.gains.oracle.value).toBeCloseTo(0.1875, 12);
    expect(report.tags).toMatchObject([
      { tag: 'even', prompts: 2, models: { dpo: { win_rate: { wins: 1, ties: 0, losses: 1, method: 'wilson' } } } },
      {
        tag: 'odd',
        prompts: 2,
        models: { dpo: { win_rate: { wins: 1, ties: 1, losses: 0 }, scores: { oracle: { value: 0.75 } } } },
      },
    ]);
  });

  it('gives a model the same numbers whoever stands beside it', () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(scores, scores, scores, (sft, dpo, ppo) => {
        const both = evaluationReport(resultsOf({ sft, dpo, ppo }));
        const other = evaluationReport(resultsOf({ sft, ppo, dpo }));
        const alone = evaluationReport(resultsOf({ sft, dpo }));
        const of = (report: typeof both) => report.models.find(({ model }) => model === 'dpo');
        expect(of(both)).toEqual(of(alone));
        expect(of(both)).toEqual(of(other));
      }),
      { numRuns: 10 },
    );
  });

  it('calls a model neither better nor worse than itself', () => {
    const same = [0.1, 0.7, 1, 0.3, 0];
    const { models } = evaluationReport(resultsOf({ sft: same, copy: same }));
    expect(models[1].sampled.win_rate).toMatchObject({ value: 0.5, low: 0.5, high: 0.5, ties: 5, p: 1 });
    expect(models[1].sampled.gains.oracle).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('leaves answers without a score out of means and decisions', () => {
    const report = evaluationReport(resultsOf({ sft: [0.5, null, 0.5], dpo: [1, 1, null] }));
    expect(report.models[1].sampled).toMatchObject({
      unscored: 1,
      scores: { oracle: { value: 1 } },
      win_rate: { wins: 1, ties: 0, losses: 0 },
    });
    expect(reportMarkdown(report)).toContain('2 answers lack a score');
  });

  it('in words: who won, with what certainty', () => {
    const n = 100;
    const report = evaluationReport(
      resultsOf({ sft: Array<number>(n).fill(0.5), dpo: Array.from({ length: n }, (_, i) => (i < 62 ? 1 : 0)) }),
    );
    // Wilson's interval of 62 of 100
    expect(headline(report)).toBe('By oracle, dpo (wins 62 % [52, 71]) beats sft.');
    const text = reportMarkdown(report, { plot: 'report.svg' });
    expect(text).toContain('](report.svg)');
    expect(text).toContain('100 prompts, one answer each at temperature 1.');
    expect(text).toContain('| dpo | 0.620\u00a0[');
    // figures do not break in the middle
    expect(text).toContain(
      '| 62 % [52, 71] | 62 / 0 / 38 | 0.021 | 5.0 | 100 % |'.replace(/(?<!\|) (?!\|)/g, '\u00a0'),
    );
    expect(text).not.toContain('Likeliest');
  });

  it('says of each model whether it is told apart from the baseline', () => {
    const n = 100;
    const won = (share: number) => Array.from({ length: n }, (_, i) => (i < share * n ? 1 : 0));
    const report = evaluationReport(
      resultsOf({ sft: Array<number>(n).fill(0.5), dpo: won(0.7), even: won(0.52), ppo: won(0.2) }),
    );
    expect(headline(report)).toMatch(
      /^By oracle, dpo \(wins 70 % [^)]*\) beats sft; even \(52 % [^)]*\) is not told apart from it; ppo \(20 % [^)]*\) loses to it\.$/,
    );
    expect(headline(evaluationReport(resultsOf({ sft: [1] })))).toBe('One model, nothing to compare it with.');
  });

  it('says on which tag a model did best and worst', () => {
    const text = reportMarkdown(evaluationReport(resultsOf({ sft: [0.5, 0.5, 0.5, 0.5], dpo: [1, 0.5, 1, 0] })));
    expect(text).toMatch(/dpo wins most on even \(100 %.*\) and least on odd \(25 %/);
  });

  it('shows what was decided most clearly, with a way to the samples, and nothing of a text acts', () => {
    const evil = '<img src=x onerror=alert(1)> [click](command:x) \u202e| `a`\n# b';
    const results = resultsOf({ sft: [0.5, 0.4, 0, 0.9], dpo: [0.6, 0.4, 1, 0.8] });
    const examples = clearest(results);
    expect(examples.map(({ won, prompt, score, lines }) => [won, prompt, score?.answer, lines])).toEqual([
      [true, 'question 2', 1, { answer: 21, baseline: 21 }],
      [true, 'question 0', 0.6, { answer: 1, baseline: 1 }],
      [false, 'question 3', 0.8, { answer: 31, baseline: 31 }],
    ]);
    const models = results.models.map((model) => ({
      ...model,
      sampled: model.sampled.map(([one]) => [{ ...one, text: evil }]),
    }));
    const prompts = results.prompts.map((prompt) => ({ ...prompt, prompt: evil }));
    const report = evaluationReport({ ...results, models, prompts });
    const text = reportMarkdown(report, { sample: (line) => `samples.jsonl#L${line}` });
    expect(text).toContain('### dpo against sft\n\n2 of 2 won and 1 of 1 lost; a name leads to the whole answer.');
    expect(text).toContain('| [dpo](samples.jsonl#L21) | 1.000 |');
    expect(text).not.toMatch(/<img|\[click\]\(|\u202e|\n# b|[^\\]`a/);
    // Every row of a table has the cells of its head.
    const cells = (line: string): number => line.replace(/\\\|/g, '').split('|').length;
    for (const rows of text.split('\n\n').filter((block) => block.startsWith('|')))
      expect(new Set(rows.trim().split('\n').map(cells)).size).toBe(1);
  });

  it('keeps the beginning of a long answer', () => {
    const results = resultsOf({ sft: [0], dpo: [1] });
    const [sft, dpo] = results.models;
    const long = { ...dpo, sampled: [[answer(1, '😀'.repeat(1_000_000))]] };
    const [example] = clearest({ ...results, models: [sft, long] });
    expect([...example.answer]).toHaveLength(2001);
  });

  it('comes back from its file as it was written', () => {
    const report = evaluationReport(resultsOf({ sft: [0.5, 0.25, null], dpo: [1, 0, 0.5] }));
    const folder = mkdtempSync(join(tmpdir(), 'report-'));
    const file = join(folder, 'report.json');
    try {
      writeFileSync(file, JSON.stringify(report));
      expect(readReport(file)).toEqual(report);
      const { examples: _, ...older } = report;
      writeFileSync(file, JSON.stringify(older));
      expect(readReport(file)).toEqual({ ...report, examples: [] });
      for (const [text, words] of [
        ['{', 'not JSON'],
        ['{"v": 99}', 'at v'],
        [JSON.stringify({ ...report, models: [{ model: 4 }] }), 'at models.0.model'],
      ]) {
        writeFileSync(file, text);
        expect(() => readReport(file)).toThrow(words);
      }
      expect(() => readReport(join(folder, 'none.json'))).toThrow('There is no report');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is drawn with a point and an interval for every number', () => {
    const report = evaluationReport(resultsOf({ 'a<b&"': [0.2, 0.5, 0.1], dpo: [-1, 2, 3] }));
    const svg = reportPlot(report);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('a&lt;b&amp;&quot;');
    expect(svg).not.toMatch(/NaN|undefined|null/);
  });

  it('has an axis of round ticks around its values', () => {
    expect(axisOf([0.512, 0.583])).toMatchObject({ digits: 2 });
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const { from, to, ticks } = axisOf(values);
        const slack = 1e-6 * (to - from);
        expect(to).toBeGreaterThan(from);
        expect(from).toBeLessThanOrEqual(Math.min(...values) + slack);
        expect(to).toBeGreaterThanOrEqual(Math.max(...values) - slack);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
      }),
    );
  });
});

describe('people', () => {
  const prompt = { prompt: 'q', tags: [] };
  const [mine, base] = [answer(0, 'mine'), answer(1, 'theirs')];
  it.each([
    ['b is mine and better', pairId('q', 'theirs', 'mine'), 2, 1],
    ['a is mine and better', pairId('q', 'mine', 'theirs'), -1, 1],
    ['a is mine and worse', pairId('q', 'mine', 'theirs'), 1, 0],
    ['they are even', pairId('q', 'theirs', 'mine'), 0, 0.5],
    ['of another pair', pairId('other', 'theirs', 'mine'), 1, null],
  ])('%s', (_, id, vote, outcome) => {
    expect(peopleJudge(new Map([[id, vote]])).decide(prompt, mine, base)).toBe(outcome);
  });

  it('are not asked about equal answers', () => {
    expect(peopleJudge(new Map()).decide(prompt, answer(0, 'same'), answer(1, ' same '))).toBe(0.5);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairId } from '../../../src/data/labels/pairs';
import { clearest } from '../../../src/stages/evaluation/examples';
import { peopleJudge, scoreJudge } from '../../../src/stages/evaluation/judges';
import { reportPlot } from '../../../src/stages/evaluation/plot';
import { evaluationReport } from '../../../src/stages/evaluation/report';
import { headline, reportMarkdown } from '../../../src/stages/evaluation/report-markdown';
import type { EvaluationResults, JudgedAnswer } from '../../../src/stages/evaluation/results';

const answer = (score: number | null, text = `said ${score}`): JudgedAnswer => ({
  text,
  tokens: 5,
  finish: 'stop',
  scores: { oracle: score },
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
      sampled: list.map((score) => [answer(score)]),
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
    expect(headline(report)).toBe('dpo wins 62 % [52, 71] against sft, by oracle.');
    const text = reportMarkdown(report, [], 'report.svg');
    expect(text).toContain('100 prompts, one answer each at temperature 1.');
    expect(text).toContain('| dpo | 0.620 [');
    expect(text).toContain('| 62 % [52, 71] | 62 / 0 / 38 | 0.021 | 5.0 | 100 % |');
    expect(text).not.toContain('Likeliest');
  });

  it('shows what was decided most clearly, and nothing of a text acts', () => {
    const evil = '<img src=x onerror=alert(1)> [click](command:x) \u202e| `a`\n# b';
    const results = resultsOf({ sft: [0.5, 0.4, 0], dpo: [0.6, 0.4, 1] });
    const models = results.models.map((model) => ({
      ...model,
      sampled: model.sampled.map(([one]) => [{ ...one, text: evil }]),
    }));
    const examples = clearest({
      ...results,
      models,
      prompts: results.prompts.map((prompt) => ({ ...prompt, prompt: evil })),
    });
    expect(examples.map(({ won }) => won)).toEqual([true, true]);
    const text = reportMarkdown(evaluationReport(results), examples);
    expect(text).toContain('## Where it was decided most clearly');
    expect(text).not.toMatch(/<img|\[click\]\(|\u202e|\n# b|[^\\]`a/);
    expect(clearest(results)[0].prompt).toBe('question 2');
  });

  it('is drawn with a point and an interval for every number', () => {
    const report = evaluationReport(resultsOf({ 'a<b&"': [0.2, 0.5, 0.1], dpo: [-1, 2, 3] }));
    const svg = reportPlot(report);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('a&lt;b&amp;&quot;');
    expect(svg).not.toMatch(/NaN|undefined|null/);
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

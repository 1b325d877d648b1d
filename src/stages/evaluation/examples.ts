import type { ComparedAnswers } from './report-markdown';
import type { EvaluationResults } from './results';

/**
 * Of every model the sampled answers that a judge told apart most clearly from the baseline's: `each` won and `each` lost
 * by the largest differences of the first score; without a score the first ones.
 */
export function clearest(results: EvaluationResults, each = 2): ComparedAnswers[] {
  const { models, baseline, judge, prompts, scores } = results;
  const base = models.find(({ name }) => name === baseline);
  if (!judge || !base) return [];
  const measure = scores.includes(judge.name) ? judge.name : scores.at(0);
  return models.flatMap(({ name, sampled }) => {
    if (name === baseline) return [];
    const decided = sampled.flatMap((answers, p) =>
      answers.flatMap((answer, i) => {
        const other = base.sampled[p][i];
        const outcome = judge.decide(prompts[p], answer, other);
        if (outcome === null || outcome === 0.5) return [];
        const [mine, theirs] = measure === undefined ? [0, 0] : [answer.scores[measure], other.scores[measure]];
        const difference = Math.abs((mine ?? 0) - (theirs ?? 0));
        return [{ p, answer: answer.text, baseline: other.text, won: outcome === 1, difference }];
      }),
    );
    decided.sort((one, two) => two.difference - one.difference || one.p - two.p);
    return [true, false].flatMap((won) =>
      decided
        .filter((one) => one.won === won)
        .slice(0, each)
        .map(({ p, answer, baseline }): ComparedAnswers => ({
          model: name,
          prompt: textOf(prompts[p]),
          answer,
          baseline,
          won,
        })),
    );
  });
}

/** What was asked last. */
function textOf({ prompt }: EvaluationResults['prompts'][number]): string {
  return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
}

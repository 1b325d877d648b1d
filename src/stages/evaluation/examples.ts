import type { ComparedAnswers } from '../../data/evaluation/report';
import type { EvaluationResults } from './results';

/** Characters of a text that the report keeps: its samples have the whole. */
const MOST_KEPT = 2000;

/**
 * Of every model the sampled answers that a judge told apart most clearly from the baseline's: `each` won and `each` lost
 * by the largest differences of the judge's score, else of the first one; without a score the first ones.
 */
export function clearest(results: EvaluationResults, each = 3): ComparedAnswers[] {
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
        const score =
          measure === undefined
            ? null
            : { name: measure, answer: answer.scores[measure] ?? null, baseline: other.scores[measure] ?? null };
        const difference = Math.abs((score?.answer ?? 0) - (score?.baseline ?? 0));
        return [{ p, answer, other, score, won: outcome === 1, difference }];
      }),
    );
    decided.sort((one, two) => two.difference - one.difference || one.p - two.p);
    return [true, false].flatMap((won) =>
      decided
        .filter((one) => one.won === won)
        .slice(0, each)
        .map(({ p, answer, other, score }): ComparedAnswers => ({
          model: name,
          prompt: kept(askedOf(prompts[p])),
          answer: kept(answer.text),
          baseline: kept(other.text),
          won,
          score,
          lines: { answer: answer.line, baseline: other.line },
        })),
    );
  });
}

/** What was asked last. */
function askedOf({ prompt }: EvaluationResults['prompts'][number]): string {
  return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
}

function kept(text: string): string {
  return text.length <= MOST_KEPT ? text : `${[...text].slice(0, MOST_KEPT).join('')}…`;
}

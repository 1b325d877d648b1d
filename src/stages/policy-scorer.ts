import { basename } from 'node:path';
import { UserError } from '../config/errors';
import type { ResolvedStage } from '../config/experiment';
import type { Answer, AnswerScorer, Score } from './rollout';
import { RuleScorer } from './rule-scorer';

/** What a policy stage's `reward:` names, as a weighted sum. */
export async function openScorer({ name, sources }: ResolvedStage): Promise<AnswerScorer> {
  const terms = await Promise.all(
    sources.reward.map(async (source) => {
      if (source.kind === 'model')
        throw new UserError(`Stage ${name} takes a reward model, which does not run in this build.`, {
          hint: 'Give it a rule: `reward: { rule: ./rule.js }`.',
          code: 'reward',
        });
      return { name: basename(source.path), weight: source.weight, rule: await RuleScorer.open(source.path) };
    }),
  );
  const scoreOf = async ({ prompt, text, finish }: Answer): Promise<Score> => {
    const row = { ...prompt.source, finished: finish === 'stop' };
    const parts: Record<string, number> = {};
    let total = 0;
    for (const term of terms) {
      parts[term.name] = (await term.rule.score({ prompt: prompt.prompt, answer: text, row })) ?? NaN;
      total += term.weight * parts[term.name];
    }
    const fault = terms.find((term) => Number.isNaN(parts[term.name]))?.rule.first?.message;
    return { total, parts, ...(fault === undefined ? {} : { fault }) };
  };
  return {
    score: async (answers) => {
      const scores: Score[] = [];
      for (const answer of answers) scores.push(await scoreOf(answer));
      return scores;
    },
    release: () => terms.forEach(({ rule }) => rule.release()),
  };
}

import type { ResolvedStage } from '../../config/experiment';
import { ruleRow } from '../answers/respondent';
import type { StageContext } from '../context';
import { type AnswerToScore, Rewards } from '../rewards/rewards';
import type { Answer, AnswerScorer } from './rollout';

/** What a policy stage's `reward:` names, as a weighted sum; a rule also learns whether the answer ended. */
export async function openScorer({ sources }: ResolvedStage, context: StageContext): Promise<AnswerScorer> {
  const rewards = await Rewards.open(sources.reward, context);
  return {
    score: (answers) => rewards.score(answers.map(toScore)),
    scorePrefixes: (answers, ends) => rewards.scorePrefixes(answers.map(toScore), ends),
    release: () => rewards.release(),
  };
}

function toScore({ prompt, text, finish }: Answer): AnswerToScore {
  return { prompt: prompt.prompt, text, row: ruleRow(prompt, { finish }), file: prompt.file, line: prompt.line };
}

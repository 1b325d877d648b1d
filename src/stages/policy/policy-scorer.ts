import type { ResolvedStage } from '../../config/experiment';
import type { StageContext } from '../context';
import { Rewards } from '../rewards/rewards';
import type { AnswerScorer } from './rollout';

/** What a policy stage's `reward:` names, as a weighted sum; a rule also learns whether the answer ended. */
export async function openScorer({ sources }: ResolvedStage, context: StageContext): Promise<AnswerScorer> {
  const rewards = await Rewards.open(sources.reward, context);
  return {
    score: (answers) =>
      rewards.score(
        answers.map(({ prompt, text, finish }) => ({
          prompt: prompt.prompt,
          text,
          row: { ...prompt.source, finished: finish === 'stop' },
          file: prompt.file,
          line: prompt.line,
        })),
      ),
    release: () => rewards.release(),
  };
}

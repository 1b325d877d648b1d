import { UserError } from '../../config/errors';
import type { PolicyConfig } from '../../config/schema/experiment';
import type { MicroBatch } from '../training/learner';
import type { Rollout } from './rollout';

/** Largest root mean square of a log-ratio that rounding explains. */
const TOLERANCE = 1e-4;

export interface StartCheck {
  config: PolicyConfig;
  referenceIsStart: boolean;
}

/**
 * Before the first update the policy is what sampled the answers, so every ratio is 1, and where the reference is the
 * starting weights every KL is 0. Where sampling and training disagree PPO quietly learns something else: throws a
 * UserError that names the setting. `evaluate` gives the sums of a micro-batch without learning.
 */
export async function checkStart(
  rollouts: readonly Rollout[],
  batches: readonly MicroBatch[],
  evaluate: (batch: MicroBatch) => Promise<Record<string, number>>,
  { config, referenceIsStart }: StartCheck,
): Promise<void> {
  const [batch] = batches;
  const share = Array.from(batch.share.data).reduce((sum, x) => sum + x, 0);
  const { log_ratio_square: square } = await evaluate(batch);
  const ratio = Math.sqrt(square / share);
  if (!(ratio <= TOLERANCE))
    throw broken(
      `Before the first update the policy's probabilities already differ from those that its answers were sampled with: log-ratio ${ratio.toExponential(1)}, must be 0`,
      config,
    );
  if (!referenceIsStart) return;
  const squares = rollouts.flatMap(({ logProbs, reference }) => logProbs.map((x, t) => (x - reference[t]) ** 2));
  const kl = Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / squares.length);
  if (!(kl <= TOLERANCE))
    throw broken(
      `The reference is the starting weights, but before the first update its probabilities differ from the policy's: log-ratio ${kl.toExponential(1)}, must be 0`,
      config,
    );
}

function broken(message: string, { top_p, top_k }: PolicyConfig): UserError {
  const cut = top_p !== null && top_p < 1 ? `top_p: ${top_p}` : top_k !== null ? `top_k: ${top_k}` : undefined;
  return new UserError(`${message}.`, {
    hint: cut
      ? `\`${cut}\` samples from a part of the distribution, while training sees all of it: take it out.`
      : 'No setting explains it; `device: cpu` rules out the device.',
    code: 'start-check',
  });
}

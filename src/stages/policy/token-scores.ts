import type { Tokenizer } from '../../models/tokenizer';
import { tokenEnds } from '../../models/token-ends';
import type { TokenScores } from '../../runs/token-scores';
import type { AnswerScorer, Rollout } from './rollout';

export interface TokenScoreSettings {
  tokenizer: Tokenizer;
  /** That the answers were sampled at. */
  temperature: number;
  scorer: AnswerScorer;
  /** V before each token, one row a rollout; those of the rollouts where it is undefined. */
  values?: readonly ArrayLike<number>[];
}

/**
 * What is known of each token of sample answers. Log-probabilities come from the rollouts; what a reward model says on
 * the way costs one more pass over so few answers. Undefined where the tokens do not say the answer's text, or a number
 * is not finite.
 */
export async function tokenScores(
  rollouts: readonly Rollout[],
  { tokenizer, temperature, scorer, values }: TokenScoreSettings,
): Promise<(TokenScores | undefined)[]> {
  const ends = rollouts.map(({ ids, text }) => tokenEnds(ids, text, tokenizer));
  const known = rollouts.flatMap((rollout, i) => {
    const own = ends[i];
    return own ? [{ rollout, ends: own, values: values?.[i] ?? rollout.values }] : [];
  });
  const prefixes = await scorer.scorePrefixes?.(
    known.map(({ rollout }) => rollout),
    known.map((one) => one.ends),
  );
  const scores = known.map((one, i) => ({ ...one, rewards: prefixes?.[i] ?? {} }));
  let next = 0;
  return ends.map((own) => (own ? written(scores[next++], temperature) : undefined));
}

interface Known {
  rollout: Rollout;
  ends: readonly number[];
  values: ArrayLike<number>;
  rewards: Readonly<Record<string, readonly number[]>>;
}

function written({ rollout, ends, values, rewards }: Known, temperature: number): TokenScores | undefined {
  const logp = rounded(rollout.logProbs);
  const reference = rounded(rollout.reference);
  if (![...logp, ...reference].every(Number.isFinite)) return undefined;
  // a fresh head, which says 0 of everything, says nothing
  const valued = Array.from(values).some((value) => value !== 0) ? rounded(values) : [];
  const along = Object.entries(rewards).map(([name, scores]) => [name, rounded(scores)] as const);
  return {
    ends,
    logp,
    reference,
    temperature,
    ...(valued.length > 0 && { values: valued }),
    ...(along.length > 0 && { prefix_rewards: Object.fromEntries(along) }),
  };
}

/** Four decimals, and no −0. */
const rounded = (values: ArrayLike<number>): number[] => Array.from(values, (x) => Math.round(x * 1e4) / 1e4 + 0);

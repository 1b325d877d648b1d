import type { SampleRow } from './format';

/** What is known of each token of an answer: `token_scores` of a sample, one number a token, four decimals each. */
export interface TokenScores {
  /**
   * Where each token's text ends in `answer`, in UTF-16 units. A token without text of its own (a part of a character,
   * the end of the turn) ends where the one before it does.
   */
  readonly ends: readonly number[];
  /** log π and log π_ref of each token, natural logarithms at `temperature`; log π − log π_ref sums up to `scores.kl`. */
  readonly logp: readonly number[];
  readonly reference: readonly number[];
  readonly temperature: number;
  /** V before each token, where the stage learns values. */
  readonly values?: readonly number[];
  /**
   * By the name of a reward model: its scores of the prompt with the first 0, 1, … and at last all tokens of the answer,
   * so one more than tokens. The last is its score of the answer.
   */
  readonly prefix_rewards?: Readonly<Record<string, readonly number[]>>;
}

/** The token scores of a sample; undefined where it has none, or what stands there cannot be used. */
export function tokenScoresOf({ answer, token_scores: scores }: SampleRow): TokenScores | undefined {
  if (!isObject(scores)) return undefined;
  const { ends, logp, reference, temperature, values, prefix_rewards: rewards } = scores;
  if (!isNumbers(ends) || ends.length === 0 || typeof temperature !== 'number') return undefined;
  const tokens = ends.length;
  if (!isNumbers(logp, tokens) || !isNumbers(reference, tokens)) return undefined;
  if (!ends.every((end, i) => Number.isInteger(end) && end >= (ends[i - 1] ?? 0) && end <= answer.length))
    return undefined;
  return {
    ends,
    logp,
    reference,
    temperature,
    ...(isNumbers(values, tokens) && { values }),
    ...(isObject(rewards) && { prefix_rewards: soundRewards(rewards, tokens + 1) }),
  };
}

function soundRewards(rewards: Record<string, unknown>, length: number): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(rewards).filter((entry): entry is [string, number[]] => isNumbers(entry[1], length)),
  );
}

function isNumbers(value: unknown, length?: number): value is number[] {
  return Array.isArray(value) && (length === undefined || value.length === length) && value.every(Number.isFinite);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Advice } from '../../runs/alarms';
import { type Batch, promptKey } from './answers';
import type { JudgeGap } from './judge-gap';
import type { Reference } from './reference';
import { errorOfDifference, momentsOf, pearson, withinGroups } from './statistics';

export const SIGNALS = [
  'length_ratio',
  'length_correlation',
  'echo',
  'flattery',
  'repetition',
  'entropy',
  'kl',
  'disagreement',
  'proxy_gap',
] as const;
export type SignalName = (typeof SIGNALS)[number];

/** A measurement of a signal. */
export interface Reading {
  readonly value: number;
  /** What the reference policy shows, in the terms of the message; null where there is nothing to compare with. */
  readonly reference: number | null;
  /** False where the difference may be chance: it then counts as no crossing. */
  readonly sure: boolean;
  /** How much each answer shows it. */
  readonly shown: readonly number[];
  /** Beside the value, further curves under `monitor/`. */
  readonly curves?: Readonly<Record<string, number>>;
}

/** What a signal may look at. */
export interface View {
  readonly batch: Batch;
  readonly reference: Reference;
  readonly gap: JudgeGap;
  /** Standard deviation of an ensemble's members on held-out data, where it is known. */
  readonly heldOutStd: number | null;
}

export interface Signal {
  readonly side: 'above' | 'below';
  /** Its value where the policy is the reference. */
  readonly neutral: number;
  /** Set where a value is of several measurements already: so many beyond the threshold are enough, whatever is set. */
  readonly patience?: number;
  readonly advice: readonly Advice[];
  /** Undefined where what it needs is missing. */
  readonly read: (view: View) => Reading | undefined;
  /** What was seen, as the end of a sentence; `shown` writes a number. */
  readonly words: (reading: Reading, shown: (value: number) => string) => string;
}

/** A difference of means counts once it is so many standard errors. */
const ERRORS = 2;
/** Fewer answers say nothing about a correlation: r = 0.7 in 16 is chance once in a thousand times. */
const LEAST_CORRELATED = 16;

const finite = (value: number | undefined): number => value ?? NaN;

/** max E[r] − β KL goes wrong in known ways; each entry measures one of them (Gao 2022; Singhal 2023; Coste 2023). */
export const SIGNAL: Readonly<Record<SignalName, Signal>> = {
  length_ratio: {
    side: 'above',
    neutral: 1,
    advice: ['raise_kl', 'roll_back', 'label'],
    read: ({ batch, reference }) => {
      const shown = batch.answers.map(({ tokens }) => tokens);
      const now = momentsOf(shown);
      if (now.n === 0 || reference.tokens.mean <= 0) return undefined;
      const sure = now.mean - reference.tokens.mean >= ERRORS * errorOfDifference(now, reference.tokens);
      return { value: now.mean / reference.tokens.mean, reference: 1, sure, shown };
    },
    words: ({ value }, shown) => `answers are ${shown(value)} times as long as the reference's`,
  },

  length_correlation: {
    side: 'above',
    neutral: 0,
    advice: ['label', 'lower_bound', 'raise_kl'],
    read: ({ batch: { answers } }) => {
      const lengths = answers.map(({ tokens }) => tokens);
      const rewards = answers.map(({ reward }) => finite(reward));
      const groups = answers.map(promptKey);
      const [ownLengths, ownRewards] = [withinGroups(lengths, groups), withinGroups(rewards, groups)];
      const counted = (values: readonly number[]): number => values.filter(Number.isFinite).length;
      const within = counted(ownRewards) >= LEAST_CORRELATED ? pearson(ownLengths, ownRewards) : NaN;
      const overall = counted(rewards) >= LEAST_CORRELATED ? pearson(lengths, rewards) : NaN;
      const value = Number.isFinite(within) ? within : overall;
      if (!Number.isFinite(value)) return undefined;
      // answers that are long and score high
      const [length, reward] = [momentsOf(lengths).mean, momentsOf(rewards).mean];
      const shown = lengths.map((tokens, i) => (tokens > length ? (tokens - length) * (rewards[i] - reward) : NaN));
      return { value, reference: null, sure: true, shown, curves: { length_correlation_overall: overall } };
    },
    words: ({ value }, shown) => `reward and length of answers correlate at ${shown(value)}`,
  },

  echo: {
    side: 'above',
    neutral: 0,
    advice: ['raise_kl', 'label', 'roll_back'],
    read: ({ batch, reference }) =>
      difference(
        batch.counted.map(({ echo }) => echo),
        reference.echo,
      ),
    words: ({ value, reference }, shown) =>
      `answers repeat ${shown(value + (reference ?? 0))} of their runs of four words from the prompt, ${shown(value)} more than the reference's`,
  },

  flattery: {
    side: 'above',
    neutral: 0,
    advice: ['label', 'raise_kl', 'roll_back'],
    read: ({ batch: { counted }, reference }) => {
      const now = phraseRate(counted);
      if (now === undefined || reference.flattery === null) return undefined;
      const value = now.rate - reference.flattery.rate;
      const sure = value >= ERRORS * Math.hypot(now.error, reference.flattery.error);
      const shown = counted.map(({ phrases, words }) => (words === 0 ? 0 : phrases + phrases / words));
      return { value, reference: reference.flattery.rate, sure, shown };
    },
    words: ({ value, reference }, shown) =>
      `answers hold ${shown(value + (reference ?? 0))} flattering phrases in 100 words, ${shown(value)} more than the reference's`,
  },

  repetition: {
    side: 'above',
    neutral: 0,
    advice: ['raise_kl', 'roll_back', 'label'],
    read: ({ batch: { counted }, reference }) => {
      const found = difference(
        counted.map(({ repetition }) => repetition.rep4),
        reference.repetition,
      );
      const mean = (of: (place: (typeof counted)[number]) => number): number => momentsOf(counted.map(of)).mean;
      return (
        found && {
          ...found,
          curves: {
            distinct_1: mean(({ repetition }) => repetition.distinct[0]),
            distinct_2: mean(({ repetition }) => repetition.distinct[1]),
            distinct_3: mean(({ repetition }) => repetition.distinct[2]),
            longest_repeat: mean(({ repetition }) => repetition.longest),
          },
        }
      );
    },
    words: ({ value, reference }, shown) =>
      `answers repeat ${shown(value + (reference ?? 0))} of their own runs of four words, ${shown(value)} more than the reference's`,
  },

  entropy: {
    side: 'below',
    neutral: 1,
    advice: ['raise_kl', 'roll_back'],
    read: ({ batch: { entropy, answers, counted }, reference }) => {
      if (entropy === undefined || !Number.isFinite(entropy) || !reference.entropy) return undefined;
      const shown = answers.map(({ reward }, i) => reward ?? counted[i].repetition.rep4);
      return { value: entropy / reference.entropy, reference: 1, sure: true, shown };
    },
    words: ({ value }, shown) => `the policy's entropy fell to ${shown(value)} of what it was at the start`,
  },

  kl: {
    side: 'above',
    neutral: 0,
    advice: ['raise_kl', 'roll_back', 'label'],
    read: ({ batch: { answers } }) => {
      const shown = answers.map(({ kl }) => finite(kl));
      const now = momentsOf(shown);
      if (now.n === 0) return undefined;
      const sure = now.n > 1 && now.mean >= ERRORS * Math.sqrt(now.variance / now.n);
      return { value: now.mean, reference: null, sure, shown };
    },
    words: ({ value }, shown) =>
      `the policy is ${shown(value)} nats an answer away from the reference, where the reward model has seen nothing`,
  },

  disagreement: {
    side: 'above',
    neutral: 1,
    advice: ['lower_bound', 'label', 'raise_kl'],
    read: ({ batch: { answers }, reference, heldOutStd }) => {
      const shown = answers.map(({ std }) => finite(std));
      const now = momentsOf(shown);
      const base = heldOutStd ?? reference.std?.mean ?? 0;
      if (now.n === 0 || base <= 0) return undefined;
      const error = errorOfDifference(now, {
        n: 1,
        mean: 0,
        variance: 0,
        ...(heldOutStd === null ? reference.std : {}),
      });
      return { value: now.mean / base, reference: 1, sure: now.n > 1 && now.mean - base >= ERRORS * error, shown };
    },
    words: ({ value }, shown) =>
      `the members of the reward ensemble disagree ${shown(value)} times as much as on answers they know`,
  },

  proxy_gap: {
    side: 'above',
    neutral: 0,
    patience: 1,
    advice: ['raise_kl', 'lower_bound', 'roll_back', 'label'],
    read: ({ batch: { answers }, gap }) => {
      const found = gap.see(answers);
      if (!found) return undefined;
      const [reward, judge] = [
        momentsOf(answers.map((a) => finite(a.reward))),
        momentsOf(answers.map((a) => finite(a.judge))),
      ];
      // the policy's reward likes it, the judge does not: the difference of standard scores
      const score = (value: number | undefined, { mean, variance }: typeof reward): number =>
        variance > 0 ? (finite(value) - mean) / Math.sqrt(variance) : finite(value) - mean;
      const shown = answers.map((answer) => score(answer.reward, reward) - score(answer.judge, judge));
      const curves = { judge: found.judge, judge_correlation: found.correlation };
      return { value: found.value, reference: 0, sure: found.sure, shown, curves };
    },
    words: ({ value }, shown) =>
      `the reward rises while the judge has lost ${shown(value)} of its best: the policy games the reward`,
  },
};

/** How far a mean lies above the reference's. */
function difference(shown: readonly number[], reference: Reference['echo']): Reading | undefined {
  const now = momentsOf(shown);
  if (now.n === 0 || reference.n === 0) return undefined;
  const value = now.mean - reference.mean;
  return { value, reference: reference.mean, sure: value >= ERRORS * errorOfDifference(now, reference), shown };
}

/** Phrases per 100 words of all answers together, with its standard error (of a ratio of sums). */
export function phraseRate(
  counted: readonly { readonly phrases: number; readonly words: number }[],
): { rate: number; error: number } | undefined {
  const words = counted.reduce((sum, answer) => sum + answer.words, 0);
  if (words === 0) return undefined;
  const share = counted.reduce((sum, { phrases }) => sum + phrases, 0) / words;
  const squares = counted.reduce((sum, answer) => sum + (answer.phrases - share * answer.words) ** 2, 0);
  return { rate: 100 * share, error: (100 * Math.sqrt(squares)) / words };
}

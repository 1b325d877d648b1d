import { type Batch, promptKey } from './answers';
import { phraseRate } from './signals';
import { type Moments, momentsOf } from './statistics';

/** What the reference policy's answers look like; plain JSON. */
export interface Reference {
  readonly tokens: Moments;
  readonly echo: Moments;
  readonly repetition: Moments;
  /** Phrases per 100 words and the standard error of it; null where there was no word. */
  readonly flattery: { readonly rate: number; readonly error: number } | null;
  readonly std: Moments | null;
  readonly entropy: number | null;
  /** Its answers by prompt, to compare later ones with. */
  readonly answers: Readonly<Record<string, string>>;
}

/** Answers kept for comparison, and the longest of them in characters: they stand in every checkpoint. */
const MOST_KEPT = 128;
const LONGEST_KEPT = 2000;

/** The reference as its answers show it. */
export function referenceOf({ answers, counted, entropy }: Batch): Reference {
  const std = momentsOf(answers.map((answer) => answer.std ?? NaN));
  const kept = answers
    .map((answer): [string, string] => [promptKey(answer), answer.answer])
    .filter((entry) => entry.every((text) => text.length <= LONGEST_KEPT))
    .slice(0, MOST_KEPT);
  return {
    tokens: momentsOf(answers.map(({ tokens }) => tokens)),
    echo: momentsOf(counted.map(({ echo }) => echo)),
    repetition: momentsOf(counted.map(({ repetition }) => repetition.rep4)),
    flattery: phraseRate(counted) ?? null,
    std: std.n > 0 ? std : null,
    entropy: entropy !== undefined && Number.isFinite(entropy) ? entropy : null,
    answers: Object.fromEntries(kept),
  };
}

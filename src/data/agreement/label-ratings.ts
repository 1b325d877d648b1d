import { type LabelRow, standingLabels } from '../labels/labels';
import type { Pair } from '../labels/pairs';
import type { UnitFacts } from './annotators';
import type { Rating } from './ratings';

/**
 * The ratings of label rows, in their order: what was undone is left out; `both_bad` and `skip` are missing values. A
 * pair that was shown once more on purpose is a repetition, any other later label is a correction.
 */
export function ratingsOfLabels(rows: readonly LabelRow[]): Rating[] {
  return standingLabels(rows).map(({ pair, annotator, value, shown, ms, repeat }): Rating => {
    const rating = { unit: pair, annotator, shown, ms, ...(repeat ? { repeat } : {}) };
    return typeof value === 'number' ? { ...rating, value } : { ...rating, value: null, missing: value };
  });
}

/** Tags and lengths (in characters, as a reader counts them) of pairs by id. */
export function factsOfPairs(pairs: readonly Pair[]): Map<string, UnitFacts> {
  return new Map(
    pairs.map(({ id, tags, a, b }) => [id, { tags, lengthA: [...a].length, lengthB: [...b].length } as const]),
  );
}

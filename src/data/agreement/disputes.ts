import { byName, type RatingTable } from './ratings';

/** A unit whose annotators differ, with all votes. */
export interface Dispute {
  readonly unit: string;
  /** Mean over its pairs of ratings of the squared difference of values ÷ the widest possible one: 0 … 1. */
  readonly disagreement: number;
  readonly votes: readonly { readonly annotator: string; readonly value: number }[];
}

/** The units with the greatest disagreement, greatest first; of equals those with more votes, then by name. */
export function mostDisputed(table: RatingTable, most: number): Dispute[] {
  const widest = ((table.values.at(-1) ?? 0) - (table.values[0] ?? 0)) ** 2;
  if (widest === 0) return [];
  const found: { unit: number; disagreement: number; votes: number }[] = [];
  for (let u = 0; u < table.units.length; u++) {
    const from = table.offsets[u];
    const to = table.offsets[u + 1];
    let sum = 0;
    let compared = 0;
    for (let r = from; r < to; r++) {
      for (let s = r + 1; s < to; s++) {
        sum += (table.values[table.category[r]] - table.values[table.category[s]]) ** 2;
        compared++;
      }
    }
    if (sum > 0) found.push({ unit: u, disagreement: sum / compared / widest, votes: to - from });
  }
  found.sort(
    (x, y) => y.disagreement - x.disagreement || y.votes - x.votes || byName(table.units[x.unit], table.units[y.unit]),
  );
  return found.slice(0, most).map(({ unit, disagreement }) => ({
    unit: table.units[unit],
    disagreement,
    votes: Array.from({ length: table.offsets[unit + 1] - table.offsets[unit] }, (_, i) => {
      const r = table.offsets[unit] + i;
      return { annotator: table.annotators[table.annotator[r]], value: table.values[table.category[r]] };
    }),
  }));
}

import { dawidSkene, type DawidSkeneFit, type DawidSkeneOptions } from './dawid-skene';
import { lastRatings, type Rating, ratingTable, type RatingTable } from './ratings';

/**
 * `majority`: the value with most votes. `soft`: the shares of votes. `dawid-skene`: the posterior of the true value
 * given every annotator's error rates.
 */
export const METHODS = ['majority', 'dawid-skene', 'soft'] as const;
export type Method = (typeof METHODS)[number];

/** Values whose probabilities differ by less are level. */
const LEVEL = 1e-9;

/** One unit's distribution over the values of the table. */
export interface Aggregated {
  readonly unit: string;
  /** P(value), by category of the table. */
  readonly probabilities: Float64Array /* [values] */;
  /** The most probable category; null where several are level: a tie stays a tie. */
  readonly category: number | null;
  readonly votes: Int32Array /* [values] */;
}

export interface Aggregation {
  readonly table: RatingTable;
  /** Units with at least one value, by name. */
  readonly units: readonly Aggregated[];
  /** Units of the table that nobody gave a value. */
  readonly unrated: number;
  /** What Dawid and Skene's method found out about annotators; null for the other methods. */
  readonly fit: DawidSkeneFit | null;
}

/** Aggregates a table: one distribution a unit. With `majority` it is all on the winner, or shared by level ones. */
export function aggregateTable(table: RatingTable, method: Method, options: DawidSkeneOptions = {}): Aggregation {
  const k = table.values.length;
  const fit = method === 'dawid-skene' ? dawidSkene(table, options) : null;
  const units: Aggregated[] = [];
  for (let u = 0; u < table.units.length; u++) {
    const from = table.offsets[u];
    const to = table.offsets[u + 1];
    if (from === to) continue;
    const votes = new Int32Array(k);
    for (let r = from; r < to; r++) votes[table.category[r]]++;
    const shares = Float64Array.from(votes, (count) => count / (to - from));
    const winners = levelWithBest(shares);
    const probabilities =
      fit?.posterior.slice(u * k, (u + 1) * k) ??
      (method === 'soft'
        ? shares
        : Float64Array.from(shares, (_, c) => (winners.includes(c) ? 1 / winners.length : 0)));
    const best = levelWithBest(probabilities);
    units.push({ unit: table.units[u], probabilities, category: best.length === 1 ? best[0] : null, votes });
  }
  return { table, units, unrated: table.units.length - units.length, fit };
}

function levelWithBest(probabilities: Float64Array): number[] {
  const best = Math.max(...probabilities);
  return [...probabilities.keys()].filter((c) => probabilities[c] >= best - LEVEL);
}

/** What a pair's votes come to, for a reward. */
export interface PairAggregate {
  readonly pair: string;
  /** Ties between a and b, and the tie itself, are `tie`. */
  readonly label: 'a' | 'tie' | 'b';
  /** P(b is better), a tie counting ½: the soft label of a pairwise loss. */
  readonly probability: number;
  /** Mean of the values given, −2 (a much better) to 2 (b much better): for a margin. */
  readonly strength: number;
  readonly votes: { readonly a: number; readonly tie: number; readonly b: number } & {
    readonly both_bad: number;
    readonly skip: number;
  };
}

export interface PairAggregation {
  readonly pairs: readonly PairAggregate[];
  /** Pairs that have labels, but none that says which answer is better. */
  readonly unrated: number;
  readonly aggregation: Aggregation;
}

/** Aggregates preferences (values −2 … 2) by direction: a better, tie, b better. Rows come by pair id. */
export function aggregatePairs(
  ratings: readonly Rating[],
  method: Method,
  options: DawidSkeneOptions = {},
): PairAggregation {
  const counted = lastRatings(ratings);
  const aggregation = aggregateTable(ratingTable(counted, { value: Math.sign }), method, options);
  const sums = new Map<string, { sum: number; both_bad: number; skip: number }>();
  for (const { unit, value, missing } of counted) {
    const entry = sums.get(unit) ?? { sum: 0, both_bad: 0, skip: 0 };
    sums.set(unit, entry);
    if (value !== null) entry.sum += value;
    else entry[missing ?? 'skip']++;
  }
  const at = (values: ArrayLike<number>, value: number): number => {
    const c = aggregation.table.values.indexOf(value);
    return c < 0 ? 0 : values[c];
  };
  const pairs = aggregation.units.map(({ unit, probabilities, category, votes }): PairAggregate => {
    const winner = category === null ? 0 : aggregation.table.values[category];
    const { sum, both_bad, skip } = sums.get(unit) ?? { sum: 0, both_bad: 0, skip: 0 };
    const count = { a: at(votes, -1), tie: at(votes, 0), b: at(votes, 1) };
    // One vote for a and one for a tie are level: a majority vote calls that a tie, ½, where vote shares say ¼.
    const hard = winner < 0 ? 0 : winner > 0 ? 1 : 0.5;
    return {
      pair: unit,
      label: winner < 0 ? 'a' : winner > 0 ? 'b' : 'tie',
      probability: method === 'majority' ? hard : at(probabilities, 1) + at(probabilities, 0) / 2,
      strength: sum / (count.a + count.tie + count.b),
      votes: { ...count, both_bad, skip },
    };
  });
  return { pairs, unrated: aggregation.unrated, aggregation };
}

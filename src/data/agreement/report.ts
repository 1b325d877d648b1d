import { Random } from '../random';
import { type AnnotatorReport, annotatorReports, type UnitFacts } from './annotators';
import { type AggregationReport, aggregationReport } from './aggregation-report';
import { bootstrap, type Estimate } from './bootstrap';
import { type Dispute, mostDisputed } from './disputes';
import { patternsOf } from './patterns';
import { byName, lastRatings, type Rating, type RatingTable, ratingTable, ratingsOf } from './ratings';
import { Tally } from './tally';

/** `preference`: values −2 … 2 between answers a and b. `values`: any numbers. */
export type Scale = 'preference' | 'values';

export interface AgreementInput {
  /** In the order in which they were given: the last of a unit and annotator counts. */
  readonly ratings: readonly Rating[];
  readonly scale: Scale;
  /** Tags and lengths of units, where they are known. */
  readonly facts?: ReadonlyMap<string, UnitFacts>;
}

export interface AgreementOptions {
  /** Resamples for the intervals; 0 leaves intervals out. */
  readonly draws?: number;
  readonly seed?: number;
  /** How many disputed units to list. */
  readonly disputes?: number;
}

/** How well a set of units is agreed on. Every estimate has a bootstrap interval of 95 %. */
export interface GroupAgreement {
  readonly units: number;
  /** Units with two or more values: the others say nothing about agreement. */
  readonly compared: number;
  readonly ratings: number;
  /** Share of pairs of ratings that are equal. */
  readonly observed: Estimate;
  readonly alpha: { readonly nominal: Estimate; readonly ordinal: Estimate; readonly interval: Estimate };
  /** Of the units with `raters` ratings each, the commonest number. */
  readonly fleiss: Estimate & { readonly raters: number; readonly units: number };
  /** The same of the direction alone (a, tie, b), for preferences. */
  readonly direction: { readonly observed: Estimate; readonly alpha: Estimate } | null;
}

export interface PairAgreement {
  readonly annotators: readonly [string, string];
  /** Units that both gave a value. */
  readonly units: number;
  readonly observed: Estimate;
  readonly kappa: Estimate;
  /** Cohen's κ with linear weights. */
  readonly weighted: Estimate;
  /** Ordinal α of these two. */
  readonly alpha: Estimate;
}

export interface AgreementReport {
  readonly v: 1;
  readonly scale: Scale;
  readonly values: readonly number[];
  readonly draws: number;
  readonly seed: number;
  /** Ratings without a value. */
  readonly missing: number;
  readonly overall: GroupAgreement;
  /** By tag of the unit, by name; a unit with two tags counts in both. */
  readonly tags: readonly (GroupAgreement & { readonly tag: string })[];
  readonly pairs: readonly PairAgreement[];
  readonly annotators: readonly AnnotatorReport[];
  readonly disputes: readonly Dispute[];
  readonly aggregation: AggregationReport;
}

/** More cells than this in all tables of annotator pairs would cost seconds: their intervals are then left out. */
const MOST_PAIR_CELLS = 200_000;

/**
 * All that is to be known about agreement, as plain data. The same ratings and seed give the same report, whatever the
 * order of units. Where there is one annotator, or no unit that two of them rated, the estimates are null: see `faultOf`.
 */
export function agreementReport(input: AgreementInput, options: AgreementOptions = {}): AgreementReport {
  const { draws = 1000, seed = 42, disputes = 20 } = options;
  const { ratings, scale, facts } = input;
  const counted = lastRatings(ratings);
  const table = ratingTable(counted);
  const coarse = scale === 'preference' ? ratingTable(counted, { value: Math.sign }) : null;
  const all = [...table.units.keys()];
  const random = (...path: string[]): Random => Random.from(seed, 'agreement', ...path);
  const whole = measureGroup(table, coarse, all, { draws, random: random('all'), pairs: true });

  const byTag = new Map<string, number[]>();
  for (const u of all) {
    for (const tag of new Set(facts?.get(table.units[u])?.tags)) {
      const units = byTag.get(tag);
      if (units) units.push(u);
      else byTag.set(tag, [u]);
    }
  }
  const tags = [...byTag]
    .sort(([a], [b]) => byName(a, b))
    .map(([tag, units]) => {
      const { group } = measureGroup(table, coarse, units, { draws, random: random('tag', tag), pairs: false });
      return { tag, ...group };
    });
  return {
    v: 1,
    scale,
    values: table.values,
    draws,
    seed,
    missing: counted.reduce((count, { value }) => count + (value === null ? 1 : 0), 0),
    overall: whole.group,
    tags,
    pairs: whole.pairs,
    annotators: annotatorReports(ratings, scale === 'preference' ? (facts ?? new Map<string, UnitFacts>()) : null),
    disputes: mostDisputed(table, disputes),
    aggregation: aggregationReport(counted, scale),
  };
}

/** Why nothing can be said about agreement, as a sentence and a mend; null where something can. */
export function faultOf(report: AgreementReport): { message: string; hint: string } | null {
  if (report.overall.ratings === 0) {
    const message = 'there is no rating with a value';
    return { message, hint: 'label some pairs first; skipped ones and "both bad" have no value' };
  }
  const rating = report.annotators.filter(({ rated }) => rated > 0);
  if (rating.length === 1) {
    const message = `all ${report.overall.ratings} ratings are by one annotator (${rating[0].annotator})`;
    return { message, hint: 'agreement needs two or more: let somebody else label the same pairs' };
  }
  if (report.overall.compared > 0) return null;
  const message = `no unit was rated by two annotators (${rating.length} annotators, ${report.overall.units} units)`;
  return { message, hint: 'let annotators label the same pairs, at least in part' };
}

const METRICS = ['nominal', 'ordinal', 'interval'] as const;

function measureGroup(
  table: RatingTable,
  coarse: RatingTable | null,
  units: readonly number[],
  options: { draws: number; random: Random; pairs: boolean },
): { group: GroupAgreement; pairs: PairAgreement[] } {
  const tally = new Tally(table, units, { pairs: options.pairs });
  const direction = coarse && new Tally(coarse, units, { pairs: false });
  const cells = tally.size + (direction?.size ?? 0);
  const patterns = patternsOf(table, units);
  // Both tables have the same units in the same places, so one vector of sums serves both.
  const summed = {
    size: cells,
    visit(unit: number, add: (cell: number, amount: number) => void): void {
      tally.visit(unit, add);
      direction?.visit(unit, (cell, amount) => add(tally.size + cell, amount));
    },
  };
  const ofGroup = (sums: Float64Array): (number | null)[] => {
    const fine = sums.subarray(0, tally.size);
    const rough = sums.subarray(tally.size);
    return [
      tally.observed(fine),
      ...METRICS.map((metric) => tally.alpha(fine, metric)),
      tally.fleissKappa(fine),
      direction && direction.observed(rough),
      direction && direction.alpha(rough, 'nominal'),
    ];
  };
  const withPairs = tally.pairs.length * tally.k * tally.k <= MOST_PAIR_CELLS;
  const ofPairs = (sums: Float64Array): (number | null)[] =>
    tally.pairs.flatMap((_, p) => [
      tally.pairObserved(sums, p),
      tally.pairKappa(sums, p),
      tally.pairKappa(sums, p, 'linear'),
      tally.pairAlpha(sums, p, 'ordinal'),
    ]);
  let first: Float64Array | null = null;
  const estimates = bootstrap(
    summed,
    patterns,
    (sums) => {
      const wanted = first === null || withPairs;
      first ??= sums.slice();
      return wanted ? [...ofGroup(sums), ...ofPairs(sums)] : ofGroup(sums);
    },
    options,
  );
  const sums: Float64Array = first ?? new Float64Array(cells);
  const [observed, nominal, ordinal, interval, fleiss, sameDirection, directionAlpha, ...rest] = estimates;
  return {
    group: {
      units: units.length,
      compared: units.filter((u) => ratingsOf(table, u) >= 2).length,
      ratings: units.reduce((sum, u) => sum + ratingsOf(table, u), 0),
      observed,
      alpha: { nominal, ordinal, interval },
      fleiss: { ...fleiss, raters: tally.raters, units: tally.fleissUnits(sums) },
      direction: direction && { observed: sameDirection, alpha: directionAlpha },
    },
    pairs: tally.pairs.map(([i, j], p): PairAgreement => {
      const [same, kappa, weighted, alpha] = rest.slice(4 * p, 4 * p + 4);
      const shared = tally.pairTable(sums, p).reduce((sum, count) => sum + count, 0);
      return {
        annotators: [table.annotators[i], table.annotators[j]],
        units: shared,
        observed: same,
        kappa,
        weighted,
        alpha,
      };
    }),
  };
}

import { byName, lastRatings, type Rating } from './ratings';
import { median, pearson, type Share, shareOf, spearman } from './shares';

/** What is known of a unit that is a pair of answers. */
export interface UnitFacts {
  readonly tags: readonly string[];
  /** Characters of each answer. */
  readonly lengthA?: number;
  readonly lengthB?: number;
}

/** How one annotator judges: whom they agree with, and what else than quality their choices go with. */
export interface AnnotatorReport {
  readonly annotator: string;
  /** Units with a value, and without one. */
  readonly rated: number;
  readonly missing: number;
  readonly medianMs: number | null;
  /** Comparisons with other annotators' ratings of the same units that came out equal. */
  readonly withOthers: Share;
  /** Repeated units that got the same value again. */
  readonly withSelf: Share;
  /** Only where the units are pairs of answers. */
  readonly bias: BiasReport | null;
}

export interface BiasReport {
  /** Of choices between answers of different length, how many fell on the longer. */
  readonly longer: Share;
  /** Spearman's ρ of the value (−2 … 2) with the length of b minus that of a; 0.5 is a strong taste for length. */
  readonly lengthCorrelation: number | null;
  /** Of all choices, how many fell on the answer shown first. */
  readonly first: Share;
  /** Pearson's r of the choice (−1, 0, 1) with where b stood (1 first, −1 second). */
  readonly positionCorrelation: number | null;
}

/**
 * The report of every annotator, by name. `ratings` in the order in which they were given: the last of a unit counts,
 * and one marked `repeat` is compared with the one before it. `facts` are those of pairs; null where units are
 * something else, and then no bias is looked for.
 */
export function annotatorReports(
  ratings: readonly Rating[],
  facts: ReadonlyMap<string, UnitFacts> | null,
): AnnotatorReport[] {
  // By unit, so that sums round alike whatever the order of rows.
  const counted = lastRatings(ratings).sort((x, y) => byName(x.unit, y.unit));
  const others = new Map<string, Rating[]>();
  const mine = new Map<string, Rating[]>();
  for (const rating of counted) {
    push(others, rating.unit, rating);
    push(mine, rating.annotator, rating);
  }
  const repeats = withSelf(ratings);
  return [...mine.keys()].sort(byName).map((annotator): AnnotatorReport => {
    const own = mine.get(annotator) ?? [];
    const valued = own.filter(({ value }) => value !== null);
    let same = 0;
    let compared = 0;
    for (const { unit, value } of valued) {
      for (const other of others.get(unit) ?? []) {
        if (other.annotator === annotator || other.value === null) continue;
        compared++;
        if (other.value === value) same++;
      }
    }
    const { equal, n } = repeats.get(annotator) ?? { equal: 0, n: 0 };
    return {
      annotator,
      rated: valued.length,
      missing: own.length - valued.length,
      medianMs: median(own.flatMap(({ ms }) => (ms === undefined || ms <= 0 ? [] : ms))),
      withOthers: shareOf(same, compared),
      withSelf: shareOf(equal, n),
      bias: facts && biasOf(own, facts),
    };
  });
}

function push(map: Map<string, Rating[]>, key: string, rating: Rating): void {
  const list = map.get(key);
  if (list) list.push(rating);
  else map.set(key, [rating]);
}

function withSelf(ratings: readonly Rating[]): Map<string, { equal: number; n: number }> {
  const before = new Map<string, Map<string, number | null>>();
  const result = new Map<string, { equal: number; n: number }>();
  for (const { unit, annotator, value, repeat } of ratings) {
    let values = before.get(annotator);
    if (!values) before.set(annotator, (values = new Map<string, number | null>()));
    const last = values.get(unit);
    if (repeat && last != null && value !== null) {
      const { equal, n } = result.get(annotator) ?? { equal: 0, n: 0 };
      result.set(annotator, { equal: equal + (last === value ? 1 : 0), n: n + 1 });
    }
    values.set(unit, value);
  }
  return result;
}

function biasOf(own: readonly Rating[], facts: ReadonlyMap<string, UnitFacts>): BiasReport {
  const values: number[] = [];
  const differences: number[] = [];
  const choices: number[] = [];
  const places: number[] = [];
  let longer = 0;
  let decided = 0;
  let first = 0;
  let chosen = 0;
  for (const { unit, value, shown } of own) {
    if (value === null) continue;
    const choice = Math.sign(value);
    const { lengthA, lengthB } = facts.get(unit) ?? {};
    if (lengthA !== undefined && lengthB !== undefined) {
      const difference = lengthB - lengthA;
      values.push(value);
      differences.push(difference);
      if (choice !== 0 && difference !== 0) {
        decided++;
        if (choice === Math.sign(difference)) longer++;
      }
    }
    if (shown === undefined) continue;
    const place = shown === 'ba' ? 1 : -1;
    choices.push(choice);
    places.push(place);
    if (choice === 0) continue;
    chosen++;
    if (choice === place) first++;
  }
  return {
    longer: shareOf(longer, decided),
    lengthCorrelation: spearman(differences, values),
    first: shareOf(first, chosen),
    positionCorrelation: pearson(places, choices),
  };
}

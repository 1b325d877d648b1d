/**
 * The table that all agreement statistics read: who gave which unit which value. A unit is a pair of answers, or
 * anything else that was rated; a value is a number, or missing.
 */

/** One rating. `value` is null where the annotator saw the unit and gave no value (skipped, or both answers bad). */
export interface Rating {
  readonly unit: string;
  readonly annotator: string;
  readonly value: number | null;
  /** Why there is no value. */
  readonly missing?: 'both_bad' | 'skip';
  /** Which answer of a pair stood first. */
  readonly shown?: 'ab' | 'ba';
  /** How long the annotator took, in milliseconds. */
  readonly ms?: number;
  /** The unit was asked again on purpose: the rating can be held against the one before. A correction is not so marked. */
  readonly repeat?: boolean;
}

/**
 * Ratings by unit, in the order of their names, so that neither the order of rows nor of files changes a result. The
 * ratings of unit u are those at `offsets[u]` … `offsets[u + 1] − 1`, by annotator; missing values are left out.
 */
export interface RatingTable {
  readonly units: readonly string[];
  readonly annotators: readonly string[];
  /** The values that occur, ascending: a rating's category is its place here. */
  readonly values: readonly number[];
  readonly offsets: Int32Array /* [units + 1] */;
  readonly annotator: Int32Array /* [ratings] */;
  readonly category: Int32Array /* [ratings] */;
}

/** Plain order by code units: the same on every machine, whatever its language. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The rating that counts for each unit and annotator: the last one given, also where that one has no value.
 * Order: that of each one's first appearance.
 */
export function lastRatings(ratings: readonly Rating[]): Rating[] {
  const last = new Map<string, Map<string, Rating>>();
  for (const rating of ratings) {
    let row = last.get(rating.unit);
    if (!row) last.set(rating.unit, (row = new Map<string, Rating>()));
    row.set(rating.annotator, rating);
  }
  return [...last.values()].flatMap((row) => [...row.values()]);
}

/**
 * Builds the table. Units and annotators without any value are in it, with no ratings. Of several ratings of a unit by
 * one annotator the last counts, or, with `repeats: 'all'`, each does (Dawid and Skene's own data are of that kind).
 * `value` maps every value first, such as to its sign.
 */
export function ratingTable(
  ratings: readonly Rating[],
  options: { repeats?: 'last' | 'all'; value?: (value: number) => number } = {},
): RatingTable {
  const counted = options.repeats === 'all' ? ratings : lastRatings(ratings);
  const units = [...new Set(counted.map(({ unit }) => unit))].sort(byName);
  const annotators = [...new Set(counted.map(({ annotator }) => annotator))].sort(byName);
  const place = new Map(annotators.map((name, i) => [name, i]));
  const map = options.value ?? ((value: number) => value);
  const valueOf = (rating: Rating): number | null => (rating.value === null ? null : map(rating.value) + 0); // −0 is 0

  const rows = new Map<string, { annotator: number; value: number }[]>(units.map((unit) => [unit, []]));
  const seen = new Set<number>();
  for (const rating of counted) {
    const value = valueOf(rating);
    if (value === null) continue;
    seen.add(value);
    rows.get(rating.unit)?.push({ annotator: place.get(rating.annotator) ?? 0, value });
  }
  const values = [...seen].sort((a, b) => a - b);
  const categoryOf = new Map(values.map((value, i) => [value, i]));

  const offsets = new Int32Array(units.length + 1);
  const annotator: number[] = [];
  const category: number[] = [];
  units.forEach((unit, u) => {
    const row = (rows.get(unit) ?? []).sort((a, b) => a.annotator - b.annotator || a.value - b.value);
    for (const rating of row) {
      annotator.push(rating.annotator);
      category.push(categoryOf.get(rating.value) ?? 0);
    }
    offsets[u + 1] = annotator.length;
  });
  return {
    units,
    annotators,
    values,
    offsets,
    annotator: Int32Array.from(annotator),
    category: Int32Array.from(category),
  };
}

/** How many ratings with a value unit `u` has. */
export function ratingsOf(table: RatingTable, u: number): number {
  return table.offsets[u + 1] - table.offsets[u];
}

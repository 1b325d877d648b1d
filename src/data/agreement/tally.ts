import { cohenKappa, fleissKappa, krippendorffAlpha, type Metric, type Weighting } from './coefficients';
import type { RatingTable } from './ratings';

/**
 * What every coefficient is computed from, as one vector of sums over units: coincidences, compared pairs of ratings,
 * Fleiss' counts, and a table for every pair of annotators. A unit's share of it is small and sparse, so that a
 * resample of units costs additions only.
 */
export class Tally {
  /** Categories. */
  readonly k: number;
  /** Length of the vector. */
  readonly size: number;
  /** Fleiss' κ wants the same number of ratings on each unit: the commonest one (the larger of equals). */
  readonly raters: number;
  /** Annotators with at least one unit in common, as places in the table. */
  readonly pairs: readonly (readonly [number, number])[];
  private readonly pairAt: ReadonlyMap<number, number>;
  private readonly agreeing: number;
  private readonly fleiss: number;

  /** `pairs: false` leaves the tables of annotator pairs out. */
  constructor(
    readonly table: RatingTable,
    units: Iterable<number>,
    options: { pairs: boolean },
  ) {
    this.k = table.values.length;
    const sizes = new Map<number, number>();
    const met = new Set<number>();
    for (const u of units) {
      const from = table.offsets[u];
      const to = table.offsets[u + 1];
      if (to - from >= 2) sizes.set(to - from, (sizes.get(to - from) ?? 0) + 1);
      if (!options.pairs) continue;
      for (let r = from; r < to; r++) {
        for (let s = r + 1; s < to; s++) met.add(this.pairKey(table.annotator[r], table.annotator[s]));
      }
    }
    this.raters = [...sizes].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? 0;
    const keys = [...met].sort((a, b) => a - b);
    const annotators = table.annotators.length;
    this.pairs = keys.map((key) => [Math.floor(key / annotators), key % annotators] as const);
    this.agreeing = this.k * this.k;
    this.fleiss = this.agreeing + 2;
    const tables = this.fleiss + 2 + this.k;
    this.pairAt = new Map(keys.map((key, p) => [key, tables + p * this.k * this.k]));
    this.size = tables + keys.length * this.k * this.k;
  }

  private pairKey(i: number, j: number): number {
    return i * this.table.annotators.length + j;
  }

  /** Calls `add` with what unit `u` adds to the vector. */
  visit(u: number, add: (cell: number, amount: number) => void): void {
    const { table, k } = this;
    const from = table.offsets[u];
    const to = table.offsets[u + 1];
    const m = to - from;
    if (m < 2) return;
    let agreeing = 0;
    for (let r = from; r < to; r++) {
      for (let s = r + 1; s < to; s++) {
        const c = table.category[r];
        const d = table.category[s];
        add(c * k + d, 1 / (m - 1));
        add(d * k + c, 1 / (m - 1));
        if (c === d) agreeing++;
        const pair = this.pairAt.get(this.pairKey(table.annotator[r], table.annotator[s]));
        if (pair !== undefined) add(pair + c * k + d, 1);
      }
    }
    const compared = (m * (m - 1)) / 2;
    add(this.agreeing, agreeing);
    add(this.agreeing + 1, compared);
    if (m !== this.raters) return;
    add(this.fleiss, agreeing / compared);
    add(this.fleiss + 1, 1);
    for (let r = from; r < to; r++) add(this.fleiss + 2 + table.category[r], 1);
  }

  /** The share of pairs of ratings of one unit that are the same value. */
  observed(sums: Float64Array): number | null {
    return sums[this.agreeing + 1] > 0 ? sums[this.agreeing] / sums[this.agreeing + 1] : null;
  }

  /** How many pairs of ratings were compared. */
  compared(sums: Float64Array): number {
    return sums[this.agreeing + 1];
  }

  /** Krippendorff's α of all ratings. */
  alpha(sums: Float64Array, metric: Metric): number | null {
    return krippendorffAlpha(sums.subarray(0, this.k * this.k), this.table.values, metric);
  }

  /** Fleiss' κ of the units with `raters` ratings. */
  fleissKappa(sums: Float64Array): number | null {
    const counts = sums.subarray(this.fleiss + 2, this.fleiss + 2 + this.k);
    return fleissKappa(sums[this.fleiss], sums[this.fleiss + 1], counts, this.raters);
  }

  /** How many units Fleiss' κ rests on. */
  fleissUnits(sums: Float64Array): number {
    return sums[this.fleiss + 1];
  }

  /** The table [k, k] of annotator pair `p`: rows are the first one's categories. */
  pairTable(sums: Float64Array, p: number): Float64Array {
    const start = this.size - (this.pairs.length - p) * this.k * this.k;
    return sums.subarray(start, start + this.k * this.k);
  }

  pairObserved(sums: Float64Array, p: number): number | null {
    const table = this.pairTable(sums, p);
    let n = 0;
    let same = 0;
    for (let i = 0; i < table.length; i++) n += table[i];
    for (let c = 0; c < this.k; c++) same += table[c * this.k + c];
    return n > 0 ? same / n : null;
  }

  pairKappa(sums: Float64Array, p: number, weighting: Weighting = 'none'): number | null {
    return cohenKappa(this.pairTable(sums, p), this.k, weighting);
  }

  /** α of two annotators alone: every unit they share has two values, so its coincidences are the table both ways. */
  pairAlpha(sums: Float64Array, p: number, metric: Metric): number | null {
    const { k } = this;
    const table = this.pairTable(sums, p);
    const coincidences = new Float64Array(k * k);
    for (let c = 0; c < k; c++) {
      for (let d = 0; d < k; d++) coincidences[c * k + d] = table[c * k + d] + table[d * k + c];
    }
    return krippendorffAlpha(coincidences, this.table.values, metric);
  }
}

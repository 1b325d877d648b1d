import type { Random } from '../random';
import type { Patterns } from './patterns';
import { resampler } from './resample';

/** A number with its 95 % interval; null where undefined. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Something that sums sparse contributions of units into a vector of `size`. */
export interface Summed {
  readonly size: number;
  visit(unit: number, add: (cell: number, amount: number) => void): void;
}

/**
 * The percentile bootstrap over units (Efron 1979): `draws` times as many units as there are, drawn with replacement.
 * `measure` writes the statistics of a vector of sums; each comes back with its value on the data and the 2.5 % and
 * 97.5 % quantiles of its defined resamples, where more than half of them are defined. The same seed gives the same
 * intervals whatever the order of units; `draws: 0` gives values without intervals.
 */
export function bootstrap(
  summed: Summed,
  patterns: Patterns,
  measure: (sums: Float64Array) => readonly (number | null)[],
  options: { draws: number; random: Random },
): Estimate[] {
  const { draws, random } = options;
  const parts = sparseParts(summed, patterns);
  const sums = new Float64Array(summed.size);
  addUp(sums, parts, patterns.weights);
  const values = measure(sums);
  const resampled = values.map(() => [] as number[]);
  const draw = resampler(patterns.weights, random);
  const weights = new Int32Array(patterns.weights.length);
  for (let i = 0; i < draws && weights.length > 0; i++) {
    draw(weights);
    addUp(sums, parts, weights);
    measure(sums).forEach((value, s) => {
      if (value !== null) resampled[s].push(value);
    });
  }
  return values.map((value, s): Estimate => {
    const defined = resampled[s];
    if (value === null || draws === 0 || defined.length <= draws / 2) return { value, low: null, high: null };
    const sorted = Float64Array.from(defined).sort();
    return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

/** What one unit of each pattern adds: cells and amounts of pattern p from `offsets[p]` to `offsets[p + 1]`. */
interface Parts {
  offsets: Int32Array;
  cells: Int32Array;
  amounts: Float64Array;
}

function sparseParts(summed: Summed, patterns: Patterns): Parts {
  const offsets = new Int32Array(patterns.example.length + 1);
  const cells: number[] = [];
  const amounts: number[] = [];
  patterns.example.forEach((unit, p) => {
    const merged = new Map<number, number>();
    summed.visit(unit, (cell, amount) => merged.set(cell, (merged.get(cell) ?? 0) + amount));
    for (const [cell, amount] of merged) {
      cells.push(cell);
      amounts.push(amount);
    }
    offsets[p + 1] = cells.length;
  });
  return { offsets, cells: Int32Array.from(cells), amounts: Float64Array.from(amounts) };
}

function addUp(sums: Float64Array, { offsets, cells, amounts }: Parts, weights: Int32Array): void {
  sums.fill(0);
  for (let p = 0; p < weights.length; p++) {
    const weight = weights[p];
    if (weight === 0) continue;
    for (let i = offsets[p]; i < offsets[p + 1]; i++) sums[cells[i]] += weight * amounts[i];
  }
}

/** The q-quantile of sorted values, with linear interpolation (Hyndman and Fan's type 7, as numpy's default). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

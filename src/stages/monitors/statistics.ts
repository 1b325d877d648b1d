/** Mean, variance and count of numbers. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** With n − 1; 0 for a single value. */
  readonly variance: number;
}

/** Moments of the finite values. Of none the mean is NaN. */
export function momentsOf(values: readonly number[]): Moments {
  const finite = values.filter(Number.isFinite);
  const n = finite.length;
  const mean = finite.reduce((sum, value) => sum + value, 0) / n;
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, variance: n > 1 ? squares / (n - 1) : 0 };
}

/** The standard error of the difference of two means (Welch). */
export function errorOfDifference(a: Moments, b: Moments): number {
  return Math.sqrt(a.variance / Math.max(1, a.n) + b.variance / Math.max(1, b.n));
}

/** Sums of squares and of products of two measures about their means. */
export interface Products {
  readonly n: number;
  /** n less the means that were taken from the data. */
  readonly free: number;
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
}

/** Of the pairs in which both are finite. What does not vary has 0. */
export function productsOf(x: readonly number[], y: readonly number[]): Products {
  const both = x.map((value, i) => [value, y[i] ?? NaN]).filter((pair) => pair.every(Number.isFinite));
  const meanX = momentsOf(both.map(([value]) => value)).mean;
  const meanY = momentsOf(both.map(([, value]) => value)).mean;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (const [a, b] of both) {
    xx += (a - meanX) ** 2;
    yy += (b - meanY) ** 2;
    xy += (a - meanX) * (b - meanY);
  }
  const n = both.length;
  // what rounding leaves of equal values is no variation
  const varied = (sum: number, mean: number): number => (sum <= 1e-24 * Math.max(1, mean * mean) * n ? 0 : sum);
  return { n, free: Math.max(0, n - 1), xx: varied(xx, meanX), yy: varied(yy, meanY), xy };
}

/** Pearson's correlation of pairs in which both are finite; NaN where one of them does not vary. */
export function pearson(x: readonly number[], y: readonly number[]): number {
  const { n, xx, yy, xy } = productsOf(x, y);
  if (n < 2 || xx === 0 || yy === 0) return NaN;
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** Values less the mean of their group; NaN where the group has no other. */
export function withinGroups(values: readonly number[], groups: readonly string[]): number[] {
  const members = new Map<string, number[]>();
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const known = members.get(groups[i]);
    if (known) known.push(value);
    else members.set(groups[i], [value]);
  });
  return values.map((value, i) => {
    const group = members.get(groups[i]) ?? [];
    return group.length > 1 ? value - momentsOf(group).mean : NaN;
  });
}

/**
 * Debiased exponential moving average: m ← m + a·(v − m) with a = (1 − w) / (1 − wⁿ).
 *
 * This is the usual average divided by 1 − wⁿ, written as an update so that a constant stays that very constant and
 * the first value stands as it is. Run it over the full series: an average over decimated points would depend on the
 * width of the window.
 *
 * @param weight w in [0, 1): 0 leaves the values as they are.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const smoothed = Float64Array.from(values);
  if (weight === 0) return smoothed;
  let mean = 0;
  let power = 1;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? NaN;
    if (!Number.isFinite(value)) {
      smoothed[index] = value;
      continue;
    }
    power *= weight;
    mean += ((1 - weight) / (1 - power)) * (value - mean);
    smoothed[index] = mean;
  }
  return smoothed;
}

/** Fewer values than this are shown as they are: an average of two evaluations says less than the two. */
export const FEWEST_TO_SMOOTH = 12;

/** The weight that a series of this length and name gets when the slider says `weight`. */
export function effectiveWeight(metric: string, length: number, weight: number): number {
  return length < FEWEST_TO_SMOOTH || metric.startsWith('eval_') || metric === 'learning_rate' ? 0 : weight;
}

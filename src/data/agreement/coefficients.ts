/**
 * Coefficients of agreement, each from the counts it is defined on. `null` means undefined (nothing to compare, or no
 * variation): it is neither 0 nor 1, and is printed as such.
 */

export type Metric = 'nominal' | 'ordinal' | 'interval';
export type Weighting = 'none' | 'linear' | 'quadratic';

const RELATIVE_ZERO = 1e-12;

/**
 * Krippendorff's α = 1 − D_o ÷ D_e (Krippendorff 2011, "Computing Krippendorff's alpha-reliability").
 *
 * `coincidences` [k, k]: for every unit with m ≥ 2 values, 1 ÷ (m − 1) for each ordered pair of its values. `values` are
 * the k categories, ascending; they matter to the interval metric only.
 */
export function krippendorffAlpha(
  coincidences: ArrayLike<number>,
  values: readonly number[],
  metric: Metric,
): number | null {
  const k = values.length;
  const margins = new Float64Array(k);
  let n = 0;
  for (let c = 0; c < k; c++) {
    for (let d = 0; d < k; d++) margins[c] += coincidences[c * k + d];
    n += margins[c];
  }
  if (n <= 1) return null;
  let observed = 0;
  let expected = 0;
  for (let c = 0; c < k; c++) {
    let between = 0; // values strictly between c and d
    for (let d = c + 1; d < k; d++) {
      const distance = squaredDistance(metric, values[d] - values[c], between + (margins[c] + margins[d]) / 2);
      observed += (coincidences[c * k + d] + coincidences[d * k + c]) * distance;
      expected += 2 * margins[c] * margins[d] * distance;
      between += margins[d];
    }
  }
  return expected > 0 ? 1 - ((n - 1) * observed) / expected : null;
}

/** δ² of two different values: `ranks` is Σ n_g from one to the other (both included) − (n_c + n_k) ÷ 2. */
function squaredDistance(metric: Metric, difference: number, ranks: number): number {
  if (metric === 'nominal') return 1;
  return metric === 'ordinal' ? ranks * ranks : difference * difference;
}

/**
 * Cohen's κ = (p_o − p_e) ÷ (1 − p_e) of two annotators (Cohen 1960); weighted, with disagreements weighing |i − j| or
 * its square (Cohen 1968). `table` [k, k] counts the units that the first gave category i and the second j.
 */
export function cohenKappa(table: ArrayLike<number>, k: number, weighting: Weighting = 'none'): number | null {
  const first = new Float64Array(k);
  const second = new Float64Array(k);
  let n = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const count = table[i * k + j];
      first[i] += count;
      second[j] += count;
      n += count;
    }
  }
  let observed = 0;
  let expected = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      if (i === j) continue;
      const weight = weighting === 'none' ? 1 : weighting === 'linear' ? Math.abs(i - j) : (i - j) * (i - j);
      observed += weight * table[i * k + j];
      expected += (weight * first[i] * second[j]) / n;
    }
  }
  return n > 0 && expected > RELATIVE_ZERO * n ? 1 - observed / expected : null;
}

/**
 * Fleiss' κ (Fleiss 1971) of units that `raters` annotators each have rated. `agreement` is Σ P_i over the `units`,
 * P_i = (Σ_j n_ij² − n) ÷ (n (n − 1)); `counts` [k] how often each category was given.
 */
export function fleissKappa(
  agreement: number,
  units: number,
  counts: ArrayLike<number>,
  raters: number,
): number | null {
  if (units <= 0 || raters < 2) return null;
  let expected = 0;
  for (let j = 0; j < counts.length; j++) expected += (counts[j] / (units * raters)) ** 2;
  return 1 - expected > RELATIVE_ZERO ? (agreement / units - expected) / (1 - expected) : null;
}

/** How α is read by Krippendorff (2004, Content Analysis, ch. 11). */
export function alphaInWords(alpha: number): 'reliable' | 'tentative' | 'not reliable' {
  return alpha >= 0.8 ? 'reliable' : alpha >= 0.667 ? 'tentative' : 'not reliable';
}

/** How κ is read by Landis and Koch (1977). */
export function kappaInWords(kappa: number): string {
  if (kappa < 0) return 'poor';
  if (kappa <= 0.2) return 'slight';
  if (kappa <= 0.4) return 'fair';
  if (kappa <= 0.6) return 'moderate';
  return kappa <= 0.8 ? 'substantial' : 'almost perfect';
}

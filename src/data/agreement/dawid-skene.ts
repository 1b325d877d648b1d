import { patternsOf } from './patterns';
import type { RatingTable } from './ratings';

export interface DawidSkeneOptions {
  /**
   * Added to every cell of an annotator's confusion counts: a Dirichlet prior that keeps annotators with few labels
   * from being called perfect or hopeless. 0 is plain maximum likelihood, as in the paper.
   */
  smoothing?: number;
  /** Ends when no posterior moves more than this in an iteration. */
  tolerance?: number;
  mostIterations?: number;
}

export interface DawidSkeneFit {
  /** P(true class of unit | its ratings). Units without ratings get the priors. */
  readonly posterior: Float64Array /* [units, classes] */;
  readonly priors: Float64Array /* [classes] */;
  /** P(annotator says column | true class is row). */
  readonly confusion: readonly Float64Array[] /* [annotators][classes, classes] */;
  readonly iterations: number;
  readonly converged: boolean;
  /** Log-likelihood of the ratings, plus the log-density of the prior up to a constant: EM never lowers it. */
  readonly objective: number;
  /** The objective after each iteration. */
  readonly history: readonly number[];
}

export const DEFAULT_SMOOTHING = 0.1;

/** No probability is taken to be smaller: one label must not make a class impossible for ever. */
const SMALLEST = 1e-10;

/**
 * Estimates true classes and every annotator's error rates by EM (Dawid and Skene 1979, "Maximum likelihood estimation
 * of observer error-rates using the EM algorithm"). Starts from the shares of votes, so it is deterministic; sums of
 * logarithms keep units with many ratings from underflowing. A confusion row of an annotator that no rating speaks to
 * is uniform.
 */
export function dawidSkene(table: RatingTable, options: DawidSkeneOptions = {}): DawidSkeneFit {
  const { smoothing = DEFAULT_SMOOTHING, tolerance = 1e-7, mostIterations = 5000 } = options;
  const k = table.values.length;
  const rated = [...table.units.keys()].filter((u) => table.offsets[u + 1] > table.offsets[u]);
  const patterns = patternsOf(table, rated);
  const count = patterns.weights.length;

  const posterior = new Float64Array(count * k);
  for (let p = 0; p < count; p++) {
    const u = patterns.example[p];
    const share = 1 / (table.offsets[u + 1] - table.offsets[u]);
    for (let r = table.offsets[u]; r < table.offsets[u + 1]; r++) posterior[p * k + table.category[r]] += share;
  }

  const priors = new Float64Array(k);
  const confusion = table.annotators.map(() => new Float64Array(k * k));
  const logPriors = new Float64Array(k);
  const logConfusion = table.annotators.map(() => new Float64Array(k * k));
  const history: number[] = [];
  let converged = rated.length === 0 || k < 2;

  const maximise = (): void => {
    priors.fill(0);
    for (const matrix of confusion) matrix.fill(smoothing);
    for (let p = 0; p < count; p++) {
      const weight = patterns.weights[p];
      const u = patterns.example[p];
      for (let c = 0; c < k; c++) {
        const amount = weight * posterior[p * k + c];
        priors[c] += amount / rated.length;
        for (let r = table.offsets[u]; r < table.offsets[u + 1]; r++)
          confusion[table.annotator[r]][c * k + table.category[r]] += amount;
      }
    }
    confusion.forEach((matrix, w) => {
      for (let c = 0; c < k; c++) {
        let total = 0;
        for (let l = 0; l < k; l++) total += matrix[c * k + l];
        for (let l = 0; l < k; l++) {
          const cell = c * k + l;
          matrix[cell] = total > 0 ? matrix[cell] / total : 1 / k;
          logConfusion[w][cell] = Math.log(Math.max(matrix[cell], SMALLEST));
        }
      }
    });
    for (let c = 0; c < k; c++) logPriors[c] = Math.log(Math.max(priors[c], SMALLEST));
  };

  /** Replaces the posterior; gives the largest change and the log-likelihood under the parameters it was made with. */
  const expect = (): { change: number; likelihood: number } => {
    let change = 0;
    let likelihood = 0;
    const logs = new Float64Array(k);
    for (let p = 0; p < count; p++) {
      const u = patterns.example[p];
      let largest = -Infinity;
      for (let c = 0; c < k; c++) {
        logs[c] = logPriors[c];
        for (let r = table.offsets[u]; r < table.offsets[u + 1]; r++)
          logs[c] += logConfusion[table.annotator[r]][c * k + table.category[r]];
        largest = Math.max(largest, logs[c]);
      }
      let total = 0;
      for (let c = 0; c < k; c++) total += Math.exp(logs[c] - largest);
      likelihood += patterns.weights[p] * (largest + Math.log(total));
      for (let c = 0; c < k; c++) {
        const next = Math.exp(logs[c] - largest) / total;
        change = Math.max(change, Math.abs(next - posterior[p * k + c]));
        posterior[p * k + c] = next;
      }
    }
    return { change, likelihood };
  };

  const logPrior = (): number => {
    if (smoothing === 0) return 0;
    let sum = 0;
    for (const matrix of logConfusion) for (const log of matrix) sum += log;
    return smoothing * sum;
  };

  maximise();
  while (!converged && history.length < mostIterations) {
    const density = logPrior();
    const { change, likelihood } = expect();
    history.push(likelihood + density);
    maximise();
    converged = change < tolerance;
  }

  const all = new Float64Array(table.units.length * k);
  for (let u = 0; u < table.units.length; u++) all.set(priors, u * k);
  rated.forEach((u, i) => {
    const p = patterns.ofUnit[i];
    all.set(posterior.subarray(p * k, (p + 1) * k), u * k);
  });
  return {
    posterior: all,
    priors,
    confusion,
    iterations: history.length,
    converged,
    objective: history.at(-1) ?? 0,
    history,
  };
}

/** How often an annotator says what the fit takes to be true: Σ_c π_c e[c|c]. */
export function accuracyOf(fit: DawidSkeneFit, annotator: number): number {
  const k = fit.priors.length;
  let sum = 0;
  for (let c = 0; c < k; c++) sum += fit.priors[c] * fit.confusion[annotator][c * k + c];
  return sum;
}

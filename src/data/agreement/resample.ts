import type { Random } from '../random';

/** The mean up to which a binomial is found by searching from 0: beyond it (1 − p)ⁿ would underflow. */
const MOST_MEAN = 200;

/** Draws Binomial(n, p) exactly, by inversion; one uniform number for every `MOST_MEAN` of the mean. */
export function binomial(n: number, p: number, random: Random): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(n, 1 - p, random);
  const most = Math.max(1, Math.floor(MOST_MEAN / p));
  let sum = 0;
  for (let left = n; left > 0; left -= most) sum += invert(Math.min(left, most), p, random.next());
  return sum;
}

function invert(n: number, p: number, u: number): number {
  const odds = p / (1 - p);
  let mass = Math.exp(n * Math.log1p(-p));
  let x = 0;
  // Rounding can leave a crumb of u after the last outcome.
  while (u > mass && x < n) {
    u -= mass;
    x++;
    mass *= (n - x + 1) * (odds / x);
  }
  return x;
}

/**
 * A sampler of bootstrap weights: writes to `out` how often each pattern is drawn when as many units as `counts` has in
 * all are drawn from them with replacement. Few patterns are drawn as a multinomial (a binomial each, given those
 * before), many unit by unit: the distribution is the same.
 */
export function resampler(counts: Int32Array, random: Random): (out: Int32Array) => void {
  let units = 0;
  for (const count of counts) units += count;
  if (counts.length * 8 > units) {
    const pattern = new Int32Array(units);
    let filled = 0;
    counts.forEach((count, p) => pattern.fill(p, filled, (filled += count)));
    return (out) => {
      out.fill(0);
      for (let i = 0; i < units; i++) out[pattern[random.int(units)]]++;
    };
  }
  return (out) => {
    let draws = units;
    let among = units;
    counts.forEach((count, p) => {
      out[p] = binomial(draws, count / among, random);
      draws -= out[p];
      among -= count;
    });
  };
}

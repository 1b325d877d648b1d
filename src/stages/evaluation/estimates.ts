import { bootstrap, type Estimate } from '../../data/agreement/bootstrap';
import type { Random } from '../../data/random';

export type { Estimate } from '../../data/agreement/bootstrap';

const DRAWS = 1000;

/**
 * The mean of values that come in groups, one a prompt, with the 95 % percentile interval of a bootstrap over prompts:
 * answers to one prompt are alike, so they are drawn together. Null without values; no interval for a single prompt.
 */
export function meanOverPrompts(groups: readonly (readonly number[])[], random: Random): Estimate {
  const filled = groups.filter((values) => values.length > 0);
  const sums = filled.map((values) => values.reduce((sum, value) => sum + value, 0));
  const each = Int32Array.from(filled.keys());
  const [mean] = bootstrap(
    {
      size: 2,
      visit(prompt, add) {
        add(0, sums[prompt]);
        add(1, filled[prompt].length);
      },
    },
    { weights: new Int32Array(filled.length).fill(1), ofUnit: each, example: each },
    ([sum, count]) => [count === 0 ? null : sum / count],
    { draws: filled.length > 1 ? DRAWS : 0, random },
  );
  return mean;
}

/**
 * The two-sided exact sign test: how probable it is that `wins` and `losses` differ at least so much where each is as
 * likely as the other. Ties say nothing about it and are left out. On the discordant pairs of two yes-or-no results it
 * is McNemar's exact test. 1 where nothing was won or lost.
 */
export function signTest(wins: number, losses: number): number {
  const n = wins + losses;
  const fewer = Math.min(wins, losses);
  // log C(n, k) − n log 2, from k = 0 on
  let log = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= fewer; k++) {
    tail += Math.exp(log);
    log += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

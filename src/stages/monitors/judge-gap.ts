import { momentsOf } from './statistics';
import type { WatchedAnswer } from './answers';

/** One measurement: means of the judge and of the reward that trains, over `n` answers. */
interface Point {
  readonly n: number;
  readonly judge: number;
  readonly variance: number;
  readonly reward: number;
}

/** What a gap remembers; plain JSON. */
export interface JudgeGapState {
  readonly recent: readonly Point[];
  readonly best: Point | null;
}

/** Measurements that are taken together: one alone is too noisy to call a fall. */
const WINDOW = 4;
/** A fall counts once it is so many standard errors. The best of many windows is partly luck: hence more than two. */
const ERRORS = 3.5;

/**
 * Over-optimisation (Gao 2022): the reward that trains rises while a judge that trains nothing falls. Both are means
 * over the last four measurements, compared with the four in which the judge was highest.
 */
export class JudgeGap {
  private recent: Point[] = [];
  private best: Point | null = null;

  /**
   * Takes a measurement. `value` is how far the judge lies below its best, as a share of that best (of its standard
   * deviation, where that is larger: scores around 0 have no share), and 0 where the reward has not risen since.
   */
  see(answers: readonly WatchedAnswer[]): { value: number; sure: boolean; judge: number } | undefined {
    const scored = answers.filter(({ judge, reward }) => Number.isFinite(judge) && Number.isFinite(reward));
    if (scored.length === 0) return undefined;
    const judged = momentsOf(scored.map(({ judge = NaN }) => judge));
    const reward = momentsOf(scored.map((answer) => answer.reward ?? NaN)).mean;
    const point = { n: judged.n, judge: judged.mean, variance: judged.variance, reward };
    const early = this.recent.length < WINDOW;
    this.recent = [...this.recent, point].slice(-WINDOW);
    const now = pooled(this.recent);
    if (!this.best || early || now.judge >= this.best.judge) this.best = now;
    const { best } = this;
    const fall = best.judge - now.judge;
    const error = Math.sqrt(best.variance / best.n + now.variance / now.n);
    const scale = Math.max(Math.abs(best.judge), Math.sqrt(best.variance));
    const rose = now.reward > best.reward;
    return {
      value: rose && fall > 0 && scale > 0 ? fall / scale : 0,
      sure: fall > ERRORS * error,
      judge: judged.mean,
    };
  }

  save(): JudgeGapState {
    return { recent: this.recent, best: this.best };
  }

  restore({ recent, best }: JudgeGapState): void {
    this.recent = [...recent];
    this.best = best;
  }
}

/** Measurements as one. */
function pooled(points: readonly Point[]): Point {
  const n = points.reduce((sum, point) => sum + point.n, 0);
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + point.n * of(point), 0) / n;
  return { n, judge: mean(({ judge }) => judge), variance: mean((p) => p.variance), reward: mean((p) => p.reward) };
}

import { promptKey, type WatchedAnswer } from './answers';
import { momentsOf, type Products, productsOf, withinGroups } from './statistics';

/** One measurement: means of the judge and of the reward that trains, over `n` answers. */
interface Point {
  readonly n: number;
  readonly judge: number;
  readonly variance: number;
  readonly reward: number;
  /** Judge and reward about their means: do they like the same answers? */
  readonly products: Products;
}

/** What a gap remembers; plain JSON. */
export interface JudgeGapState {
  readonly recent: readonly Point[];
  readonly best: Point | null;
}

/** What a measurement says. */
export interface Gap {
  /**
   * How far the judge lies below its best, as a share of that best (of its standard deviation, where that is larger:
   * scores around 0 have no share); 0 where the reward has not risen since.
   */
  readonly value: number;
  /** False where the fall may be chance. */
  readonly sure: boolean;
  /** The judge's mean over the answers of this measurement. */
  readonly judge: number;
  /** Correlation of judge and reward over the last measurements; NaN where it cannot be told. */
  readonly correlation: number;
}

/** Measurements that are taken together: one alone is too noisy to call a fall. */
const WINDOW = 4;
/**
 * A fall counts once it is so many standard errors. The best of many windows is partly luck: with four, a policy that
 * stays as good raises an alarm in one or two of a hundred runs of forty measurements. Where the reward is seen to pay for what
 * the judge dislikes, a fall is what must come, and one will do.
 */
const ERRORS = { usual: 4, expected: 1 };
/** Reward and judge disagree once their correlation is so many standard errors below 0. */
const OPPOSED = 3;
/** Answers below which prompts with several of them are too few to be compared within. */
const LEAST_WITHIN = 16;

/**
 * Over-optimisation (Gao 2022): the reward that trains rises while a judge that trains nothing falls. Both are means
 * over the last four measurements, compared with the four in which the judge was highest.
 *
 * A fall takes many answers to tell from chance, and what it takes is lost meanwhile. But whether it will come shows
 * before: a policy that is moved towards its reward, π ∝ π₀·exp(η r), changes the judge by η·Cov(judge, reward) (Price
 * 1970). A negative correlation among the answers is therefore evidence of its own, and the fall needs less.
 */
export class JudgeGap {
  private recent: Point[] = [];
  private best: Point | null = null;

  /** Takes a measurement; undefined where no answer has both scores. */
  see(answers: readonly WatchedAnswer[]): Gap | undefined {
    const scored = answers.filter(({ judge, reward }) => Number.isFinite(judge) && Number.isFinite(reward));
    if (scored.length === 0) return undefined;
    const judges = scored.map(({ judge = NaN }) => judge);
    const rewards = scored.map(({ reward = NaN }) => reward);
    const { n, mean: judge, variance } = momentsOf(judges);
    const products = together(judges, rewards, scored.map(promptKey));
    const point = { n, judge, variance, reward: momentsOf(rewards).mean, products };
    const early = this.recent.length < WINDOW;
    this.recent = [...this.recent, point].slice(-WINDOW);
    const now = pooled(this.recent);
    if (!this.best || early || now.judge >= this.best.judge) this.best = now;
    const { best } = this;
    const fall = best.judge - now.judge;
    const error = Math.sqrt(best.variance / best.n + now.variance / now.n);
    const scale = Math.max(Math.abs(best.judge), Math.sqrt(best.variance));
    const rose = now.reward > best.reward;
    const { free, xx, yy, xy } = now.products;
    const correlation = xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
    const opposed = correlation * Math.sqrt(free) < -OPPOSED;
    return {
      value: rose && fall > 0 && scale > 0 ? fall / scale : 0,
      sure: fall > (opposed ? ERRORS.expected : ERRORS.usual) * error,
      judge,
      correlation,
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

/** Among answers to one prompt, where there are several: what training compares. Else over all of them. */
function together(judges: readonly number[], rewards: readonly number[], prompts: readonly string[]): Products {
  const within = productsOf(withinGroups(judges, prompts), withinGroups(rewards, prompts));
  if (within.n < LEAST_WITHIN) return productsOf(judges, rewards);
  // each prompt's mean is a number that was taken from the data, as the one mean of all is
  const groups = new Map<string, number>();
  for (const prompt of prompts) groups.set(prompt, (groups.get(prompt) ?? 0) + 1);
  const means = [...groups.values()].filter((count) => count > 1).length;
  return { ...within, free: within.n - means };
}

/** Measurements as one. */
function pooled(points: readonly Point[]): Point {
  const total = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0);
  const n = total((point) => point.n);
  const mean = (of: (point: Point) => number): number => total((point) => point.n * of(point)) / n;
  const sum = (key: keyof Products): number => total(({ products }) => products[key]);
  return {
    n,
    judge: mean(({ judge }) => judge),
    variance: mean(({ variance }) => variance),
    reward: mean(({ reward }) => reward),
    products: { n: sum('n'), free: sum('free'), xx: sum('xx'), yy: sum('yy'), xy: sum('xy') },
  };
}

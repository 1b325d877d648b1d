import type { Curve } from './series';

/**
 * The frontier of a policy: what it gained in reward for how far it went from its reference (Gao et al. 2022,
 * arXiv:2210.10760, fig. 1). Of one run the points, in the order of steps, of answers that both were measured on.
 */
export interface FrontierPath {
  readonly run: string;
  readonly steps: Float64Array;
  /** Nats an answer, as logged: an estimate, which may lie below 0. */
  readonly kl: Float64Array;
  readonly reward: Float64Array;
  /** The same as moving averages over the steps. */
  readonly smoothKl: Float64Array;
  readonly smoothReward: Float64Array;
}

/** A reward that the frontier can show. */
export interface Measure {
  readonly key: string;
  readonly label: string;
  /** Its metric, by the names that algorithms give it, and the KL of the same answers; of each the first that a run has. */
  readonly reward: readonly string[];
  readonly kl: readonly string[];
}

const KL = ['objective/kl', 'monitor/kl'];
const PART = /^rewards\/(.+)\/mean$/s;

/** What ppo calls objective/scores is reward in grpo and rloo. */
const MEASURES: readonly Measure[] = [
  { key: 'reward', label: 'Reward', reward: ['objective/scores', 'reward'], kl: KL },
  {
    key: 'held-out',
    label: 'Reward, held out',
    reward: ['eval_objective/scores', 'eval_reward'],
    kl: ['eval_objective/kl'],
  },
  { key: 'judge', label: 'Judge', reward: ['monitor/judge'], kl: KL },
];

/** The rewards that some run has together with a KL, from the names of each run's metrics. */
export function measuresOf(runs: readonly ReadonlySet<string>[]): Measure[] {
  const parts = new Set<string>();
  for (const names of runs) {
    const own = [...names].filter((name) => PART.test(name));
    // a reward of one part is that part
    if (own.length > 1) for (const name of own) parts.add(name);
  }
  const all = [
    ...MEASURES,
    ...[...parts].sort().map((name): Measure => ({
      key: name,
      label: `Reward part: ${PART.exec(name)?.[1] ?? name}`,
      reward: [name],
      kl: KL,
    })),
  ];
  return all.filter(({ reward, kl }) =>
    runs.some((names) => reward.some((name) => names.has(name)) && kl.some((name) => names.has(name))),
  );
}

/** The measure that a key names, else the first; undefined where there is none. */
export function measureOf(measures: readonly Measure[], key: string | null): Measure | undefined {
  return measures.find((measure) => measure.key === key) ?? measures[0];
}

/** A run's points: the steps at which both were logged. Undefined where there is none. */
export function frontierPath(kl: Curve | undefined, reward: Curve | undefined): FrontierPath | undefined {
  if (!kl || !reward) return undefined;
  const pairs: [number, number][] = [];
  for (let k = 0, r = 0; k < kl.steps.length && r < reward.steps.length;) {
    const apart = (kl.steps[k] ?? NaN) - (reward.steps[r] ?? NaN);
    if (apart === 0) pairs.push([k++, r++]);
    else if (apart < 0) k++;
    else r++;
  }
  if (pairs.length === 0) return undefined;
  const ofKl = (values: Float64Array) => Float64Array.from(pairs, ([k]) => values[k] ?? NaN);
  const ofReward = (values: Float64Array) => Float64Array.from(pairs, ([, r]) => values[r] ?? NaN);
  return {
    run: kl.run,
    steps: ofKl(kl.steps),
    kl: ofKl(kl.raw),
    reward: ofReward(reward.raw),
    smoothKl: ofKl(kl.smoothed),
    smoothReward: ofReward(reward.smoothed),
  };
}

/** Where a KL stands on the x axis: itself, or √KL, where an estimate below 0 counts as 0. */
export function alongX(kl: number, rootKl: boolean): number {
  return rootKl ? Math.sqrt(Math.max(0, kl)) : kl;
}

/** The place of the highest reward of a path's averages. */
export function bestOf({ smoothReward }: FrontierPath): number {
  return smoothReward.reduce((best, value, index) => (value > (smoothReward[best] ?? -Infinity) ? index : best), 0);
}

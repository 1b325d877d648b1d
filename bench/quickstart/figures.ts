import { type Share, shareOf } from '../../src/data/agreement/shares';
import type { Estimate } from '../../src/data/agreement/bootstrap';
import type { SampleRow } from '../../src/runs/format';

/** Two answers to one held-out prompt: what the oracle and what the reward model think of each. */
export interface ScoredPair {
  oracle: readonly [number, number];
  reward: readonly [number, number];
}

/** Scores that differ by less are a tie. */
const TIE = 1e-9;
/** From here on a difference is clear. */
export const CLEAR = 0.25;
/** Measurements that are taken together, since one iteration's answers are few. */
const WINDOW = 4;
/** What a policy may lose of its best before a late alarm is too late. */
const LOSS = 0.1;

/** All pairs of a model's sampled answers to a prompt that differ and of which all four scores are known. */
export function pairsOf(samples: readonly SampleRow[], model: string, names: { oracle: string; reward: string }) {
  const before = new Map<number, SampleRow[]>();
  const pairs: ScoredPair[] = [];
  for (const sample of samples) {
    if (sample['model'] !== model || sample['greedy'] === true || sample.row === undefined) continue;
    const others = before.get(sample.row) ?? [];
    before.set(sample.row, [...others, sample]);
    for (const other of others) {
      if (other.answer === sample.answer) continue;
      const both = (name: string): [number, number] | undefined => {
        const [a, b] = [other.scores?.[name], sample.scores?.[name]];
        return a === undefined || b === undefined ? undefined : [a, b];
      };
      const [oracle, reward] = [both(names.oracle), both(names.reward)];
      if (oracle && reward) pairs.push({ oracle, reward });
    }
  }
  return pairs;
}

/**
 * How often the reward model prefers what the oracle prefers, among pairs whose oracle scores differ by more than
 * `gap`; a tie of the reward model counts half.
 */
export function accuracyOf(pairs: readonly ScoredPair[], gap = 0): Share {
  const untied = pairs.filter(({ oracle: [a, b] }) => Math.abs(a - b) > Math.max(gap, TIE));
  const right = untied.reduce((sum, { oracle, reward }) => {
    const same = (oracle[1] - oracle[0]) * (reward[1] - reward[0]);
    return sum + (same > 0 ? 1 : same === 0 ? 0.5 : 0);
  }, 0);
  return shareOf(right, untied.length);
}

/** A point of a policy's training. */
export interface PolicyPoint {
  step: number;
  /** What it is trained on. */
  proxy: number;
  oracle: number;
}

/** When an alarm was first raised. */
export interface FirstAlarm {
  signal: string;
  step: number;
}

/** How a policy's training went, in means over a few iterations. */
export interface Course {
  /** The windows: means, each at its last step. */
  points: PolicyPoint[];
  proxy: { first: number; last: number };
  oracle: { first: number; best: number; last: number };
  /** The step by which the oracle had lost a tenth of its best; null where it never did. */
  lostAt: number | null;
  /** The first alarm of each signal, the earliest first. */
  alarms: FirstAlarm[];
}

/** Null where there are no points. */
export function courseOf(points: readonly PolicyPoint[], alarms: readonly FirstAlarm[]): Course | null {
  if (points.length === 0) return null;
  const ends = points.map((_, i) => points.slice(Math.max(0, i - WINDOW + 1), i + 1));
  // the first windows are short: they begin once one is full, or with all there is
  const windows = ends.slice(Math.min(WINDOW, points.length) - 1);
  const mean = (window: readonly PolicyPoint[], of: 'proxy' | 'oracle'): number =>
    window.reduce((sum, point) => sum + point[of], 0) / window.length;
  const means = windows.map((window) => ({
    step: window[window.length - 1].step,
    proxy: mean(window, 'proxy'),
    oracle: mean(window, 'oracle'),
  }));
  const [first] = means;
  const last = means[means.length - 1];
  let best = -Infinity;
  let lostAt: number | null = null;
  for (const { step, oracle } of means) {
    best = Math.max(best, oracle);
    if (oracle < best * (1 - LOSS)) lostAt ??= step;
  }
  const ordered = [...alarms].sort((a, b) => a.step - b.step);
  return {
    points: means,
    proxy: { first: first.proxy, last: last.proxy },
    oracle: { first: first.oracle, best, last: last.oracle },
    lostAt,
    alarms: ordered.filter(({ signal }, i) => ordered.findIndex((other) => other.signal === signal) === i),
  };
}

/** The oracle's score of a model's held-out answers, with intervals of 95 %. */
export interface PolicyScores {
  sampled: Estimate;
  greedy: Estimate;
}

/** All that one seed gives; null where a stage is missing. */
export interface SeedFigures {
  seed: number;
  seconds: Record<string, number>;
  reward: { untied: Share; clear: Share } | null;
  policies: Record<string, PolicyScores>;
  courses: Record<string, Course>;
}

import { Random } from '../random';
import { type Label, type LabelRow, standingLabels } from './labels';

export interface LabelingOrderOptions {
  /** Default 42. The order is a function of seed, annotator and the pairs' ids alone. */
  seed?: number;
  /** Share of the pairs that are shown a second time. Default 0.05. */
  repeatShare?: number;
}

/** One showing of a pair. */
export interface Showing {
  pair: string;
  /** The answer that comes first: `ab` is the pair's own order. */
  shown: 'ab' | 'ba';
  /** The second showing of a repeated pair, in the other order of its answers. */
  repeat: boolean;
}

const REPEAT_SHARE = 0.05;
/** Pairs between a pair and its repetition, so that the annotator judges again and does not remember. */
const LEAST_GAP = 20;

/**
 * The order in which an annotator sees the pairs: random, with a random order of the answers, both fixed by seed,
 * annotator and id. Each pair's place comes from a number of its own, so pairs that are added or removed do not
 * disturb the order of the others.
 */
export function labelingOrder(
  pairs: readonly string[],
  annotator: string,
  { seed = 42, repeatShare = REPEAT_SHARE }: LabelingOrderOptions = {},
): Showing[] {
  const random = Random.from(seed, 'labeling', annotator);
  const drawn = [...new Set(pairs)].map((pair) => {
    const stream = random.split(pair);
    return { pair, key: stream.next(), flipped: stream.next() < 0.5, repeated: stream.next() < repeatShare };
  });
  drawn.sort((x, y) => x.key - y.key || (x.pair < y.pair ? -1 : 1));
  const gap = Math.min(LEAST_GAP, Math.floor(drawn.length / 2));
  const order: Showing[] = [];
  const due: { at: number; showing: Showing }[] = [];
  drawn.forEach(({ pair, flipped, repeated }, at) => {
    while (due.length > 0 && due[0].at < at) order.push(...due.splice(0, 1).map(({ showing }) => showing));
    order.push({ pair, shown: flipped ? 'ba' : 'ab', repeat: false });
    // The last pairs have too few behind them.
    if (repeated && gap > 0 && at + gap < drawn.length)
      due.push({ at: at + gap, showing: { pair, shown: flipped ? 'ab' : 'ba', repeat: true } });
  });
  return [...order, ...due.map(({ showing }) => showing)];
}

export interface LabelingProgress {
  /** Showings in all, repetitions included. */
  total: number;
  left: number;
  /** Labels of this annotator that stand. */
  labeled: number;
  /** Median milliseconds for a pair over the last labels; null before there are any. */
  paceMs: number | null;
  /** Repeated pairs judged alike (the same side, a tie, both bad), out of those judged twice. */
  repeats: { same: number; of: number };
}

export interface LabelingQueue {
  /** The showings that have no label yet, in order. */
  left: Showing[];
  progress: LabelingProgress;
}

/** Labels that the pace is the median of. */
const PACE_OVER = 20;

/** What is left of an annotator's order, and how they get on. `rows` may hold other annotators' rows as well. */
export function labelingQueue(order: readonly Showing[], rows: readonly LabelRow[], annotator: string): LabelingQueue {
  const mine = standingLabels(rows).filter((label) => label.annotator === annotator);
  const done = new Set(mine.map(({ pair, repeat }) => keyOf(pair, repeat === true)));
  const left = order.filter(({ pair, repeat }) => !done.has(keyOf(pair, repeat)));
  const times = mine
    .slice(-PACE_OVER)
    .map(({ ms }) => ms)
    .sort((x, y) => x - y);
  const middle = times.length >> 1;
  const paceMs = times.length === 0 ? null : times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  const progress = {
    total: order.length,
    left: left.length,
    labeled: mine.length,
    paceMs,
    repeats: selfAgreement(mine),
  };
  return { left, progress };
}

function keyOf(pair: string, repeat: boolean): string {
  return `${repeat ? 'again' : 'first'} ${pair}`;
}

/**
 * How often one annotator judges a repeated pair as before. `labels` are those of the annotator that stand. Strength
 * does not count, only the side; showings that were skipped are left out.
 */
export function selfAgreement(labels: readonly Label[]): { same: number; of: number } {
  const first = new Map<string, Label>();
  const again = new Map<string, Label>();
  for (const label of labels) (label.repeat ? again : first).set(label.pair, label);
  let same = 0;
  let of = 0;
  for (const [pair, label] of again) {
    const before = first.get(pair);
    if (before === undefined || before.value === 'skip' || label.value === 'skip') continue;
    of++;
    if (sideOf(before) === sideOf(label)) same++;
  }
  return { same, of };
}

function sideOf({ value }: Label): string {
  return typeof value === 'number' ? String(Math.sign(value)) : value;
}

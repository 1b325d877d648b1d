import { createHash } from 'node:crypto';
import { Random } from '../random';
import type { LabelValue } from './labels';
import type { LabelDraft } from './store';

/** What a simulated annotator knows of a pair. Lengths are in whatever unit `lengthBias` is per, such as words. */
export interface JudgedPair {
  id: string;
  scoreA: number;
  scoreB: number;
  lengthA: number;
  lengthB: number;
}

/** The keys are those of the config's `annotators` (in its own spelling there). */
export interface SimulatedAnnotator {
  name: string;
  /** P(b better) = σ(sharpness · (s_b − s_a) + lengthBias · (l_b − l_a)): the inverse temperature of Bradley–Terry. */
  sharpness: number;
  /** Log-odds for each unit of length that an answer is longer by. Default 0. */
  lengthBias?: number;
  /** Scores that differ by less are a tie. Default 0: never a tie. */
  tieBand?: number;
  /** Share of preferences turned round by chance, after all else. Default 0. */
  noise?: number;
}

/**
 * Labels of an annotator that does not exist, with `source: "simulated"`: Bradley–Terry (1952) on true scores, and a taste for
 * length. A function of seed, name and the pairs' ids alone, times included, so that a second run writes
 * the same rows with the same ids.
 */
export function simulateLabels(
  annotator: SimulatedAnnotator,
  pairs: readonly JudgedPair[],
  { seed = 42, time = 0 }: { seed?: number; time?: number } = {},
): LabelDraft[] {
  const random = Random.from(seed, 'simulated', annotator.name);
  return pairs.map((pair, index) => {
    const stream = random.split(pair.id);
    const shown = stream.next() < 0.5 ? 'ab' : 'ba';
    const value = judge(annotator, pair, stream);
    const id = createHash('sha256')
      .update(JSON.stringify([seed, annotator.name, pair.id]))
      .digest('hex')
      .slice(0, 24);
    return { id, pair: pair.id, time: time + index, ms: 0, guideline: null, shown, value, source: 'simulated' };
  });
}

function judge(
  { sharpness, lengthBias = 0, tieBand = 0, noise = 0 }: SimulatedAnnotator,
  { scoreA, scoreB, lengthA, lengthB }: JudgedPair,
  random: Random,
): LabelValue {
  if (Math.abs(scoreB - scoreA) < tieBand) return 0;
  const odds = sharpness * (scoreB - scoreA) + lengthBias * (lengthB - lengthA);
  const b = random.next() < 1 / (1 + Math.exp(-odds));
  return random.next() < noise !== b ? 1 : -1;
}

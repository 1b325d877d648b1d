import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, type UserError } from '../../config/errors';
import type { GenerateConfig } from '../../config/schema/experiment';
import type { SimulatedAnnotator } from '../../config/schema/generate';
import type { JsonObject } from '../../data/jsonl';
import { namesIn, replaceFile } from '../../data/durable';
import { labelFileName } from '../../data/labels/annotator';
import { LABELS_VERSION, type Pair, promptToJson } from '../../data/labels/pairs';
import { simulateLabels } from '../../data/labels/simulated';
import type { Metrics } from '../task';
import { RuleScorer } from '../rewards/rule-scorer';

/** Stands where a person's file has the id of the clone: these labels are the same in every clone. */
const CLONE = 'simulated';

export interface SimulationContext {
  /** `labels/<stage>/`. */
  folder: string;
  seed: number;
  /** Absolute paths of rules, by the path that the config names. */
  ruleFile: (written: string) => string;
  /** What the rule is told beside prompt and answer. */
  rowOf: (pair: Pair, answer: string) => JsonObject | null;
  warn: (message: string) => void;
  /** What is told of files that went. */
  say: (line: string) => void;
}

/**
 * Lets the annotators of a config label every pair by their rules, in files `<annotator>.simulated.jsonl` that are
 * replaced as a whole: rules, settings and pairs decide what stands in them. Files of annotators that the config no
 * longer names are removed. A pair on which a rule fails gets no label of that annotator, which is told.
 * Gives metrics `labels/<annotator>` and `ties/<annotator>`. Throws a UserError for a rule that cannot be loaded, or that
 * fails on all pairs.
 */
export async function writeSimulatedLabels(
  annotators: GenerateConfig['annotators'],
  pairs: readonly Pair[],
  context: SimulationContext,
): Promise<Metrics> {
  const metrics: Metrics = {};
  const scores = new Map<string, Scores>();
  for (const annotator of annotators) {
    const file = context.ruleFile(annotator.rule);
    const known = scores.get(file) ?? (await scoresBy(file, pairs, context));
    scores.set(file, known);
    if (known.failures > 0 && known.first) {
      if (known.pairs.length === 0) throw known.first;
      context.warn(
        `${annotator.name} could not judge ${pairs.length - known.pairs.length} of ${pairs.length} pairs: ${messageOf(known.first)}`,
      );
    }
    const { labels, ties } = write(annotator, known, context);
    metrics[`labels/${annotator.name}`] = labels;
    metrics[`ties/${annotator.name}`] = ties;
  }
  removeOthers(annotators, context);
  return metrics;
}

/** The pairs with both scores, and how often the rule failed. */
interface Scores {
  pairs: { id: string; scoreA: number; scoreB: number; lengthA: number; lengthB: number }[];
  failures: number;
  first: UserError | undefined;
}

async function scoresBy(file: string, pairs: readonly Pair[], { rowOf }: SimulationContext): Promise<Scores> {
  const rule = await RuleScorer.open(file);
  try {
    const known = new Map<string, number | null>();
    const score = async (pair: Pair, answer: string): Promise<number | null> => {
      const key = JSON.stringify([promptToJson(pair.prompt), answer]);
      const before = known.get(key);
      if (before !== undefined) return before;
      const value = await rule.score({ prompt: pair.prompt, answer, row: rowOf(pair, answer) });
      known.set(key, value);
      return value;
    };
    const scored: Scores['pairs'] = [];
    for (const pair of pairs) {
      const scoreA = await score(pair, pair.a);
      const scoreB = await score(pair, pair.b);
      if (scoreA === null || scoreB === null) continue;
      scored.push({ id: pair.id, scoreA, scoreB, lengthA: words(pair.a), lengthB: words(pair.b) });
    }
    return { pairs: scored, failures: rule.failures, first: rule.first };
  } finally {
    rule.release();
  }
}

const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;

function write(
  annotator: SimulatedAnnotator,
  { pairs }: Scores,
  { folder, seed }: SimulationContext,
): { labels: number; ties: number } {
  const { name, sharpness, noise } = annotator;
  const settings = { name, sharpness, noise, lengthBias: annotator.length_bias, tieBand: annotator.tie_band };
  const labels = simulateLabels(settings, pairs, { seed }).map((draft) => ({
    v: LABELS_VERSION,
    annotator: name,
    ...draft,
  }));
  mkdirSync(folder, { recursive: true });
  replaceFile(join(folder, labelFileName(name, CLONE)), labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
  return { labels: labels.length, ties: labels.filter(({ value }) => value === 0).length };
}

function removeOthers(annotators: GenerateConfig['annotators'], { folder, say }: SimulationContext): void {
  const own = new Set(annotators.map(({ name }) => labelFileName(name, CLONE)));
  for (const name of namesIn(folder)) {
    if (!name.endsWith(`.${CLONE}.jsonl`) || own.has(name)) continue;
    rmSync(join(folder, name), { force: true });
    say(`${name} was removed: the config names no such simulated annotator any more.`);
  }
}

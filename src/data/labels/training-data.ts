import { join } from 'node:path';
import { UserError } from '../../config/errors';
import { aggregatePairs, type Method } from '../agreement/aggregate';
import { ratingsOfLabels } from '../agreement/label-ratings';
import type { JsonObject } from '../jsonl';
import { demonstrationsOf, demonstrationToJson, preferencesOfEdits } from './edits';
import { effectiveLabels, judgementsOfAnswers, type LabelRow, readLabels } from './labels';
import type { RowFault } from './lenient-jsonl';
import { type Pair, PAIRS_FILE, readPairs } from './pairs';
import { preferenceFor, preferenceToJson } from './preferences';

/** The pairs of `labels/<stage>/` and what annotators said of them. */
export interface LabeledPairs {
  pairs: Pair[];
  /** Rows of the annotators that were asked for. */
  rows: LabelRow[];
  faults: RowFault[];
}

/** Reads a folder of labels; `annotators` names whose labels count, by default everyone's. */
export function readLabeledPairs(folder: string, annotators?: readonly string[]): LabeledPairs {
  const { pairs, faults } = readPairs(join(folder, PAIRS_FILE));
  const read = readLabels(folder);
  const rows = annotators ? read.rows.filter(({ annotator }) => annotators.includes(annotator)) : read.rows;
  if (pairs.length > 0 || rows.length > 0) return { pairs, rows, faults: [...faults, ...read.faults] };
  throw new UserError(`There are no pairs and no labels in ${folder}.`, {
    hint: `Name a folder labels/<stage>/ with ${PAIRS_FILE}.`,
    code: 'no-labels',
  });
}

export interface PreferenceRows {
  /** In TRL's explicit preference format: the pairs in their order, then what edits say. */
  rows: JsonObject[];
  ties: number;
  /** Pairs that nobody preferred an answer of, or called a tie. */
  unlabeled: number;
  /** Of the rows, those of edits. */
  edits: number;
  /** Labels whose pair is not there. */
  unknown: number;
}

/** What labels prefer, for dpo and reward stages and for TRL. Throws a UserError where they prefer nothing. */
export function preferenceRows(
  { pairs, rows }: LabeledPairs,
  { method, edits }: { method: Method; edits: boolean },
): PreferenceRows {
  const { labels, unknown } = effectiveLabels(rows, new Set(pairs.map(({ id }) => id)));
  const judged = new Map(
    aggregatePairs(ratingsOfLabels(labels), method).pairs.map(({ pair, probability }) => [pair, probability]),
  );
  const preferences = pairs.flatMap((pair) => {
    const b = judged.get(pair.id) ?? 0.5;
    return b === 0.5 ? [] : [preferenceFor(pair, b > 0.5 ? 'b' : 'a')];
  });
  const mended = edits ? preferencesOfEdits(pairs, judgementsOfAnswers(rows)) : [];
  const all = [...preferences, ...mended].map(preferenceToJson);
  if (all.length === 0)
    throw new UserError('No pair has a label that prefers one answer.', {
      hint: `${labels.length} labels were read. Label some pairs first.`,
      code: 'no-labels',
    });
  return {
    rows: all,
    ties: judged.size - preferences.length,
    unlabeled: pairs.length - judged.size,
    edits: mended.length,
    unknown: unknown.length,
  };
}

export interface DemonstrationRows {
  /** In TRL's prompt-completion format. */
  rows: JsonObject[];
  edits: number;
  accepted: number;
  disputed: number;
}

/**
 * What labels demonstrate, for an sft stage (see `demonstrationsOf`). Throws a UserError where there is nothing, and
 * where some prompts are texts and some conversations: one file has rows of one format.
 */
export function demonstrationRows({ pairs, rows }: LabeledPairs): DemonstrationRows {
  const { demonstrations, ...counts } = demonstrationsOf(pairs, judgementsOfAnswers(rows));
  if (demonstrations.length === 0)
    throw new UserError('No answer was edited, and none accepted as it is.', {
      hint: 'In the labeling panel E edits an answer and A accepts it; in the review of samples Edit and thumbs up do.',
      code: 'no-labels',
    });
  const texts = demonstrations.filter(({ prompt }) => typeof prompt === 'string').length;
  if (texts > 0 && texts < demonstrations.length)
    throw new UserError(`${texts} prompts are texts and ${demonstrations.length - texts} are conversations.`, {
      hint: 'A file of demonstrations has one kind. Label them in two stages, one for each kind of prompt.',
      code: 'data',
    });
  return { rows: demonstrations.map(demonstrationToJson), ...counts };
}

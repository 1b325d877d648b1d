import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing } from '../durable';
import type { JsonObject } from '../jsonl';
import { readLenient, type RowFault } from './lenient-jsonl';
import { badRow, newerVersion, PAIRS_FILE } from './pairs';

export const SIDES = ['a', 'b'] as const;
export type Side = (typeof SIDES)[number];

/** In the pair's own order: −2 a much better, −1 a better, 0 tie, 1 b better, 2 b much better. */
const valueSchema = z.union(
  [z.literal(-2), z.literal(-1), z.literal(0), z.literal(1), z.literal(2), z.literal('both_bad'), z.literal('skip')],
  { error: 'must be -2, -1, 0, 1, 2, "both_bad" or "skip"' },
);
export type LabelValue = z.output<typeof valueSchema>;

const rowKeys = {
  v: z.number().int().min(1),
  /** Unique over all files; a row that is written again has the id of the first time. */
  id: z.string().min(1),
  /** The pair's id. */
  pair: z.string().min(1),
  annotator: z.string().min(1),
  /** Milliseconds since 1970. */
  time: z.number(),
  /** `simulated`, `imported`; absent for a person. */
  source: z.string().optional(),
};
const ratingSchema = z.object({ a: z.number().optional(), b: z.number().optional() });
const verdictSchema = z.enum(['accept', 'reject']);
/** An answer that was judged for itself, outside of any pair. */
const judgedAnswerSchema = z.object({
  prompt: z.union([z.string(), z.array(z.looseObject({ role: z.string(), content: z.string() }))]),
  text: z.string(),
  tags: z.array(z.string()).optional(),
  /** Where it came from, as far as that is known: a run's id, its step, the row of its samples, from 0. */
  model: z.string().optional(),
  run: z.string().optional(),
  step: z.number().optional(),
  sample: z.number().optional(),
});
export type JudgedAnswer = z.output<typeof judgedAnswerSchema>;

const labelSchema = z.object({
  ...rowKeys,
  /** Milliseconds that the annotator looked at the pair. */
  ms: z.number().min(0).default(0),
  /** Hash of the guideline that was shown (see guideline.ts). */
  guideline: z.string().nullable().default(null),
  /** The order in which the answers were shown. */
  shown: z.enum(['ab', 'ba']).default('ab'),
  value: valueSchema,
  /** By criterion of the guideline, for each answer. */
  ratings: z.record(z.string(), ratingSchema).optional(),
  verdicts: z.object({ a: verdictSchema.optional(), b: verdictSchema.optional() }).optional(),
  tags: z.array(z.string()).optional(),
  rationale: z.string().optional(),
  /** A better wording of one answer: a demonstration, and a pair with the answer that it mends. */
  edit: z.object({ side: z.enum(SIDES), text: z.string() }).optional(),
  /** The pair was shown on purpose once more, to see whether the annotator agrees with themselves. */
  repeat: z.literal(true).optional(),
  /** Only where one answer was judged for itself (`side: a` throughout, `pair` is its `answerId`): no comparison. */
  answer: judgedAnswerSchema.optional(),
});
/** A judgement of a pair by one annotator. */
export type Label = z.output<typeof labelSchema>;

const undoSchema = z.object({ ...rowKeys, undoes: z.string().min(1) });
/** A row that takes another row of the same annotator back. It is no label itself. */
export type Undo = z.output<typeof undoSchema>;

export type LabelRow = Label | Undo;

export function isUndo(row: LabelRow): row is Undo {
  return 'undoes' in row;
}

/** A row of a label file, or what is wrong with it. */
export function parseLabelRow(value: JsonObject, file: string, line: number): LabelRow | RowFault {
  const newer = newerVersion(value.v);
  if (newer) return { file, line, ...newer };
  const parsed = value.undoes == null ? labelSchema.safeParse(value) : undoSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const field = path.length > 0 ? `${path.join('.')}: ` : '';
  return { file, line, ...badRow('label', `${field}${message.replace(/^Invalid input: /, '')}`) };
}

export interface LabelsContent {
  /** The rows of all files: each file's in its own order, files put together by time. */
  rows: LabelRow[];
  /** Lines that could not be used. */
  faults: RowFault[];
  /** Rows whose id stood in an earlier row: a retry, or a merge that kept both sides. The first counts. */
  repeated: number;
  files: string[];
}

/** Files of `labels/<stage>/` that end in .jsonl and hold no labels. */
const OTHER_FILES = new Set([PAIRS_FILE, 'comments.jsonl']);

/**
 * Reads all label files of `labels/<stage>/`. Bad lines are reported with file and line and left out; a missing
 * folder has no labels. Nothing in the files makes this throw.
 */
export function readLabels(folder: string): LabelsContent {
  const files = labelFiles(folder);
  const faults: RowFault[] = [];
  const byFile = files.map((file) => {
    const content = readLabelFile(file);
    faults.push(...content.faults);
    return content.rows;
  });
  return { ...inOrder(byFile), faults, files };
}

/** One label file as it stands, its bad lines left out as faults. */
export function readLabelFile(file: string): { rows: LabelRow[]; faults: RowFault[] } {
  const content = readLenient(file);
  const faults = [...content.faults];
  const rows = content.rows.flatMap(({ line, value }) => {
    const row = parseLabelRow(value, file, line);
    if (!('kind' in row)) return [row];
    faults.push(row);
    return [];
  });
  return { rows, faults };
}

/** Puts the rows of several files together by time, and leaves repeated ids out. */
function inOrder(files: readonly LabelRow[][]): Pick<LabelsContent, 'rows' | 'repeated'> {
  const all = files.flat();
  const timeOf = new Map(all.map(({ id, time }) => [id, time]));
  const timed = files.flatMap((rows) => {
    // Clocks go back and differ between machines: neither turns the order within a file around, nor puts an undo
    // before what it undoes.
    let latest = -Infinity;
    return rows.map((row) => {
      const least = isUndo(row) ? (timeOf.get(row.undoes) ?? -Infinity) + 0.5 : -Infinity;
      latest = Math.max(latest, row.time, least);
      return { row, time: latest };
    });
  });
  if (files.length > 1) timed.sort((x, y) => x.time - y.time);
  const seen = new Set<string>();
  const rows: LabelRow[] = [];
  for (const { row } of timed) {
    if (seen.has(row.id)) continue;
    seen.add(row.id);
    rows.push(row);
  }
  return { rows, repeated: all.length - rows.length };
}

function labelFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl') && !name.startsWith('.') && !OTHER_FILES.has(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The comparisons that are not taken back, in their order. An undo that is itself undone takes nothing back. */
export function standingLabels(rows: readonly LabelRow[]): Label[] {
  return standing(rows).filter(({ answer }) => answer === undefined);
}

/** A judgement of one answer for itself. */
export type AnswerLabel = Label & { answer: JudgedAnswer };

/** The judgements of single answers that are not taken back, in their order. */
export function standingAnswers(rows: readonly LabelRow[]): AnswerLabel[] {
  return standing(rows).filter((label): label is AnswerLabel => label.answer !== undefined);
}

function standing(rows: readonly LabelRow[]): Label[] {
  const annotatorOf = new Map(rows.map(({ id, annotator }) => [id, annotator]));
  const undone = new Set<string>();
  const kept: Label[] = [];
  // From the end: whether an undo counts depends only on rows after it.
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i];
    if (undone.has(row.id)) continue;
    if (!isUndo(row)) kept.push(row);
    else if (annotatorOf.get(row.undoes) === row.annotator) undone.add(row.undoes);
  }
  return kept.reverse();
}

export interface EffectiveLabels {
  /** One a pair and annotator, in the order in which they were given. */
  labels: Label[];
  /** Labels that were taken back. */
  undone: number;
  /** Labels with a later one by the same annotator for the same pair. */
  superseded: number;
  /** Labels that count, but whose pair is not there. They are not among `labels`. */
  unknown: Label[];
}

/**
 * The labels that count: of each annotator's rows for a pair the last that is not undone.
 * Where `known` (ids of pairs) is given, labels of other pairs are set aside.
 */
export function effectiveLabels(rows: readonly LabelRow[], known?: { has(id: string): boolean }): EffectiveLabels {
  const standing = standingLabels(rows);
  const counting = lastOfEach(standing, ({ pair }) => pair);
  const given = rows.reduce((count, row) => count + (isUndo(row) || row.answer ? 0 : 1), 0);
  return {
    labels: known ? counting.filter(({ pair }) => known.has(pair)) : counting,
    undone: given - standing.length,
    superseded: standing.length - counting.length,
    unknown: known ? counting.filter(({ pair }) => !known.has(pair)) : [],
  };
}

/**
 * The labels that count for what they say of single answers (edits, verdicts), in pairs and for themselves. The second
 * showing of a repeated pair takes nothing back of what was said at the first.
 */
export function judgementsOfAnswers(rows: readonly LabelRow[]): Label[] {
  return lastOfEach(standing(rows), ({ pair, repeat }) => `${repeat ? 'again' : 'first'} ${pair}`);
}

function lastOfEach(standing: readonly Label[], keyOf: (label: Label) => string): Label[] {
  const last = new Map<string, Map<string, Label>>();
  for (const label of standing) {
    const mine = last.get(label.annotator) ?? new Map<string, Label>();
    last.set(label.annotator, mine.set(keyOf(label), label));
  }
  return standing.filter((label) => last.get(label.annotator)?.get(keyOf(label)) === label);
}

/** P(b is better) that a label says: ½ for a tie; null for `both_bad` and `skip`, which say nothing about it. */
export function preferenceOf(value: LabelValue): number | null {
  if (typeof value !== 'number') return null;
  return value === 0 ? 0.5 : value > 0 ? 1 : 0;
}

import { statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { UserError } from '../config/errors';
import { type Method, METHODS } from '../data/agreement/aggregate';
import type { UnitFacts } from '../data/agreement/annotators';
import { ratingsOfCsv } from '../data/agreement/csv';
import { factsOfPairs, ratingsOfLabels } from '../data/agreement/label-ratings';
import type { Rating } from '../data/agreement/ratings';
import type { Scale } from '../data/agreement/report';
import { type LabelRow, readLabelFile, readLabels } from '../data/labels/labels';
import type { RowFault } from '../data/labels/lenient-jsonl';
import { type Pair, PAIRS_FILE, readPairs } from '../data/labels/pairs';
import { decodeUtf8, readLines } from '../data/lines';
import type { Output } from './command';

/** What `align agreement` and `align aggregate` work on. */
export interface LabelInput {
  readonly ratings: Rating[];
  readonly scale: Scale;
  readonly facts: Map<string, UnitFacts>;
  readonly pairs: Map<string, Pair>;
  /** Lines of label files that could not be used. */
  readonly faults: readonly RowFault[];
  /** Labels of pairs that no pairs.jsonl has. */
  readonly unknown: number;
}

export const LABELS_HELP =
  'folders labels/<stage>/, label files (.jsonl), or CSV with the columns unit,annotator,value';

export const METHOD_HELP =
  'majority (ties stay ties), dawid-skene (by each one’s reliability) or soft (shares of votes)';

/** The value of `--method`. */
export function method(text: string): Method {
  const found = METHODS.find((name) => name === text);
  if (found) return found;
  throw new InvalidArgumentError(`It is ${METHODS.join(', ')}.`);
}

/**
 * Reads folders of labels, label files and CSV files. Label files are read leniently, with their faults counted; a CSV
 * must be whole. CSV values are plain numbers unless `preferences` says that they are −2 … 2 between a and b.
 */
export function readLabelInput(paths: readonly string[], preferences: boolean): LabelInput {
  const rows: LabelRow[] = [];
  const pairs = new Map<string, Pair>();
  const faults: RowFault[] = [];
  const csv: Rating[] = [];
  let labelFiles = 0;
  const take = (found: { pairs: readonly Pair[]; faults: readonly RowFault[] }): void => {
    for (const pair of found.pairs) pairs.set(pair.id, pair);
    faults.push(...found.faults);
  };
  for (const path of paths) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) throw new UserError(`There is no ${path}.`, { hint: `Name ${LABELS_HELP}.` });
    if (stats.isDirectory()) {
      const labels = readLabels(path);
      if (labels.files.length === 0)
        throw new UserError('There are no label files in this folder.', {
          file: path,
          hint: 'Label some pairs first; labels of a stage lie in labels/<stage>/.',
        });
      labelFiles += labels.files.length;
      rows.push(...labels.rows);
      faults.push(...labels.faults);
      take(readPairs(join(path, PAIRS_FILE)));
    } else if (extname(path).toLowerCase() === '.jsonl') {
      labelFiles++;
      const labels = readLabelFile(path);
      rows.push(...labels.rows);
      faults.push(...labels.faults);
      take(readPairs(join(dirname(path), PAIRS_FILE)));
    } else if (/\.(csv|tsv|txt)$/i.test(path)) {
      csv.push(...csvRatings(path, preferences));
    } else {
      throw new UserError('This is neither labels nor CSV.', { file: path, hint: `Name ${LABELS_HELP}.` });
    }
  }
  if (labelFiles > 0 && csv.length > 0 && !preferences)
    throw new UserError('Label files hold preferences, a CSV plain values: they cannot be put together.', {
      hint: 'Give --preferences where the CSV holds values from -2 (a much better) to 2 (b much better).',
    });
  const known = new Set(pairs.keys());
  const labels = ratingsOfLabels(onceEach(rows));
  return {
    ratings: [...labels, ...csv],
    scale: labelFiles > 0 || preferences ? 'preference' : 'values',
    facts: factsOfPairs([...pairs.values()]),
    pairs,
    faults,
    unknown: labels.reduce((count, { unit }) => count + (known.has(unit) ? 0 : 1), 0),
  };
}

/** Says on stderr which lines could not be used. */
export function noteFaults(
  output: Output,
  { faults, unknown, pairs }: Pick<LabelInput, 'faults' | 'unknown' | 'pairs'>,
): void {
  const most = 5;
  for (const { file, line, message, hint } of faults.slice(0, most))
    output.note(`${file}:${line}: left out: ${message}\n  ${hint}`);
  if (faults.length > most) output.note(`and ${faults.length - most} more lines that could not be used`);
  if (unknown > 0 && pairs.size > 0) output.note(`${unknown} labels are of pairs that ${PAIRS_FILE} does not have`);
}

/** Rows of several places by time; one that stands in two of them counts once. */
function onceEach(rows: readonly LabelRow[]): LabelRow[] {
  const byId = new Map<string, LabelRow>();
  for (const row of rows) if (!byId.has(row.id)) byId.set(row.id, row);
  return [...byId.values()].sort((x, y) => x.time - y.time);
}

function csvRatings(file: string, preferences: boolean): Rating[] {
  const lines: string[] = [];
  for (const { line, bytes } of readLines(file)) {
    const decoded = bytes === null ? { column: 1 } : decodeUtf8(bytes);
    if ('column' in decoded || decoded.text.includes('\0')) {
      const column = 'column' in decoded ? decoded.column : decoded.text.indexOf('\0') + 1;
      throw new UserError('the line is not UTF-8 text', { file, line, column, hint: 'save the file as UTF-8' });
    }
    lines.push(decoded.text);
  }
  const ratings = ratingsOfCsv(lines.join('\n'), file);
  const wrong = preferences && ratings.find(({ value }) => value !== null && ![-2, -1, 0, 1, 2].includes(value));
  if (!wrong) return ratings;
  throw new UserError(`The value ${wrong.value} of ${wrong.unit} by ${wrong.annotator} is no preference.`, {
    file,
    hint: 'Preferences are -2 (a much better), -1, 0 (tie), 1, 2 (b much better).',
  });
}

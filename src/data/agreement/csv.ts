import { CsvError, parse } from 'csv-parse/sync';
import { FaultReport } from '../report';
import type { Rating } from './ratings';

/** Names under which the three columns are found, lower case; the first is ours. */
const COLUMNS = {
  unit: ['unit', 'item', 'task', 'pair'],
  annotator: ['annotator', 'rater', 'worker', 'coder'],
  value: ['value', 'rating', 'label'],
} as const;

/** What stands for a missing value, lower case. */
const MISSING = new Set(['', '*', 'na', 'nan', 'null', 'none', 'skip', 'both_bad']);

/** Beyond this a value is a measurement and no category, and coincidence tables would not fit. */
const MOST_VALUES = 101;

interface CsvRecord {
  record: readonly string[];
  line: number;
}

/**
 * Reads ratings from CSV with a header that names the columns unit, annotator and value (others are ignored), with
 * commas, semicolons or tabs. Values are numbers; empty ones, NA, skip and both_bad are missing. A second rating of a
 * unit by the same annotator counts instead of the first, and as a repetition. Throws one UserError with file and lines.
 */
export function ratingsOfCsv(text: string, file: string): Rating[] {
  const report = new FaultReport(file);
  const records = parseRecords(text, report);
  report.throwIfAny();
  const [header, ...rows] = records;
  const columns = findColumns(header?.record ?? [], report);
  report.throwIfAny();
  const ratings: Rating[] = [];
  const seen = new Set<string>();
  const values = new Set<number>();
  for (const { record, line } of rows) {
    if (record.length !== header.record.length) {
      const message = `the row has ${fields(record.length)}, the header has ${header.record.length}`;
      report.add({ line, message, hint: 'the file was cut short, or a value with a comma lacks its quotes' });
      continue;
    }
    const [unit, annotator, written] = columns.map((c) => record[c].trim());
    if (unit === '' || annotator === '') {
      const field = unit === '' ? 'unit' : 'annotator';
      report.add({ line, field, message: `the ${field} is empty`, hint: 'name it, or delete the row' });
      continue;
    }
    const key = JSON.stringify([unit, annotator]);
    const repeat = seen.has(key);
    seen.add(key);
    if (MISSING.has(written.toLowerCase())) {
      const missing = written.toLowerCase() === 'both_bad' ? 'both_bad' : 'skip';
      ratings.push({ unit, annotator, value: null, missing, repeat });
      continue;
    }
    const value = Number(written);
    if (!Number.isFinite(value)) {
      const hint = 'write categories as numbers, and a missing value as nothing, NA, skip or both_bad';
      report.add({ line, field: 'value', message: `the value ${JSON.stringify(written)} is no number`, hint });
      continue;
    }
    values.add(value);
    ratings.push({ unit, annotator, value, repeat });
  }
  if (rows.length === 0) report.add({ line: 1, message: 'there are no rows under the header', hint: 'add ratings' });
  if (values.size > MOST_VALUES) {
    const message = `there are ${values.size} different values; agreement is measured of at most ${MOST_VALUES}`;
    report.add({ line: 1, message, hint: 'round the values to a scale first' });
  }
  report.throwIfAny();
  return ratings;
}

function parseRecords(text: string, report: FaultReport): CsvRecord[] {
  const firstLine = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  const delimiter = [',', ';', '\t'].find((candidate) => firstLine.includes(candidate)) ?? ',';
  const records: CsvRecord[] = [];
  try {
    parse(text, {
      bom: true,
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      on_record(record: string[], { lines }) {
        records.push({ record, line: lines });
        return null;
      },
    });
    return records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const torn = error.code === 'CSV_QUOTE_NOT_CLOSED';
    // An open quote swallows the rest of the file: the row to mend is the one after the last whole one.
    const line = torn ? (records.at(-1)?.line ?? 0) + 1 : typeof error.lines === 'number' ? error.lines : 1;
    const message = torn ? 'a quote is opened and never closed' : 'a quote stands in the middle of a value';
    report.add({ line, message, hint: 'close it, or write a quote within a value twice ("")' });
    return [];
  }
}

function findColumns(header: readonly string[], report: FaultReport): number[] {
  const names = header.map((name) => name.trim().toLowerCase());
  const columns = Object.values(COLUMNS).map((accepted) => names.findIndex((name) => accepted.some((n) => n === name)));
  const lacking = Object.keys(COLUMNS).filter((_, i) => columns[i] < 0);
  if (lacking.length > 0) {
    const message = `the first line names no column ${lacking.join(' and no column ')}`;
    report.add({ line: 1, message, hint: 'begin the file with the line unit,annotator,value; one rating a row' });
  }
  return columns;
}

const fields = (count: number): string => `${count} field${count === 1 ? '' : 's'}`;

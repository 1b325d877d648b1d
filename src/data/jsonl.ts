import { findJsonFault } from './json-fault';
import { decodeUtf8, MOST_LINE_BYTES, readLines } from './lines';
import { FaultReport } from './report';

export type JsonObject = Record<string, unknown>;

/** An object of a JSONL file and the line it stands on. */
export interface JsonLine {
  line: number;
  value: JsonObject;
}

export interface JsonlOptions {
  /** Faults go here instead of being thrown at the end, for a caller that adds its own. */
  report?: FaultReport;
  /** Longest line in bytes. */
  mostLineBytes?: number;
}

/**
 * Streams the objects of a JSONL file. Blank lines are passed over; CRLF and a byte order mark are accepted. What is
 * wrong (no JSON, no object, a torn last line, binary, not UTF-8, too long) is collected and thrown as one UserError
 * with file and lines when the file ends or twenty faults stand in it.
 */
export function* readJsonl(file: string, options: JsonlOptions = {}): Generator<JsonLine> {
  const report = options.report ?? new FaultReport(file);
  const mostBytes = options.mostLineBytes ?? MOST_LINE_BYTES;
  let lines = 0;
  let rows = 0;
  for (const { line, bytes, ended } of readLines(file, mostBytes)) {
    lines++;
    if (bytes === null) {
      const limit = `${Math.round(mostBytes / 1024 / 1024)} MB`;
      report.add({ line, message: `the line is longer than ${limit}`, hint: 'split it, or check its line ends' });
      continue;
    }
    const nul = bytes.indexOf(0);
    if (nul >= 0) {
      const message = 'the line holds a NUL byte: this is binary data or a damaged file, not text';
      report.add({ line, column: nul + 1, message, hint: 'write the file anew' });
      continue;
    }
    const decoded = decodeUtf8(bytes);
    if ('column' in decoded) {
      report.add({
        line,
        column: decoded.column,
        message: 'the line is not UTF-8 text',
        hint: 'save the file as UTF-8',
      });
      continue;
    }
    if (decoded.text.trim() === '') continue;
    rows++;
    const value = parseLine(decoded.text, line, ended, report);
    if (value) yield { line, value };
  }
  if (rows === 0 && report.faults.length === 0) {
    const message = lines === 0 ? 'the file is empty' : 'the file holds blank lines only';
    report.add({ line: 1, message, hint: 'write one JSON object on each line' });
  }
  if (!options.report) report.throwIfAny();
}

function parseLine(text: string, line: number, ended: boolean, report: FaultReport): JsonObject | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const fault = findJsonFault(text);
    const column = (fault?.index ?? 0) + 1;
    const cutShort = fault !== null && fault.index >= text.length;
    if (cutShort && !ended) {
      const message = `the last line is torn: ${fault.message}`;
      report.add({
        line,
        column,
        message,
        hint: 'the file was cut short: copy or write it again, or delete this line',
      });
    } else if (cutShort && line === 1 && /^\s*[[{]\s*$/.test(text)) {
      const message = 'this is JSON over several lines, JSON lines are expected';
      report.add({ line, column, message, hint: 'write every object on one line of its own (jq -c .)' });
    } else {
      const why = fault?.message ?? 'it cannot be read';
      report.add({ line, column, message: `the line is not JSON: ${why}`, hint: 'mend or delete the line' });
    }
    return null;
  }
  if (isObject(value)) return value;
  const hint = Array.isArray(value)
    ? 'write every row as an object on one line of its own (jq -c .[])'
    : 'write a row as {"messages": …}, {"prompt": …, "completion": …} or {"text": …}';
  report.add({ line, column: 1, message: `the line is ${kindOf(value)}, must be an object`, hint });
  return null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a JSON value is, in the words of our messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' ? 'a number' : 'a string';
}

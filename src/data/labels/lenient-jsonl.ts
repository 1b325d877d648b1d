import { isUtf8 } from 'node:buffer';
import { UserError } from '../../config/errors';
import { isMissing } from '../durable';
import { findJsonFault } from '../json-fault';
import { isObject, kindOf, type JsonObject } from '../jsonl';
import { MOST_LINE_BYTES, readLines } from '../lines';

export type RowFaultKind = 'torn' | 'merge-marker' | 'encoding' | 'json' | 'row' | 'version' | 'too-long' | 'file';

/** A line of a pairs or labels file that could not be used. Such lines are counted and shown, never fatal. */
export interface RowFault {
  file: string;
  /** Counts from 1. */
  line: number;
  kind: RowFaultKind;
  message: string;
  hint: string;
}

export interface LenientRow {
  line: number;
  value: JsonObject;
}

export interface LenientContent {
  rows: LenientRow[];
  faults: RowFault[];
  /** The bytes of the lines with a fault other than a merge marker, for a writer that must not lose them. */
  unread: Uint8Array[];
}

/** What git writes between two versions of a text. A row of ours always begins with a brace. */
const MERGE_MARKER = /^(<{7}|\|{7}|={7}|>{7})( |$)/;

/**
 * Reads the objects of a JSONL file and keeps what is whole when some of it is not: people merge, copy and re-encode
 * these files, and processes that append to them are killed. A missing file has no rows and no faults.
 */
export function readLenient(file: string): LenientContent {
  const content: LenientContent = { rows: [], faults: [], unread: [] };
  const fault = (line: number, kind: RowFaultKind, message: string, hint: string, kept?: Uint8Array): void => {
    content.faults.push({ file, line, kind, message, hint });
    if (kept !== undefined) content.unread.push(kept);
  };
  try {
    for (const { line, bytes, ended } of readLines(file)) {
      if (bytes === null) {
        fault(line, 'too-long', `the line is longer than ${MOST_LINE_BYTES / 1024 / 1024} MB`, 'delete it');
        continue;
      }
      if (!isUtf8(bytes) || bytes.includes(0)) {
        fault(line, 'encoding', 'the line is not UTF-8 text', 'save the file as UTF-8, or restore it from git', bytes);
        continue;
      }
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
      if (text.trim() === '') continue;
      if (MERGE_MARKER.test(text)) {
        const mend = 'delete the marker lines and keep the rows of both sides: rows are told apart by their id';
        fault(line, 'merge-marker', `an unresolved merge: the line is git's marker ${text.slice(0, 7)}`, mend);
        continue;
      }
      const value = parse(text);
      if (isObject(value)) content.rows.push({ line, value });
      else if (value !== undefined) {
        fault(line, 'json', `the line is ${kindOf(value)}, must be an object`, 'mend or delete the line', bytes);
      } else if (!ended) {
        fault(line, 'torn', 'the last line is torn: its writer was stopped in the middle', 'delete it', bytes);
      } else {
        const why = findJsonFault(text)?.message ?? 'it cannot be read';
        fault(line, 'json', `the line is not JSON: ${why}`, 'mend or delete the line', bytes);
      }
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (!isMissing(error.cause)) fault(error.line ?? 1, 'file', error.message, error.hint ?? 'restore the file');
  }
  return content;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { isAbsolute, relative } from 'node:path';
import { readJsonl } from './jsonl';
import { decodeUtf8, MOST_LINE_BYTES, readLines } from './lines';
import { FaultReport } from './report';
import { RowReader, type Row, type TextRow } from './rows';

/** A file as messages name it: relative to the config file's folder, where it lies in it. */
export function shownPath(folder: string, file: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') || isAbsolute(path) ? file : path;
}

/** A line that holds only this starts a new document in a plain text file. */
export const DOCUMENT_LINE = '<|document|>';

export interface ReadOptions {
  /** Read at most this many rows, for a preview. */
  most?: number;
  /** `text`: every file is one of plain text, whatever its name. */
  format?: 'text';
}

/**
 * Reads the rows of data files: JSONL in one of the row formats, or plain text (`.txt`, `.md`). Throws one UserError a
 * file that lists what is wrong with line and field.
 */
export function readRows(files: string | readonly string[], options: ReadOptions = {}): Row[] {
  const rows: Row[] = [];
  const most = options.most ?? Infinity;
  for (const file of typeof files === 'string' ? [files] : files) {
    if (rows.length >= most) break;
    if (options.format === 'text' || /\.(txt|text|md)$/i.test(file)) {
      for (const row of readDocuments(file, rows.length)) {
        rows.push(row);
        if (rows.length >= most) break;
      }
      continue;
    }
    const report = new FaultReport(file);
    const reader = new RowReader(report);
    for (const line of readJsonl(file, { report })) {
      const row = reader.read(line, rows.length);
      if (row) rows.push(row);
      if (rows.length >= most) break;
    }
    report.throwIfAny();
  }
  return rows;
}

/**
 * The documents of a plain text file: split at lines that hold only `<|document|>`; a file without such lines is one
 * document. Blank lines around a document are dropped, line ends become LF.
 */
export function* readDocuments(file: string, firstIndex = 0): Generator<TextRow> {
  const report = new FaultReport(file);
  let index = firstIndex;
  let lines: string[] = [];
  let start = 0;
  const take = (): TextRow | null => {
    while (lines.length && lines[lines.length - 1].trim() === '') lines.pop();
    if (lines.length === 0) return null;
    const row: TextRow = { kind: 'text', text: lines.join('\n'), file, line: start, index: index++ };
    lines = [];
    return row;
  };
  for (const { line, bytes } of readLines(file)) {
    if (bytes === null) {
      const message = `the line is longer than ${MOST_LINE_BYTES / 1024 / 1024} MB`;
      report.add({ line, message, hint: 'split it, or check its line ends' });
      continue;
    }
    const nul = bytes.indexOf(0);
    const decoded = nul >= 0 ? { column: nul + 1 } : decodeUtf8(bytes);
    if ('column' in decoded) {
      const message =
        nul >= 0 ? 'the line holds a NUL byte: this is binary data, not text' : 'the line is not UTF-8 text';
      report.add({ line, column: decoded.column, message, hint: 'save the file as UTF-8 text' });
      continue;
    }
    if (decoded.text.trim() === DOCUMENT_LINE) {
      const row = take();
      if (row) yield row;
      continue;
    }
    if (lines.length === 0) {
      if (decoded.text.trim() === '') continue;
      start = line;
    }
    lines.push(decoded.text);
  }
  const row = take();
  if (row) yield row;
  if (index === firstIndex && report.faults.length === 0) {
    report.add({ line: 1, message: 'the file holds no text', hint: 'name a file with text in `data:`' });
  }
  report.throwIfAny();
}

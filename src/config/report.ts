import type { Diagnostic, DiagnosticCode, Fix, Range } from './diagnostic';
import type { Entry, MapTree, Tree } from './tree';
import { entryOf } from './tree';

export interface Finding {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly hint: string;
  readonly path: readonly string[];
  readonly fixes?: readonly Fix[];
  readonly severity?: Diagnostic['severity'];
}

/** Enough to see what is wrong; a file with more has one cause for most of them. */
const MAX_DIAGNOSTICS = 100;

/** Collects what the checks find and knows how to write edits into the text. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];

  constructor(
    readonly text: string,
    readonly file: string,
  ) {}

  /** At a place in the file, or, for a value from the command line, at that setting. */
  add(place: Tree | Range, finding: Finding): void {
    if (this.diagnostics.length >= MAX_DIAGNOSTICS) return;
    const setting = 'kind' in place ? place.setting : undefined;
    this.diagnostics.push({
      severity: finding.severity ?? 'error',
      code: finding.code,
      message: finding.message,
      hint: finding.hint,
      path: finding.path,
      file: setting === undefined ? this.file : `--set ${setting}`,
      range: 'kind' in place ? place.range : place,
      fixes: setting === undefined ? (finding.fixes ?? []) : [],
    });
  }

  /** For an entry: the key's place, unless its value was set on the command line. */
  addAtKey(entry: Entry, finding: Finding): void {
    this.add(entry.value.setting === undefined ? entry.keyRange : entry.value, finding);
  }

  replace(range: Range, newText: string, title: string): Fix {
    return { title, edits: [{ range, newText }] };
  }

  /** Takes an entry out with its line. Undefined where it shares lines with others. */
  remove(map: MapTree, entry: Entry): Fix | undefined {
    const lineStart = this.text.lastIndexOf('\n', entry.keyRange.start.offset - 1) + 1;
    if (map.flow || this.text.slice(lineStart, entry.keyRange.start.offset).trim() !== '') return undefined;
    const valueEnd = Math.max(entry.value.range.end.offset, entry.keyRange.end.offset);
    const newline = this.text.indexOf('\n', Math.max(valueEnd - 1, entry.keyRange.end.offset));
    const end = newline === -1 ? this.text.length : newline + 1;
    const extraLines = this.text.slice(entry.keyRange.start.offset, end).split('\n').length - 1;
    const start = { line: entry.keyRange.start.line, column: 1, offset: lineStart };
    const stop =
      newline === -1
        ? { line: start.line + extraLines, column: end - this.text.lastIndexOf('\n', end - 1), offset: end }
        : { line: start.line + extraLines, column: 1, offset: end };
    return { title: `Remove \`${entry.key}\``, edits: [{ range: { start, end: stop }, newText: '' }] };
  }

  /** Writes a new line behind the line of the map's `after` entry, indented like it. */
  insertAfter(map: MapTree, after: string, line: string): Fix | undefined {
    const entry = entryOf(map, after) ?? map.entries[0];
    if (map.flow || !entry || entry.value.kind !== 'scalar' || entry.value.setting !== undefined) return undefined;
    const from = entry.value.range.end;
    const newline = this.text.indexOf('\n', from.offset);
    const offset = newline === -1 ? this.text.length : newline;
    const end = { line: from.line, column: from.column + offset - from.offset, offset };
    const indent = ' '.repeat(entry.keyRange.start.column - 1);
    return { title: `Add \`${line}\``, edits: [{ range: { start: end, end }, newText: `\n${indent}${line}` }] };
  }
}

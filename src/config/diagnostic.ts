import { UserError } from './errors';

/** A place in a text. `line` and `column` count from 1, `offset` from 0, all in UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

/** A mend that the editor can apply and the command line can name. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

export type DiagnosticCode =
  | 'too-large'
  | 'binary'
  | 'too-deep'
  | 'too-many-aliases'
  | 'syntax'
  | 'tab'
  | 'indentation'
  | 'empty'
  | 'not-a-map'
  | 'duplicate-key'
  | 'missing-value'
  | 'missing-key'
  | 'unknown-key'
  | 'other-name'
  | 'unknown-type'
  | 'unknown-value'
  | 'wrong-type'
  | 'out-of-range'
  | 'unusual-value'
  | 'conflict'
  | 'bad-name'
  | 'not-yet'
  | 'unknown-stage'
  | 'wrong-stage'
  | 'cycle'
  | 'missing-file'
  | 'wrong-file'
  | 'empty-file'
  | 'bad-setting'
  | 'unreadable';

/** Something wrong, or odd, in a config file. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** What to do about it, as a sentence. */
  readonly hint: string;
  readonly code: DiagnosticCode;
  readonly file: string;
  readonly range: Range;
  /** The keys that lead there: `['stages', 'sft', 'learning_rate']`. */
  readonly path: readonly string[];
  readonly fixes: readonly Fix[];
}

export const START: Position = { line: 1, column: 1, offset: 0 };

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}

/** Sorted by place in the file, errors before warnings at the same place. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const rank = (diagnostic: Diagnostic) => (diagnostic.severity === 'error' ? 0 : 1);
  return [...diagnostics].sort((a, b) => a.range.start.offset - b.range.start.offset || rank(a) - rank(b));
}

/** `file:line:column: error: message` and the mend on a line of its own, as compilers print it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { line, column } = diagnostic.range.start;
  const hint = diagnostic.hint ? `\n  ${diagnostic.hint}` : '';
  return `${diagnostic.file}:${line}:${column}: ${diagnostic.severity}: ${diagnostic.message}${hint}`;
}

/** The first error as something to throw; the number of the others goes into its message. */
export function toUserError(diagnostics: readonly Diagnostic[]): UserError | undefined {
  const errors = sortDiagnostics(diagnostics).filter((diagnostic) => diagnostic.severity === 'error');
  const first = errors[0];
  if (!first) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more: see \`align validate\`)` : '';
  return new UserError(first.message + more, {
    hint: first.hint,
    file: first.file,
    line: first.range.start.line,
    column: first.range.start.column,
    code: first.code,
  });
}

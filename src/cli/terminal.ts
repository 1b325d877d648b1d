import type { WriteStream } from 'node:tty';

/** What a stream can show: colours, its width, and whether a line on it can be written over. */
export interface Terminal {
  readonly stream: NodeJS.WritableStream;
  /** A person looks at it and lines can be written over. */
  readonly interactive: boolean;
  readonly colors: boolean;
  readonly width: number;
}

const DEFAULT_WIDTH = 80;

/** The terminal behind a stream. NO_COLOR and TERM=dumb are respected. */
export function terminalOf(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv = process.env): Terminal {
  const tty = stream as Partial<WriteStream>;
  const interactive = tty.isTTY === true && env.TERM !== 'dumb';
  return {
    stream,
    interactive,
    colors: interactive && !env.NO_COLOR,
    get width() {
      return tty.columns || DEFAULT_WIDTH;
    },
  };
}

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;
export type Style = keyof typeof STYLES;

/** The text in a style where the terminal shows styles. */
export function styled(terminal: Pick<Terminal, 'colors'>, style: Style, text: string): string {
  if (!terminal.colors) return text;
  const [on, off] = STYLES[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** What `styled` writes; in brackets, so that `split` keeps it. */
// eslint-disable-next-line no-control-regex
const STYLED = /(\u001b\[(?:1|2|22|31|32|33|36|39)m)/g;

/** Controls, and the marks that turn the direction of what follows them. */
// eslint-disable-next-line no-control-regex
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** What steers a terminal made visible: texts of data and models are shown, never obeyed. */
export const plain = (text: string): string => text.replace(STEERING, visible);

function visible(c: string): string {
  if (c === '\t') return '  ';
  if (c === '\r') return '';
  const code = c.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A line as it may be written: whatever a text brought into it, nothing steers the terminal but our own styles. */
export function guarded({ colors }: Pick<Terminal, 'colors'>, line: string): string {
  if (!colors) return plain(line);
  return line
    .split(STYLED)
    .map((part, i) => (i % 2 ? part : plain(part)))
    .join('');
}

/** Columns that a character takes: 2 for wide East Asian ones and emoji, 0 for marks that join. */
function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (/\p{Mark}|\u200d|\ufe0f/u.test(character)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

/** Columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text.replace(STYLED, '')) columns += widthOf(character);
  return columns;
}

/** A text cut to so many columns, with an ellipsis where something is missing. */
export function clip(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let shown = '';
  let used = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > columns - 1) break;
    shown += character;
  }
  return `${shown}…`;
}

/** The beginning of a text that may be a megabyte long. */
export const beginning = (text: string, most: number): string =>
  text.length > most
    ? `${text.slice(0, most)} … (${(text.length - most).toLocaleString('en-US')} more characters)`
    : text;

/** A text in lines of at most so many columns, broken at blanks where there are any. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line && columnsOf(line) + 1 + columnsOf(word) > columns) {
        lines.push(line);
        line = '';
      } else if (line) line += ' ';
      let rest = word;
      for (let room; (room = cutAt(rest, columns - columnsOf(line))) < rest.length; rest = rest.slice(room)) {
        lines.push(line + rest.slice(0, room));
        line = '';
      }
      line += rest;
    }
    lines.push(line);
  }
  return lines;
}

function cutAt(text: string, columns: number): number {
  let used = 0;
  let at = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > columns && at > 0) break;
    at += character.length;
  }
  return at;
}

/** A text padded to so many columns. */
export function pad(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, columns - columnsOf(text)));
  return side === 'left' ? text + blanks : blanks + text;
}

/** Rows as aligned columns, two blanks apart. `right` names the columns of numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, columnsOf(cell))));
  return rows.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, right.includes(i) ? 'right' : 'left'))
      .join('  ')
      .trimEnd(),
  );
}

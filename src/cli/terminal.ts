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

/** Control characters made visible: texts of data and models must not steer the terminal. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (c) =>
    c === '\t' ? '  ' : c === '\r' ? '' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
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

// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[[0-9;]*m/g;

/** Columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text.replace(ESCAPES, '')) columns += widthOf(character);
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
      while (columnsOf(line + rest) > columns) {
        const room = cutAt(rest, columns - columnsOf(line));
        lines.push(line + rest.slice(0, room));
        rest = rest.slice(room);
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

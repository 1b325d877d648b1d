/**
 * A small reading of markdown: what models write in answers, and no more. It gives data, never HTML: tags stay text,
 * links and pictures stay words, and each text takes time in proportion to its length.
 */
export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'link'; readonly text: string; readonly address: string };

export type Block =
  | { readonly kind: 'paragraph'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: number; readonly inlines: readonly Inline[] }
  /** `info` is what stands behind the opening fence, such as the language. */
  | { readonly kind: 'code'; readonly info: string; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly ListItem[] }
  | { readonly kind: 'table'; readonly head: readonly Cell[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'rule' };

export type Cell = readonly Inline[];

export interface ListItem {
  /** How deep it is nested, from 0. */
  readonly depth: number;
  readonly marker: string;
  readonly inlines: readonly Inline[];
}

const DEEPEST_QUOTE = 4;
const DEEPEST_LIST = 6;
const DEEPEST_SPAN = 3;
/** A mark whose partner stands further away is a character like any other. */
const LONGEST_SPAN = 2000;

/** Behind backticks there is none in the rest of the line, or it would be code within a text. */
const FENCE = /^( *)(?:(`{3,})([^`]*)|(~{3,})(.*))$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const CONTINUED = /^ {2,}\S/;
const QUOTE = /^ {0,3}> ?(.*)$/;

export function parseMarkdown(text: string, depth = 0): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  /** Takes lines as long as `take` gives something for them. */
  const gather = (take: (line: string, at: number) => string | undefined): string[] => {
    const taken: string[] = [];
    for (; at < lines.length; at++) {
      const part = take(lines[at] ?? '', at);
      if (part === undefined) break;
      taken.push(part);
    }
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === '') {
      at++;
    } else if (fence) {
      at++;
      const [, indent = '', ticks, tickInfo, waves, waveInfo] = fence;
      const mark = ticks ?? waves ?? '';
      const inside = gather((next) => (closes(next, mark) ? undefined : withoutIndent(next, indent.length)));
      at++;
      blocks.push({ kind: 'code', info: (tickInfo ?? waveInfo ?? '').trim(), text: inside.join('\n') });
    } else if (heading) {
      at++;
      const [, marks = '', words = ''] = heading;
      blocks.push({ kind: 'heading', level: marks.length, inlines: parseInlines(words) });
    } else if (RULE.test(line)) {
      at++;
      blocks.push({ kind: 'rule' });
    } else if (QUOTE.test(line) && depth < DEEPEST_QUOTE) {
      const inner = gather((next) => QUOTE.exec(next)?.[1]).join('\n');
      blocks.push({ kind: 'quote', blocks: parseMarkdown(inner, depth + 1) });
    } else if (ITEM.test(line)) {
      blocks.push(listOf(gather((next) => (ITEM.test(next) || continues(next) ? next : undefined))));
    } else if (isTable(lines, at)) {
      const [head = [], , ...rows] = gather((next) => (next.includes('|') ? next : undefined)).map(cellsOf);
      blocks.push({ kind: 'table', head: head.map((cell) => parseInlines(cell)), rows: rows.map(inlinesOfRow) });
    } else {
      const first = at;
      const words = gather((next, i) => (i > first && startsOther(lines, i, depth) ? undefined : next));
      blocks.push({ kind: 'paragraph', inlines: parseInlines(words.join('\n')) });
    }
  }
  return blocks;
}

function startsOther(lines: readonly string[], at: number, depth: number): boolean {
  const line = lines[at] ?? '';
  if (line.trim() === '') return true;
  if ([FENCE, HEADING, RULE, ITEM].some((start) => start.test(line)) || isTable(lines, at)) return true;
  return QUOTE.test(line) && depth < DEEPEST_QUOTE;
}

function closes(line: string, mark: string): boolean {
  const words = line.trim();
  return words.startsWith(mark) && words === (mark[0] ?? '').repeat(words.length);
}

function withoutIndent(line: string, indent: number): string {
  const blanks = line.length - line.trimStart().length;
  return line.slice(Math.min(indent, blanks));
}

/** A line within an item of a list, set in under its mark. */
const continues = (line: string): boolean => CONTINUED.test(line) && !FENCE.test(line);

function listOf(lines: readonly string[]): Block {
  const items: { depth: number; marker: string; words: string[] }[] = [];
  for (const line of lines) {
    const [, indent = '', mark, words = ''] = ITEM.exec(line) ?? [];
    if (mark === undefined) {
      items.at(-1)?.words.push(line.trim());
      continue;
    }
    const depth = Math.min(DEEPEST_LIST, Math.floor(indent.length / 2));
    items.push({ depth, marker: /\d/.test(mark) ? mark : '•', words: [words] });
  }
  return {
    kind: 'list',
    ordered: items[0]?.marker !== '•',
    items: items.map(({ words, ...item }) => ({ ...item, inlines: parseInlines(words.join('\n')) })),
  };
}

/** A row of heads, and under it a row of dashes. */
function isTable(lines: readonly string[], at: number): boolean {
  const [head = '', dashes = ''] = lines.slice(at, at + 2);
  if (!head.includes('|') || !dashes.includes('|') || !dashes.includes('-')) return false;
  return cellsOf(dashes).every((cell) => /^:?-+:?$/.test(cell));
}

function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split('|').map((cell) => cell.trim());
}

const inlinesOfRow = (cells: readonly string[]): Cell[] => cells.map((cell) => parseInlines(cell));

/** `words`: the mark counts only where no word goes on across it, as in snake_case. */
const SPANS = [
  { mark: '`', kind: 'code', words: false },
  { mark: '***', kind: 'strong', words: false },
  { mark: '**', kind: 'strong', words: false },
  { mark: '__', kind: 'strong', words: true },
  { mark: '*', kind: 'emphasis', words: false },
  { mark: '_', kind: 'emphasis', words: true },
] as const;

export function parseInlines(text: string, depth = 0): Inline[] {
  const inlines: Inline[] = [];
  let plain = 0;
  const flush = (to: number): void => {
    if (to > plain) inlines.push({ kind: 'text', text: text.slice(plain, to) });
  };
  for (let at = 0; at < text.length;) {
    const found = depth < DEEPEST_SPAN ? (spanAt(text, at, depth) ?? linkAt(text, at)) : undefined;
    if (!found) {
      at++;
      continue;
    }
    flush(at);
    inlines.push(found.inline);
    at += found.length;
    plain = at;
  }
  flush(text.length);
  return inlines;
}

interface Found {
  readonly inline: Inline;
  readonly length: number;
}

const isWordAt = (text: string, at: number): boolean => /[\p{L}\p{N}_]/u.test(text.charAt(at));

function spanAt(text: string, at: number, depth: number): Found | undefined {
  for (const { mark, kind, words } of SPANS) {
    if (!text.startsWith(mark, at)) continue;
    const start = at + mark.length;
    const window = text.slice(start, start + LONGEST_SPAN);
    const end = window.indexOf(mark);
    const inside = window.slice(0, end);
    if (end < 1 || (kind !== 'code' && (inside.trim() !== inside || inside.includes('\n\n')))) continue;
    const length = inside.length + 2 * mark.length;
    if (words && (isWordAt(text, at - 1) || isWordAt(text, at + length))) continue;
    if (kind === 'code') return { inline: { kind, text: inside }, length };
    return { inline: { kind, inlines: parseInlines(inside, depth + 1) }, length };
  }
  return undefined;
}

function linkAt(text: string, at: number): Found | undefined {
  if (text[at] !== '[') return undefined;
  const window = text.slice(at, at + LONGEST_SPAN);
  const link = /^\[([^[\]\n]+)\]\(([^()\s]+)\)/.exec(window);
  if (!link) return undefined;
  const [all, words = '', address = ''] = link;
  return { inline: { kind: 'link', text: words, address }, length: all.length };
}

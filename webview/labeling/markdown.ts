/**
 * A small reading of markdown: what models write in answers, and no more. It gives data, never HTML: tags stay text,
 * links and pictures stay words, and each text takes time in proportion to its length.
 */
export type Inline =
  | { readonly kind: 'text' | 'code' | 'strong' | 'emphasis'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly address: string };

export type Block =
  | { readonly kind: 'paragraph'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: number; readonly inlines: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly ListItem[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'rule' };

export interface ListItem {
  /** How deep it is nested, from 0. */
  readonly depth: number;
  readonly marker: string;
  readonly inlines: readonly Inline[];
}

const DEEPEST_QUOTE = 4;
const DEEPEST_LIST = 6;
/** A mark whose partner stands further away is a character like any other. */
const LONGEST_SPAN = 2000;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;

export function parseMarkdown(text: string, depth = 0): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  /** Takes lines as long as `take` gives something for them. */
  const gather = (take: (line: string) => string | undefined): string[] => {
    const taken: string[] = [];
    for (; at < lines.length; at++) {
      const part = take(lines[at] ?? '');
      if (part === undefined) break;
      taken.push(part);
    }
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fence = FENCE.exec(line)?.[1];
    const heading = HEADING.exec(line);
    if (line.trim() === '') {
      at++;
    } else if (fence) {
      at++;
      const code = gather((next) => (next.trim().startsWith(fence) ? undefined : next));
      at++;
      blocks.push({ kind: 'code', text: code.join('\n') });
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
      blocks.push(listOf(gather((next) => (ITEM.test(next) ? next : undefined))));
    } else {
      const first = at;
      const words = gather((next) => (at > first && startsOther(next, depth) ? undefined : next));
      blocks.push({ kind: 'paragraph', inlines: parseInlines(words.join('\n')) });
    }
  }
  return blocks;
}

function startsOther(line: string, depth: number): boolean {
  if (line.trim() === '') return true;
  return [FENCE, HEADING, RULE, ITEM].some((start) => start.test(line)) || (QUOTE.test(line) && depth < DEEPEST_QUOTE);
}

function listOf(lines: readonly string[]): Block {
  const items = lines.map((line): ListItem => {
    const [, indent = '', mark = '', words = ''] = ITEM.exec(line) ?? [];
    const depth = Math.min(DEEPEST_LIST, Math.floor(indent.length / 2));
    return { depth, marker: /\d/.test(mark) ? mark : '•', inlines: parseInlines(words) };
  });
  return { kind: 'list', ordered: items[0]?.marker !== '•', items };
}

const SPANS = [
  { mark: '`', kind: 'code' },
  { mark: '**', kind: 'strong' },
  { mark: '*', kind: 'emphasis' },
] as const;

export function parseInlines(text: string): Inline[] {
  const inlines: Inline[] = [];
  let plain = 0;
  const flush = (to: number): void => {
    if (to > plain) inlines.push({ kind: 'text', text: text.slice(plain, to) });
  };
  for (let at = 0; at < text.length;) {
    const found = spanAt(text, at) ?? linkAt(text, at);
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

function spanAt(text: string, at: number): Found | undefined {
  for (const { mark, kind } of SPANS) {
    if (!text.startsWith(mark, at)) continue;
    const start = at + mark.length;
    const window = text.slice(start, start + LONGEST_SPAN);
    const end = window.indexOf(mark);
    const inside = window.slice(0, end);
    if (end < 1 || (kind !== 'code' && (inside.trim() !== inside || inside.includes('\n\n')))) return undefined;
    return { inline: { kind, text: inside }, length: inside.length + 2 * mark.length };
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

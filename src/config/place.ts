import type { Range } from './diagnostic';

/**
 * Where a cursor stands in a config. Read from lines and their indentation rather than from the parsed document, so that
 * it works while a line is half typed and the document is broken.
 */
export interface Place {
  readonly part: 'key' | 'value';
  /** The keys around: `['stages', 'sft']`. */
  readonly path: readonly string[];
  /** The key of a value, or the word at a key's place. */
  readonly key: string;
  /** What stands before the cursor of the word or value to replace. */
  readonly prefix: string;
  /** The whole word or value. */
  readonly range: Range;
  /** The other keys of the same map with their values as written. */
  readonly siblings: ReadonlyMap<string, string>;
  /** A colon stands behind the key already. */
  readonly hasColon: boolean;
  /** Inside brackets on one line. */
  readonly flow: boolean;
  /** Column of the key, from 0. */
  readonly indent: number;
}

interface Line {
  readonly number: number;
  readonly start: number;
  readonly text: string;
}

const KEY = /^( *)([A-Za-z_<][\w.<-]*|"[^"]*"|'[^']*')\s*:(?=\s|$)/;

export function placeAt(text: string, offset: number): Place | undefined {
  const lines = splitLines(text);
  const at = lines.findLastIndex((line) => line.start <= offset);
  const line = lines[at];
  const column = Math.min(offset - line.start, line.text.length);
  const before = line.text.slice(0, column);
  if (commentStart(line.text) < column) return undefined;

  const range = (from: number, to: number): Range => ({
    start: { line: line.number, column: from + 1, offset: line.start + from },
    end: { line: line.number, column: to + 1, offset: line.start + to },
  });
  const key = KEY.exec(line.text);
  const indent = key ? key[1].length : (/^ */.exec(before)?.[0].length ?? 0);
  const item = /^( *)-(\s+|$)/.exec(before);

  if (item) {
    const owner = ownerOfItem(lines, at, item[1].length);
    if (!owner) return undefined;
    const path = ancestors(lines, owner.at, owner.indent);
    return value(
      line.text,
      column,
      item[0].length,
      owner.key,
      path,
      siblings(lines, owner.at, owner.indent),
      owner.indent,
    );
  }
  if (key && column >= key[0].length) {
    const path = ancestors(lines, at, indent);
    const around = siblings(lines, at, indent);
    const open = openBracket(line.text.slice(key[0].length, column));
    if (open?.bracket === '{') return inFlowMap(key[0].length + open.at + 1, [...path, unquoted(key[2])]);
    return value(line.text, column, key[0].length + (open ? open.at + 1 : 0), unquoted(key[2]), path, around, indent);
  }
  const end = key
    ? key[1].length + key[2].length
    : indent + (/^[\w.-]*/.exec(line.text.slice(indent))?.[0].length ?? 0);
  if (column > end || column < indent) return undefined;
  return {
    part: 'key',
    path: ancestors(lines, at, indent),
    key: unquoted(line.text.slice(indent, end)),
    prefix: before.slice(indent),
    range: range(indent, end),
    siblings: siblings(lines, at, indent),
    hasColon: key !== null,
    flow: false,
    indent,
  };

  function value(
    whole: string,
    cursor: number,
    from: number,
    name: string,
    path: readonly string[],
    around: ReadonlyMap<string, string>,
    at: number,
  ): Place {
    const inside = whole.slice(from, cursor);
    const comma = whole[from - 1] === '[' ? inside.lastIndexOf(',') + 1 : 0;
    const blank = /^\s*/.exec(inside.slice(comma))?.[0].length ?? 0;
    const start = from + comma + blank;
    const rest = whole.slice(start, commentStart(whole));
    const stop = whole[from - 1] === '[' ? /[,\]]/.exec(rest)?.index : undefined;
    const end = start + rest.slice(0, stop).trimEnd().length;
    return {
      part: 'value',
      path,
      key: name,
      prefix: whole.slice(start, cursor),
      range: range(start, Math.max(end, cursor)),
      siblings: around,
      hasColon: true,
      flow: whole[from - 1] === '[',
      indent: at,
    };
  }

  function inFlowMap(from: number, path: readonly string[]): Place {
    const inside = line.text.slice(from, column);
    const start = from + inside.lastIndexOf(',') + 1;
    const part = /^(\s*)([\w-]*)(\s*:\s*)?/.exec(line.text.slice(start));
    const around = new Map<string, string>();
    for (const [, name, word] of line.text.slice(from).matchAll(/([\w-]+)\s*:\s*([^,}]*)/g))
      around.set(name, word.trim());
    const [blank, name, colon] = [part?.[1].length ?? 0, part?.[2] ?? '', part?.[3]];
    const keyStart = start + blank;
    if (colon !== undefined && column >= keyStart + name.length + colon.trimEnd().length) {
      const wordStart = keyStart + name.length + colon.length;
      const word = /^[^,}]*/.exec(line.text.slice(wordStart))?.[0].trimEnd() ?? '';
      const prefix = line.text.slice(wordStart, column);
      const wordEnd = Math.max(wordStart + word.length, column);
      return {
        part: 'value',
        path,
        key: name,
        prefix,
        range: range(Math.min(wordStart, column), wordEnd),
        siblings: around,
        hasColon: true,
        flow: true,
        indent,
      };
    }
    around.delete(name);
    return {
      part: 'key',
      path,
      key: name,
      prefix: line.text.slice(keyStart, column),
      range: range(Math.min(keyStart, column), Math.max(keyStart + name.length, column)),
      siblings: around,
      hasColon: colon !== undefined,
      flow: true,
      indent,
    };
  }
}

/** The stages of a text with the keys that stand directly in them, as written. */
export function stagesIn(text: string): Map<string, ReadonlyMap<string, string>> {
  const stages = new Map<string, Map<string, string>>();
  const lines = splitLines(text);
  const top = lines.findIndex((line) => /^stages\s*:/.test(line.text));
  if (top === -1) return stages;
  let level: number | undefined;
  let current: Map<string, string> | undefined;
  let inner: number | undefined;
  for (const line of lines.slice(top + 1)) {
    if (isBlank(line.text)) continue;
    const indent = indentOf(line.text);
    if (indent === 0) break;
    const key = KEY.exec(line.text);
    level ??= indent;
    if (indent <= level) {
      inner = undefined;
      current = new Map();
      if (key && indent === level) stages.set(unquoted(key[2]), current);
    } else if (key) {
      inner ??= indent;
      if (indent === inner) current?.set(unquoted(key[2]), written(line.text, key[0].length));
    }
  }
  return stages;
}

function ancestors(lines: readonly Line[], at: number, indent: number): string[] {
  const path: string[] = [];
  let limit = indent;
  for (let i = at - 1; i >= 0 && limit > 0; i--) {
    const { text } = lines[i];
    if (isBlank(text) || /^ *-(\s|$)/.test(text)) continue;
    const own = indentOf(text);
    if (own >= limit) continue;
    const key = KEY.exec(text);
    if (key) path.unshift(unquoted(key[2]));
    limit = own;
  }
  return path;
}

function siblings(lines: readonly Line[], at: number, indent: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const step of [-1, 1]) {
    for (let i = at + step; i >= 0 && i < lines.length; i += step) {
      const { text } = lines[i];
      if (isBlank(text)) continue;
      const own = indentOf(text);
      if (own < indent) break;
      const key = own === indent ? KEY.exec(text) : null;
      if (key) found.set(unquoted(key[2]), written(text, key[0].length));
    }
  }
  return found;
}

/** The key that a list belongs to; the list may be indented like it or more. */
function ownerOfItem(
  lines: readonly Line[],
  at: number,
  indent: number,
): { key: string; at: number; indent: number } | undefined {
  for (let i = at - 1; i >= 0; i--) {
    const { text } = lines[i];
    if (isBlank(text) || /^ *-(\s|$)/.test(text)) continue;
    const own = indentOf(text);
    if (own > indent) continue;
    const key = KEY.exec(text);
    return key ? { key: unquoted(key[2]), at: i, indent: own } : undefined;
  }
  return undefined;
}

/** The innermost bracket that is still open at the end of a piece of text. */
function openBracket(text: string): { bracket: string; at: number } | undefined {
  const open: { bracket: string; at: number }[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{' || text[i] === '[') open.push({ bracket: text[i], at: i });
    else if (text[i] === '}' || text[i] === ']') open.pop();
  }
  return open.at(-1);
}

function commentStart(text: string): number {
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quote) quote = char === quote ? '' : quote;
    else if ((char === '"' || char === "'") && /[\s[{,:]/.test(text[i - 1] ?? ' ')) quote = char;
    else if (char === '#' && /\s/.test(text[i - 1] ?? ' ')) return i;
  }
  return Infinity;
}

function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const part of text.split('\n')) {
    lines.push({ number: lines.length + 1, start, text: part.replace(/\r$/, '') });
    start += part.length + 1;
  }
  return lines;
}

function written(text: string, from: number): string {
  return unquoted(text.slice(from, commentStart(text)).trim());
}

function unquoted(text: string): string {
  return /^(["']).*\1$/.test(text) && text.length > 1 ? text.slice(1, -1) : text;
}

const isBlank = (text: string) => /^\s*(#|$)/.test(text);
const indentOf = (text: string) => text.length - text.trimStart().length;

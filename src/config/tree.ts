import { isAlias, isMap, isPair, isScalar, isSeq, type Document, type LineCounter } from 'yaml';
import type { Position, Range } from './diagnostic';

/** A YAML value with its place: what validation walks, free of YAML's own corner cases. */
export type Tree = MapTree | ListTree | ScalarTree;

interface Placed {
  readonly range: Range;
  /** Set on values that did not come from the file: the words of the command line. */
  readonly setting?: string;
}

export interface Entry {
  readonly key: string;
  readonly keyRange: Range;
  readonly value: Tree;
}

export interface MapTree extends Placed {
  readonly kind: 'map';
  readonly entries: Entry[];
  readonly flow: boolean;
}

export interface ListTree extends Placed {
  readonly kind: 'list';
  readonly items: readonly Tree[];
}

export interface ScalarTree extends Placed {
  readonly kind: 'scalar';
  readonly value: unknown;
  readonly quoted: boolean;
  /** `key:` with nothing behind it. */
  readonly empty: boolean;
}

/** Limits that no sane config comes near, and that bound the work on an insane one. */
export const LIMITS = { depth: 40, values: 50_000, aliases: 100 } as const;

export class TreeLimitError extends Error {
  constructor(
    readonly limit: keyof typeof LIMITS,
    readonly offset: number,
  ) {
    super(`more than ${LIMITS[limit]} ${limit}`);
  }
}

export function rangeOf(lines: LineCounter, start: number, end: number): Range {
  return { start: positionOf(lines, start), end: positionOf(lines, Math.max(start, end)) };
}

function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? { line: 1, column: offset + 1, offset } : { line, column: col, offset };
}

/**
 * The document as a tree. Throws a TreeLimitError on aliases that blow up and on absurd nesting; aliases without an
 * anchor go to `unresolved`.
 */
export function treeOf(
  doc: Document,
  lines: LineCounter,
  textLength: number,
  unresolved: (name: string, range: Range) => void,
): Tree {
  let values = 0;
  let aliases = 0;

  const placeOf = (node: unknown, fallback: number): [number, number] => {
    const range = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range : undefined;
    return range ? [range[0], range[1]] : [fallback, fallback];
  };

  const convert = (node: unknown, fallback: number, depth: number): Tree => {
    const [start, end] = placeOf(node, fallback);
    if (++values > LIMITS.values) throw new TreeLimitError('values', start);
    if (depth > LIMITS.depth) throw new TreeLimitError('depth', start);
    const range = rangeOf(lines, start, Math.min(end, textLength));
    if (isAlias(node)) {
      if (++aliases > LIMITS.aliases) throw new TreeLimitError('aliases', start);
      const target = node.resolve(doc);
      if (!target) unresolved(node.source, range);
      return { ...convert(target ?? null, start, depth + 1), range };
    }
    if (isMap(node)) {
      const entries = node.items.map((pair): Entry => {
        const [keyStart, keyEnd] = placeOf(isPair(pair) ? pair.key : undefined, start);
        const key = isScalar(pair.key) ? keyText(pair.key.value) : '?';
        return { key, keyRange: rangeOf(lines, keyStart, keyEnd), value: convert(pair.value, keyEnd, depth + 1) };
      });
      return { kind: 'map', entries, flow: node.flow === true, range };
    }
    if (isSeq(node)) {
      return { kind: 'list', items: node.items.map((item) => convert(item, start, depth + 1)), range };
    }
    if (!isScalar(node)) return { kind: 'scalar', value: null, quoted: false, empty: true, range };
    const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
    const empty = node.value === null && start === end;
    return { kind: 'scalar', value: plain(node.value), quoted, empty, range };
  };
  return convert(doc.contents, 0, 0);
}

function keyText(value: unknown): string {
  return typeof value === 'string' ? value : value === null ? '' : String(plain(value));
}

/** YAML's tags for dates, sets and binaries do not exist here: what is no JSON value becomes text. */
function plain(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return typeof value === 'bigint' ? Number(value) : JSON.stringify(value);
}

/** The plain value, as JSON has it. Later keys win over earlier ones. */
export function valueOf(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(valueOf);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, valueOf(value)]));
}

export function entryOf(tree: Tree | undefined, key: string): Entry | undefined {
  return tree?.kind === 'map' ? tree.entries.find((entry) => entry.key === key) : undefined;
}

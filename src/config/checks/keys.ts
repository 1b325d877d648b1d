import type { Fix } from '../diagnostic';
import type { Report } from '../report';
import { FOREIGN_KEYS } from '../schema/foreign';
import { LATER_KEYS } from '../schema/later';
import type { KeySpec } from '../schema/meta';
import { nearest, snakeCase } from '../suggest';
import { entryOf, valueOf, type Entry, type MapTree } from '../tree';
import { accumulationFinding } from './accumulation';
import { checkValue, exampleOf } from './value';

export interface KeyContext {
  readonly report: Report;
  readonly path: readonly string[];
  /** What the map is, with its article: `an sft stage`. */
  readonly owner: string;
  /** Where a missing key is reported. */
  readonly at: Entry | undefined;
  /** Keys that stand elsewhere in the file, with a word on where. */
  readonly elsewhere?: (key: string) => string | undefined;
}

/** Checks all keys of a map against its specs; what passed, by key, without defaults. */
export function checkKeys(
  map: MapTree,
  specs: ReadonlyMap<string, KeySpec>,
  context: KeyContext,
): Map<string, unknown> {
  const { report } = context;
  const values = new Map<string, unknown>();
  const seen = new Map<string, Entry>();
  const meant = new Set<string>();
  for (const entry of map.entries) {
    const path = [...context.path, entry.key];
    const first = seen.get(entry.key);
    if (first) {
      duplicate(map, first, entry, path, report);
      continue;
    }
    seen.set(entry.key, entry);
    const spec = specs.get(entry.key);
    if (!spec) {
      const ours = unknownKey(map, entry, specs, context);
      if (ours !== undefined) meant.add(ours);
      continue;
    }
    if (spec.keys.size > 0 && !checkMaps(entry, spec, path, report)) continue;
    const value = checkValue(spec, entry, path, report);
    if (value !== undefined) values.set(entry.key, value);
  }
  for (const spec of specs.values()) {
    if (spec.required && !seen.has(spec.name) && !meant.has(spec.name)) missingKey(map, spec, context);
  }
  return values;
}

export function duplicate(map: MapTree, first: Entry, entry: Entry, path: readonly string[], report: Report): void {
  const fix = report.remove(map, entry);
  report.addAtKey(entry, {
    code: 'duplicate-key',
    message: `\`${path.join('.')}\` stands twice; the first is on line ${first.keyRange.start.line}.`,
    hint: 'Keep one of the two.',
    path,
    fixes: fix ? [fix] : [],
  });
}

function missingKey(map: MapTree, spec: KeySpec, context: KeyContext): void {
  const { report, path, at } = context;
  const line = spec.name === 'stages' ? 'stages:' : `${spec.name}: ${exampleOf(spec)}`;
  const fix = spec.name === 'stages' ? undefined : report.insertAfter(map, 'type', line);
  report.add(at ? at.keyRange : map.range, {
    code: 'missing-key',
    message: `${path.length ? `\`${path.join('.')}\`` : 'The config'} has no \`${spec.name}\`, which ${context.owner} needs.`,
    hint: `Add \`${line}\`: ${spec.expects}.`,
    path: [...path, spec.name],
    fixes: fix ? [fix] : [],
  });
}

/** The keys of a value that is a map, or a list with maps. Whether nothing was found. */
function checkMaps(entry: Entry, spec: KeySpec, path: readonly string[], report: Report): boolean {
  const before = report.diagnostics.length;
  const items = entry.value.kind === 'list' ? entry.value.items : [];
  const maps = [{ tree: entry.value, at: path }, ...items.map((tree, i) => ({ tree, at: [...path, String(i + 1)] }))];
  for (const { tree, at } of maps) {
    if (tree.kind !== 'map') continue;
    const place = tree === entry.value ? entry : { ...entry, keyRange: tree.range, value: tree };
    checkKeys(tree, spec.keys, { report, path: at, owner: `\`${spec.name}\``, at: place });
  }
  return report.diagnostics.length === before;
}

/** Says what is wrong with a key that is none of ours; returns the one that was meant, where that is clear. */
function unknownKey(
  map: MapTree,
  entry: Entry,
  specs: ReadonlyMap<string, KeySpec>,
  context: KeyContext,
): string | undefined {
  const { report } = context;
  const path = [...context.path, entry.key];
  const field = `\`${path.join('.')}\``;
  const name = snakeCase(entry.key);
  const drop = () => [report.remove(map, entry)].filter((fix): fix is Fix => fix !== undefined);
  const rename = (ours: string): Fix[] =>
    entryOf(map, ours) ? drop() : [report.replace(entry.keyRange, ours, `Change to \`${ours}\``)];

  if (specs.has(name)) {
    const hint = `Did you mean \`${name}\`?`;
    report.addAtKey(entry, {
      code: 'unknown-key',
      message: `${field} is not a key of ${context.owner}.`,
      hint,
      path,
      fixes: rename(name),
    });
    return name;
  }
  const accumulation = specs.has('batch_size') ? accumulationFinding(map, entry, path, report) : undefined;
  if (accumulation) {
    report.addAtKey(entry, accumulation);
    return undefined;
  }
  for (const spec of specs.values()) {
    if (!spec.aliases?.includes(name)) continue;
    const there = entryOf(map, spec.name) ? ', which stands here already' : '';
    report.addAtKey(entry, {
      code: 'other-name',
      message: `${field} is called \`${spec.name}\` here${there}.`,
      hint: there ? `Remove it and keep \`${spec.name}\`.` : `Write \`${spec.name}\`: ${lowerFirst(spec.doc)}`,
      path,
      fixes: rename(spec.name),
    });
    return spec.name;
  }
  const later = LATER_KEYS.get(name);
  if (later !== undefined) {
    report.addAtKey(entry, {
      code: 'not-yet',
      message: `${field}: \`${name}\` does not work yet.`,
      hint: later,
      path,
      fixes: drop(),
    });
    return undefined;
  }
  const elsewhere = context.elsewhere?.(entry.key);
  if (elsewhere !== undefined) {
    report.addAtKey(entry, {
      code: 'unknown-key',
      message: `${field} is not a key of ${context.owner}.`,
      hint: elsewhere,
      path,
      fixes: drop(),
    });
    return undefined;
  }
  const foreign = FOREIGN_KEYS.get(name) ?? FOREIGN_KEYS.get(entry.key);
  if (foreign) {
    const theirs = valueOf(entry.value);
    const value = foreign.value?.(theirs);
    const { key } = foreign;
    let fixes = drop();
    if (key !== undefined && specs.has(key) && !entryOf(map, key)) {
      const range = value === undefined ? entry.keyRange : { start: entry.keyRange.start, end: entry.value.range.end };
      const text = value === undefined ? key : `${key}: ${value}`;
      fixes = [report.replace(range, text, `Change to \`${text}\``)];
    }
    const message = `${field} is a key of other trainers, not of ${context.owner}.`;
    report.addAtKey(entry, { code: 'other-name', message, hint: foreign.explain, path, fixes });
    return key;
  }
  const ours = nearestKey(entry.key, specs);
  const message = `${field} is not a key of ${context.owner}.`;
  const hint = ours ? `Did you mean \`${ours}\`?` : `Known keys: ${[...specs.keys()].join(', ')}.`;
  report.addAtKey(entry, { code: 'unknown-key', message, hint, path, fixes: ours ? rename(ours) : drop() });
  return ours;
}

/** Ours first; else one whose other name is near. */
function nearestKey(word: string, specs: ReadonlyMap<string, KeySpec>): string | undefined {
  const own = nearest(word, specs.keys());
  if (own !== undefined) return own;
  const owners = new Map(
    [...specs.values()].flatMap((spec) => (spec.aliases ?? []).map((alias) => [alias, spec.name])),
  );
  const alias = nearest(word, owners.keys());
  return alias === undefined ? undefined : owners.get(alias);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

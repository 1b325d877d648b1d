import type { Range } from './diagnostic';
import { START } from './diagnostic';
import type { Report } from './report';
import { readYaml } from './syntax';
import { entryOf, type Entry, type MapTree, type Tree } from './tree';

const NOWHERE: Range = { start: START, end: START };

/**
 * Writes `stages.sft.learning_rate=1e-4`, or `learning_rate=1e-4` with a stage given, over the values of the file.
 * A bad setting becomes a diagnostic; a bad value is found by the checks like any other.
 */
export function applySettings(
  top: MapTree,
  settings: readonly string[],
  stage: string | undefined,
  report: Report,
): void {
  for (const setting of settings) {
    const problem = applySetting(top, setting, stage);
    if (problem === undefined) continue;
    report.add(
      { kind: 'scalar', value: setting, quoted: false, empty: false, range: NOWHERE, setting },
      {
        code: 'bad-setting',
        message: problem,
        hint: 'Write key=value, such as learning_rate=1e-4 or stages.sft.epochs=2.',
        path: [],
      },
    );
  }
}

const TOP = new Set(['model', 'device', 'threads', 'seed', 'stages']);

function applySetting(top: MapTree, setting: string, stage: string | undefined): string | undefined {
  const equals = setting.indexOf('=');
  if (equals < 1) return `The setting \`${setting}\` has no key and value.`;
  let path = setting.slice(0, equals).trim().split('.');
  if (path.some((key) => key === '')) return `The setting \`${setting}\` has an empty key.`;
  // `model=` beside a stage means the stage's model; device, threads and seed exist only at the top.
  const atTop = TOP.has(path[0]) && !(path[0] === 'model' && stage !== undefined);
  if (!atTop && !(entryOf(entryOf(top, 'stages')?.value, path[0]) && path.length > 1)) {
    if (stage === undefined) return `The setting \`${setting}\` does not say which stage it is for.`;
    path = ['stages', stage, ...path];
  } else if (!atTop) path = ['stages', ...path];

  const { tree, diagnostics } = readYaml(setting.slice(equals + 1), setting);
  if (!tree || diagnostics.length > 0) return `The value in the setting \`${setting}\` cannot be read.`;
  let map: Tree = top;
  for (const key of path.slice(0, -1)) {
    const next = entryOf(map, key);
    if (!next) {
      if (path[0] === 'stages' && key === path[1])
        return `The setting \`${setting}\` is for a stage \`${key}\` that is not there.`;
      return `The setting \`${setting}\` goes into \`${key}\`, which the file does not have.`;
    }
    map = next.value;
  }
  if (map.kind !== 'map') return `The setting \`${setting}\` goes into something that has no keys.`;
  const key = path[path.length - 1];
  const at = map.entries.findIndex((entry) => entry.key === key);
  const entry: Entry = { key, keyRange: map.entries[at]?.keyRange ?? NOWHERE, value: marked(tree, setting) };
  if (at === -1) map.entries.push(entry);
  else map.entries[at] = entry;
  return undefined;
}

function marked(tree: Tree, setting: string): Tree {
  const placed = { range: NOWHERE, setting };
  if (tree.kind === 'scalar') return { ...tree, ...placed };
  if (tree.kind === 'list') return { ...tree, ...placed, items: tree.items.map((item) => marked(item, setting)) };
  const entries = tree.entries.map((entry) => ({ ...entry, value: marked(entry.value, setting) }));
  return { ...tree, ...placed, entries };
}

import path from 'node:path';
import { checkCombinations } from './checks/combination';
import { checkEnsembles } from './checks/loop';
import { checkReferences } from './checks/graph';
import { checkKeys, duplicate } from './checks/keys';
import { checkStage } from './checks/stage';
import { describe } from './checks/value';
import { hasErrors, sortDiagnostics, type Diagnostic, type DiagnosticCode, type Range } from './diagnostic';
import type { Experiment, Positions, StageOutline } from './experiment';
import { Report } from './report';
import { experimentSchema, stageKeys, STAGE_TYPES, TOP_KEYS, type StageConfig } from './schema/experiment';
import { LATER_DEVICES } from './schema/later';
import { applySettings } from './settings';
import { readYaml } from './syntax';
import { entryOf, valueOf, type Entry, type MapTree, type Tree } from './tree';

export interface ParseOptions {
  /** Whether a bare name such as `base` is a folder beside the config. Default: none is. */
  readonly isFolder?: (name: string) => boolean;
  /** `stages.sft.learning_rate=1e-4`, or `learning_rate=1e-4` for `stage`: written over the file's values. */
  readonly set?: readonly string[];
  readonly stage?: string;
}

export interface ParseResult {
  /** Defined exactly when no diagnostic is an error. */
  readonly experiment: Experiment | undefined;
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly positions: Positions;
  /** The stages in the order of the file, also where it has errors. */
  readonly outline: readonly StageOutline[];
}

/** Reads and checks a config's text. Never throws on any text; touches the disk only through `isFolder`. */
export function parseExperiment(text: string, file: string, options: ParseOptions = {}): ParseResult {
  const { tree, diagnostics } = readYaml(text, file);
  const report = new Report(text, file);
  for (const diagnostic of diagnostics) report.diagnostics.push(diagnostic);
  if (!tree)
    return { experiment: undefined, diagnostics: sortDiagnostics(diagnostics), positions: new Map(), outline: [] };
  if (tree.kind !== 'map') {
    if (!hasErrors(diagnostics)) {
      const message = `The config must be a map with the key \`stages\`, but is ${describe(tree)}.`;
      report.add(tree, {
        code: 'not-a-map',
        message,
        hint: 'Start with a line `stages:` and write the stages below it.',
        path: [],
      });
    }
    return { experiment: undefined, diagnostics: report.diagnostics, positions: new Map(), outline: [] };
  }
  if (options.set) applySettings(tree, options.set, options.stage, report);
  const positions = positionsOf(tree);
  const outline = outlineOf(tree);
  const experiment = checkExperiment(tree, report, positions, options.isFolder ?? (() => false));
  const all = withoutEchoes(report.diagnostics);
  return {
    experiment: hasErrors(all) ? undefined : experiment,
    diagnostics: sortDiagnostics(all),
    positions,
    outline,
  };
}

function checkExperiment(
  top: MapTree,
  report: Report,
  positions: Positions,
  isFolder: (name: string) => boolean,
): Experiment | undefined {
  const stagesEntry = entryOf(top, 'stages');
  const others: MapTree = { ...top, entries: top.entries.filter(({ key }) => !isLaterDevice(key, top, report)) };
  const specs = new Map([...TOP_KEYS].filter(([key]) => key !== 'stages' || !stagesEntry));
  const values = checkKeys({ ...others, entries: others.entries.filter(({ key }) => key !== 'stages') }, specs, {
    report,
    path: [],
    owner: 'the config',
    at: undefined,
    elsewhere: stageKeyAtTop,
  });
  const duplicates = others.entries.filter(({ key }) => key === 'stages').slice(1);
  if (stagesEntry) for (const entry of duplicates) duplicate(top, stagesEntry, entry, ['stages'], report);

  const stagesMap = stagesEntry && stageMap(stagesEntry, report);
  const topModel = values.get('model');
  const stages = new Map<string, StageConfig>();
  const seen = new Map<string, Entry>();
  for (const entry of stagesMap?.entries ?? []) {
    const first = seen.get(entry.key);
    if (first && stagesMap) {
      duplicate(stagesMap, first, entry, ['stages', entry.key], report);
      continue;
    }
    seen.set(entry.key, entry);
    const config = checkStage(entry, report);
    if (!config) continue;
    stages.set(entry.key, config);
    checkCombinations(entry, config, typeof topModel === 'string' ? topModel : null, report);
  }
  for (const entry of seen.values()) checkEnsembles(entry, stages, report);
  checkReferences(top, stagesMap, { report, isFolder });
  if (hasErrors(report.diagnostics)) return undefined;
  const parsed = experimentSchema.omit({ stages: true }).safeParse(Object.fromEntries(values));
  if (!parsed.success) return undefined;
  const file = path.resolve(report.file);
  return { ...parsed.data, file, folder: path.dirname(file), stages, positions };
}

function stageMap(entry: Entry, report: Report): MapTree | undefined {
  const map = entry.value;
  if (map.kind === 'map' && map.entries.length > 0) return map;
  const empty = map.kind === 'map' || (map.kind === 'scalar' && map.empty);
  const message = empty
    ? '`stages` has no stage.'
    : `\`stages\` must be a map from names to stages, but is ${describe(map)}.`;
  const hint = 'Write a name below it, indented by two spaces, such as `sft:`, and below that `type: sft`.';
  report.addAtKey(entry, { code: empty ? 'missing-value' : 'not-a-map', message, hint, path: ['stages'] });
  return undefined;
}

/** A device of a later version: said here, and kept from the general check. */
function isLaterDevice(key: string, top: MapTree, report: Report): boolean {
  const entry = key === 'device' ? entryOf(top, key) : undefined;
  const device = entry && valueOf(entry.value);
  const hint = typeof device === 'string' ? LATER_DEVICES.get(device.toLowerCase()) : undefined;
  if (!entry || hint === undefined) return false;
  report.add(entry.value, {
    code: 'not-yet',
    message: `\`device\`: ${String(device)} does not work yet.`,
    hint,
    path: ['device'],
    fixes: ['webgpu', 'cpu'].map((ours) => report.replace(entry.value.range, ours, `Change to \`${ours}\``)),
  });
  return true;
}

function stageKeyAtTop(key: string): string | undefined {
  const types = STAGE_TYPES.filter((type) => stageKeys(type).has(key));
  return types.length > 0
    ? `It is a key of ${types.length === STAGE_TYPES.length ? 'all' : types.join(', ')} stages. Move it into the stage it is for.`
    : undefined;
}

function positionsOf(top: MapTree): Positions {
  const positions = new Map<string, { key: Range; value: Range }>();
  const walk = (tree: Tree, path: string) => {
    if (tree.kind === 'list') {
      tree.items.forEach((item, i) => {
        const at = `${path}.${i + 1}`;
        if (!positions.has(at)) positions.set(at, { key: item.range, value: item.range });
        walk(item, at);
      });
    }
    if (tree.kind !== 'map') return;
    for (const { key, keyRange, value } of tree.entries) {
      const at = path ? `${path}.${key}` : key;
      if (!positions.has(at)) positions.set(at, { key: keyRange, value: value.range });
      walk(value, at);
    }
  };
  walk(top, '');
  return positions;
}

function outlineOf(top: MapTree): StageOutline[] {
  const stages = entryOf(top, 'stages')?.value;
  if (stages?.kind !== 'map') return [];
  return stages.entries.map(({ key, keyRange, value }) => {
    const type = entryOf(value, 'type');
    const word = type && valueOf(type.value);
    return { name: key, type: typeof word === 'string' ? word : undefined, range: keyRange };
  });
}

/** What the schema says about a line that is no YAML, or misses because of one, is noise beside the syntax error. */
function withoutEchoes(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const broken = new Set(diagnostics.filter(isSyntax).map(({ range }) => range.start.line));
  if (broken.size === 0) return [...diagnostics];
  return diagnostics.filter(
    (diagnostic) => isSyntax(diagnostic) || !(MISSING.has(diagnostic.code) || broken.has(diagnostic.range.start.line)),
  );
}

const MISSING = new Set<DiagnosticCode>(['missing-key', 'missing-value', 'not-a-map']);

function isSyntax({ code, severity }: Diagnostic): boolean {
  return severity === 'error' && (code === 'syntax' || code === 'tab' || code === 'indentation');
}

import { exampleOf } from './checks/value';
import { defaultMarkdown, keyMarkdown } from './describe';
import type { Range } from './diagnostic';
import { stageTypeOf, typeDoc } from './hover';
import { placeAt, stagesIn, type Place } from './place';
import { takesStage } from './reference';
import { isStageType, stageKeys, STAGE_TYPES, TOP_KEYS, type StageType } from './schema/experiment';
import { keysAt } from './schema/lookup';
import type { KeySpec, Role } from './schema/meta';

export interface Completion {
  readonly label: string;
  readonly kind: 'key' | 'value' | 'stage' | 'file' | 'folder' | 'snippet';
  /** What to write over `range`. In the editors' snippet syntax (`${1:text}`) where `snippet` is set. */
  readonly insertText: string;
  readonly snippet: boolean;
  readonly range: Range;
  readonly detail: string;
  /** Markdown. */
  readonly documentation: string;
  /** Opens the list again once this is in: a folder, or a key whose value has choices. */
  readonly again: boolean;
}

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** What is in a folder, given relative to the config (`.` for its own); empty where there is none. */
export type ListFolder = (folder: string) => readonly FolderEntry[];

/** What may be written at an offset of a text, which may be broken. */
export function complete(text: string, offset: number, list: ListFolder = () => []): Completion[] {
  const place = placeAt(text, offset);
  if (!place) return [];
  return place.part === 'key' ? keys(place, text) : values(place, text, list);
}

function keys(place: Place, text: string): Completion[] {
  if (place.path.length === 1 && place.path[0] === 'stages') return newStages(place, text);
  const specs = keysAt(place.path, stageTypeOf(place, text));
  if (!specs) return [];
  const open = [...specs.values()].filter(({ name }) => !place.siblings.has(name));
  const required = (spec: KeySpec) => (spec.name === 'type' ? 0 : spec.required ? 1 : 2);
  return open
    .sort((a, b) => required(a) - required(b))
    .map((spec) => ({
      label: spec.name,
      kind: 'key',
      insertText: place.hasColon ? spec.name : `${spec.name}: ${valueSnippet(spec, place)}`,
      snippet: !place.hasColon,
      range: place.range,
      detail: spec.required ? 'required' : `default: ${defaultMarkdown(spec).replace(/`/g, '')}`,
      documentation: keyMarkdown(spec),
      again: !place.hasColon && (spec.role !== undefined || spec.values.length > 0),
    }));
}

function valueSnippet(spec: KeySpec, place: Place): string {
  const inner = ' '.repeat(place.indent + 2);
  if (spec.name === 'stages') return `\n${inner}\${1:sft}:\n${inner}  type: \${2|sft,pretrain|}\n${inner}  $0`;
  if (spec.role !== undefined) return '$0';
  if (spec.values.length > 1 && typeof spec.default !== 'number') return `\${1|${spec.values.join(',')}|}`;
  if (spec.values.length === 1) return spec.name === 'type' ? `\${1|${STAGE_TYPES.join(',')}|}` : spec.values[0];
  return `\${1:${escaped(exampleOf(spec))}}`;
}

/** What a new stage starts with, beside its type; `${n:text}` are places to fill in, from 2. */
const STARTS: Record<StageType, readonly string[]> = {
  pretrain: [
    'architecture: ${2:./architecture.json}',
    'tokenizer: { train: bpe, vocab_size: ${4:2048} }',
    'data: ${3:data/corpus.jsonl}',
  ],
  sft: ['model: ${2:./model}', 'data: ${3:data/demonstrations.jsonl}'],
  generate: ['model: ${2:sft}', 'prompts: ${3:data/prompts.jsonl}'],
  reward: ['model: ${2:sft}', 'labels: ${3:collect}'],
  dpo: ['model: ${2:sft}', 'labels: ${3:collect}'],
  ppo: ['model: ${2:sft}', 'prompts: ${3:data/prompts.jsonl}', 'reward: ${4:reward}'],
  grpo: ['model: ${2:sft}', 'prompts: ${3:data/prompts.jsonl}', 'reward: ${4:reward}'],
  rloo: ['model: ${2:sft}', 'prompts: ${3:data/prompts.jsonl}', 'reward: ${4:reward}'],
  evaluate: ['models: ${2:[sft, ppo]}', 'prompts: ${3:data/held-out.jsonl}'],
};

function newStages(place: Place, text: string): Completion[] {
  const taken = stagesIn(text);
  const inner = ' '.repeat(place.indent + 2);
  return STAGE_TYPES.map((type) => {
    const name =
      [type, ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => `${type}_${n}`)].find((word) => !taken.has(word)) ?? type;
    const body = `\${1:${name}}:\n${[`type: ${type}`, ...STARTS[type]].map((line) => `${inner}${line}\n`).join('')}`;
    return {
      label: name,
      kind: 'snippet',
      insertText: place.hasColon ? name : body,
      snippet: !place.hasColon,
      range: place.range,
      detail: `a new ${type} stage`,
      documentation: typeDoc(type) ?? '',
      again: false,
    };
  });
}

function values(place: Place, text: string, list: ListFolder): Completion[] {
  const { path, key, range } = place;
  const word = (label: string, kind: Completion['kind'], detail: string, documentation: string): Completion => ({
    label,
    kind,
    insertText: label,
    snippet: false,
    range,
    detail,
    documentation,
    again: false,
  });
  if (key === 'type' && path.length === 2)
    return STAGE_TYPES.map((type) => word(type, 'value', 'type of stage', typeDoc(type) ?? ''));
  const spec = path.length === 0 ? TOP_KEYS.get(key) : keysAt(path, stageTypeOf(place, text))?.get(key);
  if (!spec) return [];
  const found: Completion[] = [];
  if (takesStage(spec) && path.length >= 2) {
    for (const [name, type] of usable(text, path[1], spec)) {
      found.push(word(name, 'stage', type ? `stage (${type})` : 'stage', USES.get(key) ?? 'Its latest result.'));
    }
  }
  for (const value of spec.values) {
    if (spec.role !== 'folder') found.push(word(value, 'value', value === defaultOf(spec) ? 'default' : '', spec.doc));
  }
  const example = spec.role === undefined || spec.role === 'folder' ? exampleOf(spec) : defaultOf(spec);
  if (example !== undefined && !place.flow && !found.some(({ label }) => label === example))
    found.push(word(example, 'value', example === defaultOf(spec) ? 'default' : 'example', spec.doc));
  if (spec.role !== undefined) found.push(...files(place, spec.role, list));
  return found;
}

function defaultOf({ default: value }: KeySpec): string | undefined {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** What a stage is named for. */
const USES: ReadonlyMap<string, string> = new Map([
  ['model', 'Start from its latest result.'],
  ['labels', 'Learn from its pairs and their labels.'],
  ['reward', 'Score by its latest result.'],
  ['stage', 'Score by its latest result.'],
  ['judge', 'Judge by its latest result.'],
  ['reference', 'Be held to its latest result.'],
]);

/** The stages of a fitting type that this one may name without closing a circle, with their types. */
function usable(text: string, self: string, spec: KeySpec): [string, string | undefined][] {
  const stages = stagesIn(text);
  const inputs = new Map([...stages].map(([name, keys]) => [name, inputsOf(keys, stages)]));
  const comesFrom = (name: string, seen: ReadonlySet<string>): boolean =>
    name === self ||
    [...(inputs.get(name) ?? [])].some((input) => !seen.has(input) && comesFrom(input, new Set([...seen, input])));
  return [...stages]
    .map(([name, keys]): [string, string | undefined] => [name, keys.get('type')])
    .filter(([name, type]) => !comesFrom(name, new Set([name])) && fits(spec, type));
}

function fits({ takes }: KeySpec, type: string | undefined): boolean {
  return takes === undefined || !isStageType(type) || takes.includes(type);
}

/** The stages that the keys of a stage name, as far as they stand on one line each. */
function inputsOf(keys: ReadonlyMap<string, string>, stages: ReadonlyMap<string, unknown>): Set<string> {
  const type = keys.get('type');
  const specs = stageKeys(isStageType(type) ? type : 'sft');
  const written = [...keys].filter(([key]) => specs.get(key)?.takes !== undefined).map(([, value]) => value);
  return new Set(written.flatMap((value) => value.split(/[\s,[\]{}"']+/)).filter((word) => stages.has(word)));
}

const WANTED: Record<Role, RegExp | undefined> = {
  'stage-or-folder': undefined,
  folder: undefined,
  'data-file': /\.(jsonl|json|txt|md)$/i,
  'data-file-or-value': /\.(jsonl|json|txt)$/i,
  'prompt-file-or-value': /\.(jsonl|json|txt)$/i,
  'config-file': /\.json$/i,
  'template-file': /\.(jinja2?|j2)$/i,
  'stage-or-labels': /\.jsonl$/i,
  'rule-file': /\.[cm]?js$/i,
  'text-file': /\.(md|markdown|txt)$/i,
  'text-file-or-value': /\.(md|txt)$/i,
};

/** Entries of the folder that the path typed so far leads to; only the last part of the path is replaced. */
function files(place: Place, role: Role, list: ListFolder): Completion[] {
  const typed = place.prefix.replace(/^["']/, '');
  const slash = typed.lastIndexOf('/') + 1;
  const folder = typed.slice(0, slash).replace(/\/$/, '') || (typed.startsWith('/') ? '/' : '.');
  const from = place.range.start.offset + place.prefix.length - (typed.length - slash);
  const column = place.range.start.column + from - place.range.start.offset;
  const range: Range = { start: { line: place.range.start.line, column, offset: from }, end: place.range.end };
  const wanted = WANTED[role];
  // A bare name would be read as a stage.
  const lead = (role === 'stage-or-folder' || role === 'stage-or-labels') && slash === 0 ? './' : '';
  return list(folder)
    .filter(({ name, isFolder }) => !/^\.|^node_modules$/.test(name) && (isFolder || wanted?.test(name)))
    .map(({ name, isFolder }) => ({
      label: lead + name + (isFolder ? '/' : ''),
      kind: isFolder ? 'folder' : 'file',
      insertText: lead + name + (isFolder && wanted ? '/' : ''),
      snippet: false,
      range,
      detail: isFolder ? 'folder' : 'file',
      documentation: '',
      again: isFolder && wanted !== undefined,
    }));
}

function escaped(text: string): string {
  return text.replace(/[$}\\]/g, '\\$&');
}

import path from 'node:path';
import type { Experiment, ModelSource } from './experiment';
import { stageKeys, type StageConfig } from './schema/experiment';
import type { KeySpec } from './schema/meta';

/** `./x`, `a/b`, `C:\x`, `~`: a path by its looks, so never a stage. */
export function looksLikePath(reference: string): boolean {
  return /[/\\]/.test(reference) || reference.startsWith('.') || reference.startsWith('~');
}

/** `owner/name` as the Hugging Face hub has it. A relative path may look the same. */
export function looksLikeHubId(reference: string): boolean {
  return /^[A-Za-z0-9][\w.-]*\/[\w.-]+$/.test(reference);
}

/** A reference written in the file, against the names of its stages. */
export function modelSource(reference: string, stages: { has(name: string): boolean }, folder: string): ModelSource {
  if (!looksLikePath(reference) && stages.has(reference)) return { kind: 'stage', name: reference };
  return { kind: 'folder', path: path.resolve(folder, reference) };
}

/**
 * The stage's own `model`, or the file's. Null: random weights by an architecture, or a stage that names all its models
 * in `models`.
 */
export function modelReference(config: StageConfig, topModel: string | null): string | null {
  if (config.type === 'evaluate') return null;
  if (config.model !== null) return config.model;
  if (config.type === 'pretrain' && config.architecture !== null) return null;
  return config.type === 'generate' && config.models !== null ? null : topModel;
}

/** A value in a stage that names a stage, a folder or a file. */
export interface Mention {
  readonly spec: KeySpec;
  readonly written: string;
  /** The keys that lead to it, items of lists by their number from 1: `['reward', '2', 'stage']`. */
  readonly path: readonly string[];
}

/** All that a stage names, `values` being its keys as written or with defaults. Inline templates are no names. */
export function mentionsIn(specs: ReadonlyMap<string, KeySpec>, values: object): Mention[] {
  const found: Mention[] = [];
  const visit = (spec: KeySpec, value: unknown, at: readonly string[]) => {
    if (typeof value === 'string') {
      const named = spec.role !== undefined && value !== '' && !isWord(spec, value);
      if (named) found.push({ spec, written: value, path: at });
    } else if (Array.isArray(value)) {
      const plain = spec.role?.endsWith('-or-value') === true;
      value.forEach((item, i) => {
        if (!(plain && typeof item === 'string')) visit(spec, item, [...at, String(i + 1)]);
      });
    } else if (typeof value === 'object' && value !== null) entries(spec.keys, value, at);
  };
  const entries = (keys: ReadonlyMap<string, KeySpec>, map: object, at: readonly string[]) => {
    for (const [key, value] of Object.entries(map)) {
      const spec = keys.get(key);
      if (spec) visit(spec, value, [...at, key]);
    }
  };
  entries(specs, values, []);
  return found;
}

function isWord(spec: KeySpec, value: string): boolean {
  return (
    (spec.role !== 'folder' && spec.values.includes(value)) ||
    (spec.role === 'template-file' && isInlineTemplate(value))
  );
}

/** Whether what is named there is a stage. */
export function namesStage({ spec, written }: Mention, stages: { has(name: string): boolean }): boolean {
  return takesStage(spec) && !looksLikePath(written) && stages.has(written);
}

export function takesStage({ role }: KeySpec): boolean {
  return role === 'stage-or-folder' || role === 'stage-or-labels';
}

/** The stages whose results a stage takes, each once: starting weights first, then in the order of its keys. */
export function upstreamStages(experiment: Experiment, name: string): string[] {
  const config = experiment.stages.get(name);
  if (!config) return [];
  const { stages, folder } = experiment;
  const start = modelReference(config, experiment.model);
  const source = start === null ? undefined : modelSource(start, stages, folder);
  const named = mentionsIn(stageKeys(config.type), config).filter((mention) => namesStage(mention, stages));
  const names = [...(source?.kind === 'stage' ? [source.name] : []), ...named.map(({ written }) => written)];
  return [...new Set(names)];
}

/** A template in the config itself, not the name of a file. */
export function isInlineTemplate(template: string): boolean {
  return /\{\{|\{%/.test(template);
}

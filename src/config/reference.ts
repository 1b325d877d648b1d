import path from 'node:path';
import type { Experiment, ModelSource } from './experiment';
import type { StageConfig } from './schema/experiment';

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

/** The stage's own `model`, or the file's; a pretrain stage with an architecture starts from random weights. */
export function modelReference(config: StageConfig, topModel: string | null): string | null {
  if (config.model !== null) return config.model;
  return config.type === 'pretrain' && config.architecture !== null ? null : topModel;
}

/** The stages whose results a stage takes. */
export function upstreamStages(experiment: Experiment, name: string): string[] {
  const config = experiment.stages.get(name);
  const reference = config && modelReference(config, experiment.model);
  if (!reference) return [];
  const source = modelSource(reference, experiment.stages, experiment.folder);
  return source.kind === 'stage' ? [source.name] : [];
}

/** A template in the config itself, not the name of a file. */
export function isInlineTemplate(template: string): boolean {
  return /\{\{|\{%/.test(template);
}

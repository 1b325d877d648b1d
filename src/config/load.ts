import { closeSync, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { START, type Diagnostic, type DiagnosticCode } from './diagnostic';
import { UserError } from './errors';
import type { Experiment, ModelSource, ResolvedStage } from './experiment';
import { parseExperiment, type ParseResult } from './parse';
import { modelReference, modelSource, upstreamStages } from './reference';
import type { StageConfig } from './schema/experiment';
import { stageInputs, stageSources } from './stage-inputs';
import { nearest } from './suggest';

export interface LoadOptions {
  /** `key=value` over the file: `stages.sft.learning_rate=1e-4`, or `learning_rate=1e-4` with `stage`. */
  readonly set?: readonly string[];
  readonly stage?: string;
  /** Over the file's `device`. */
  readonly device?: string;
}

const MAX_BYTES = 1 << 20;

/** Reads and checks a config file. What is wrong comes back as diagnostics, also when there is no such file. */
export function loadExperiment(file: string, options: LoadOptions = {}): ParseResult {
  const text = readText(file);
  if (typeof text !== 'string')
    return { experiment: undefined, diagnostics: [text], positions: new Map(), outline: [] };
  const folder = path.dirname(path.resolve(file));
  const set = [...(options.set ?? []), ...(options.device === undefined ? [] : [`device=${options.device}`])];
  return parseExperiment(text, file, { set, stage: options.stage, isFolder: folderTest(folder) });
}

/** For `isFolder` of the parser: whether a bare name is a folder there. */
export function folderTest(folder: string): (name: string) => boolean {
  return (name) => {
    const stats = statSync(path.join(folder, name), { throwIfNoEntry: false });
    return stats?.isDirectory() ?? false;
  };
}

function readText(file: string): string | Diagnostic {
  const problem = (code: DiagnosticCode, message: string, hint: string): Diagnostic => ({
    severity: 'error',
    code,
    message,
    hint,
    file,
    range: { start: START, end: START },
    path: [],
    fixes: [],
  });
  let handle: number | undefined;
  try {
    // Asked before opening: opening a pipe would wait for its other end.
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats)
      return problem(
        'missing-file',
        `There is no config file ${file}.`,
        'Check the path, or write one with `align init`.',
      );
    if (stats.isDirectory()) {
      const inside = existsSync(path.join(file, 'align.yaml')) ? path.join(file, 'align.yaml') : 'the file in it';
      return problem('wrong-file', `${file} is a folder, not a config file.`, `Name ${inside}.`);
    }
    if (!stats.isFile())
      return problem('wrong-file', `${file} is a device or pipe, not a config file.`, 'Name a plain file.');
    handle = openSync(file, 'r');
    const { size } = fstatSync(handle);
    if (size > MAX_BYTES) {
      const hint = 'A config is a few kilobytes. Put data in a file of its own and name that file with `data:`.';
      return problem('too-large', `The config is ${(size / 1e6).toFixed(1)} MB long; at most 1 MB is read.`, hint);
    }
    return (
      decode(readFileSync(handle)) ??
      problem('binary', 'The config is not UTF-8 text.', 'Save the file as UTF-8, or name the right file.')
    );
  } catch (error) {
    const detail = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return problem(
      'unreadable',
      `The config file cannot be read (${detail}).`,
      'Check its permissions and that no other program holds it.',
    );
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A stage ready to run. Throws a UserError where there is none of that name. */
export function resolveStage(experiment: Experiment, name: string): ResolvedStage {
  const config = experiment.stages.get(name);
  if (!config) {
    const names = [...experiment.stages.keys()];
    const near = nearest(name, names);
    const hint = near ? `Did you mean ${near}?` : `Its stages are ${names.join(', ')}.`;
    throw new UserError(`There is no stage ${name} in this config.`, {
      hint,
      file: experiment.file,
      code: 'unknown-stage',
    });
  }
  const { folder, device, threads, seed, model } = experiment;
  const reference = modelReference(config, model);
  const start = reference === null ? null : modelSource(reference, experiment.stages, folder);
  const upstream = upstreamStages(experiment, name);
  return stageOf({ name, config, model: start, upstream, folder }, { device, threads, seed });
}

interface StageParts {
  readonly name: string;
  readonly config: StageConfig;
  readonly model: ModelSource | null;
  /** The names that are stages; all else are folders. */
  readonly upstream: readonly string[];
  readonly folder: string;
}

/** A stage with all its paths made absolute. */
export function stageOf(
  { name, config, model, upstream, folder }: StageParts,
  machine: Pick<ResolvedStage, 'device' | 'threads' | 'seed'>,
): ResolvedStage {
  const inputs = stageInputs(config, folder);
  const sources = stageSources(config, model, new Set(upstream), folder);
  const named: unknown[] = Object.values(inputs).flat();
  const files = [...named, sources.labels?.path];
  return {
    name,
    type: config.type,
    config,
    model,
    inputs,
    sources,
    upstream,
    files: files.filter((file): file is string => typeof file === 'string'),
    folder,
    ...machine,
  };
}

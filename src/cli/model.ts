import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import { latestCheckpoint } from '../runs/checkpoints';
import { findRun, listRuns } from '../runs/registry';
import { ChatTemplate } from '../models/chat';
import { openCheckpoint } from '../models/checkpoint';
import { type Tokenizer, loadTokenizer } from '../models/tokenizer';
import { ModelWeights } from '../models/weights';
import { type Runtime, openRuntime } from '../tensor/runtime';
import { projectFolder } from './place';

/** Rotary tables reach no further than this, whatever the model allows. */
const MOST_POSITIONS = 32_768;

export interface ModelOptions {
  folder?: string;
  device?: 'cpu' | 'webgpu';
  threads?: number;
}

/** A model that is ready to be asked. */
export interface OpenModel {
  readonly folder: string;
  readonly runtime: Runtime;
  readonly weights: ModelWeights;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | null;
  close(): void;
}

/** The folder of a model: a folder as it is, a stage's latest result, or a run's result, else its newest checkpoint. */
export function modelFolder(reference: string, options: { folder?: string }): string {
  if (existsSync(join(reference, 'config.json')) && existsSync(join(reference, 'tokenizer.json'))) return reference;
  const project = projectFolder(options.folder);
  const done = listRuns(project).find(({ run, state }) => run.stage === reference && state === 'done');
  if (done) return done.dir.modelFolder;
  try {
    const { dir, id, run } = findRun(
      project,
      listRuns(project).some(({ run }) => run.stage === reference) ? `${reference}@latest` : reference,
    );
    if (existsSync(dir.modelFolder)) return dir.modelFolder;
    const checkpoint = latestCheckpoint(dir);
    if (checkpoint) return checkpoint.path;
    throw new UserError(`Run ${id} has no model yet: it has ${run.step} steps and no checkpoint.`, {
      hint: `\`align checkpoint ${id}\` asks it for one.`,
      code: 'no-model',
    });
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'no-run') throw error;
    if (statSync(reference, { throwIfNoEntry: false })?.isDirectory())
      throw new UserError('The folder holds no model: a config.json and a tokenizer.json are missing.', {
        file: reference,
        hint: 'Name a folder in Hugging Face layout.',
        code: 'no-model',
      });
    throw new UserError(`There is no model ${reference}: no folder, no run and no stage with a result.`, {
      hint: error.hint,
      code: 'no-model',
    });
  }
}

/** Opens a model for generation or scoring of up to `positions` tokens, less where it knows less. */
export function openModel(
  reference: string,
  options: ModelOptions,
  note: (line: string) => void,
  positions = MOST_POSITIONS,
): OpenModel {
  const folder = modelFolder(reference, options);
  const tokenizer = loadTokenizer(folder);
  const template = ChatTemplate.find(folder);
  const checkpoint = openCheckpoint(folder);
  let runtime: Runtime | undefined;
  try {
    runtime = openRuntime({ device: options.device, threads: options.threads, onWarning: note });
    const most = Math.min(positions, checkpoint.config.maxPositions);
    const weights = ModelWeights.load(runtime, checkpoint.config, most, (name) => checkpoint.read(name));
    const opened = runtime;
    return {
      folder,
      runtime,
      weights,
      tokenizer,
      template,
      close: () => {
        weights.release();
        opened.close();
      },
    };
  } catch (error) {
    runtime?.close();
    throw error;
  } finally {
    checkpoint.close();
  }
}

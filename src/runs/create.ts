import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../config/errors';
import { inheritCheckpoint } from './checkpoints';
import { RunDir } from './directory';
import { errorCode, replaceFile, toJson, writeError } from './files';
import { FORMAT_VERSION, runId, type RunFile, type RunInput, type RunParent } from './format';

export interface NewRun {
  configFile: string;
  /** The folder that gets `.align`; default: the config file's. */
  folder?: string;
  stage: string;
  type: string;
  /** The stage's config with every default filled in. */
  config: unknown;
  /** The run beside this one and the step that it branches from; the checkpoint of that step becomes its own. */
  parent?: RunParent | null;
  stageHash?: string | null;
  device?: string | null;
  inputs?: Record<string, RunInput>;
  now?: Date;
}

/** `<folder>/.align/runs`. */
export function runsFolderOf(folder: string): string {
  return join(resolve(folder), '.align', 'runs');
}

/**
 * Makes a run directory in state `queued` with run.json and config.json; no process is behind it yet.
 * Throws a UserError where the folder cannot be written or the parent has no checkpoint of the step.
 */
export function createRun(options: NewRun): RunDir {
  const folder = resolve(options.folder ?? dirname(options.configFile));
  const now = options.now ?? new Date();
  if (!/^[a-z][a-z0-9_-]*$/.test(options.stage)) {
    throw new UserError(`"${options.stage}" cannot name a stage.`, {
      hint: 'Names begin with a letter a–z; letters, digits, "_" and "-" may follow.',
      file: options.configFile,
    });
  }
  const dir = makeFolder(folder, options.stage, now);
  const run: RunFile = {
    v: FORMAT_VERSION,
    id: dir.id,
    config_file: relative(folder, resolve(options.configFile)).split(sep).join('/'),
    stage: options.stage,
    type: options.type,
    state: 'queued',
    reason: null,
    pid: null,
    process_start: null,
    host: null,
    created: now.toISOString(),
    started: null,
    ended: null,
    heartbeat: null,
    step: options.parent?.step ?? 0,
    steps: null,
    device: options.device ?? null,
    stage_hash: options.stageHash ?? null,
    inputs: options.inputs ?? {},
    result: null,
    parent: options.parent ?? null,
    error: null,
  };
  try {
    replaceFile(dir.configFile, toJson(options.config));
    if (options.parent)
      inheritCheckpoint(new RunDir(join(dir.runsFolder, options.parent.run)), options.parent.step, dir);
    // run.json comes last: a folder without it is no run yet.
    replaceFile(dir.runFile, toJson(run));
  } catch (error) {
    fs.rmSync(dir.path, { recursive: true, force: true });
    throw error;
  }
  return dir;
}

function makeFolder(folder: string, stage: string, now: Date): RunDir {
  const runs = runsFolderOf(folder);
  try {
    fs.mkdirSync(runs, { recursive: true });
    const ignore = join(dirname(runs), '.gitignore');
    if (!fs.existsSync(ignore)) replaceFile(ignore, '*\n');
    for (;;) {
      const dir = new RunDir(join(runs, runId(stage, now, randomBytes(2).toString('hex'))));
      try {
        fs.mkdirSync(dir.path);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') continue;
        throw error;
      }
      fs.mkdirSync(dir.checkpointsFolder);
      fs.mkdirSync(dir.controlFolder);
      return dir;
    }
  } catch (error) {
    throw writeError(error, runs);
  }
}

import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, platform, release } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { UserError, messageOf } from '../config/errors';
import type { ModelSource, ResolvedStage } from '../config/experiment';
import { parseRunConfig } from '../config/run-config';
import { isTraining, type StageConfig } from '../config/schema/experiment';
import { type ResumePoint, resumePoint } from '../runs/checkpoints';
import type { RunDir } from '../runs/directory';
import { waitForTurn } from '../runs/queue';
import { latestDone } from '../runs/registry';
import { NO_OFFSETS, RunWriter } from '../runs/writer';
import { prepareDpo } from '../stages/preferences/dpo-inputs';
import { prepareEvaluate } from '../stages/evaluate';
import { prepareGenerate } from '../stages/generate';
import { prepareGrpo, prepareRloo } from '../stages/policy/group-task';
import { preparePpo } from '../stages/policy/ppo-task';
import { preparePretrain } from '../stages/pretrain';
import { prepareReward } from '../stages/reward';
import { prepareSft } from '../stages/sft';
import type { StageContext } from '../stages/context';
import type { Job, Task } from '../stages/task';
import { type Runtime, openRuntime, physicalCores } from '../tensor/runtime';
import { readState } from './checkpoint-state';
import { Control } from './control';
import { runJob } from './job-loop';
import { Loop, type Outcome } from './loop';

const EXIT = { done: 0, failed: 1, stopped: 3 } as const;

/** The stage that each type names: one that trains, or one that makes something else. */
function prepare(stage: ResolvedStage, context: StageContext): Promise<Task | Job> {
  const { config } = stage;
  switch (config.type) {
    case 'pretrain':
      return preparePretrain(stage, config, context);
    case 'sft':
      return prepareSft(stage, config, context);
    case 'generate':
      return prepareGenerate(stage, config, context);
    case 'evaluate':
      return prepareEvaluate(stage, config, context);
    case 'dpo':
      return prepareDpo(stage, config, context);
    case 'ppo':
      return preparePpo(stage, config, context);
    case 'grpo':
      return prepareGrpo(stage, config, context);
    case 'rloo':
      return prepareRloo(stage, config, context);
    case 'reward':
      return prepareReward(stage, config, context);
  }
}

/**
 * Threads for the arithmetic: the asked number; else what the run began with, where this machine has as many, since
 * another number gives other bytes; else one a physical core.
 */
export function threadsFor(asked: number | null, environment: unknown): number {
  if (asked !== null) return asked;
  const before = threadsOf(environment);
  return before !== undefined && before <= availableParallelism() ? before : physicalCores();
}

/** What an environment.json says. */
function threadsOf(environment: unknown): number | undefined {
  if (typeof environment !== 'object' || environment === null || !('threads' in environment)) return undefined;
  const { threads } = environment;
  return typeof threads === 'number' && Number.isSafeInteger(threads) && threads >= 1 ? threads : undefined;
}

/**
 * Where a model lies: a folder, or the latest result of a stage. It is recorded by its use, because a run goes on from
 * what it began with, whatever the upstream stage has made since.
 */
function folderOf(use: string, source: ModelSource, folder: string, writer: RunWriter): string {
  const before = writer.run.inputs?.[use];
  if (before) return resolve(folder, before.path);
  const record = (path: string, run?: string): string => {
    const input = { path: relative(folder, path) || '.', ...(run === undefined ? {} : { run }) };
    writer.update({ inputs: { ...writer.run.inputs, [use]: input } });
    return path;
  };
  if (source.kind === 'folder') return record(source.path);
  const configFile = join(writer.dir.folder, writer.run.config_file);
  const { dir, id } = latestDone(folder, source.name, { configFile });
  return record(dir.modelFolder, id);
}

function gitCommit(folder: string): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

function writeEnvironment(writer: RunWriter, runtime: Runtime, stage: ResolvedStage): void {
  writer.environment({
    v: 1,
    onnxruntime: runtime.version,
    backend: runtime.backend,
    device: runtime.device,
    device_reason: `device: ${stage.device} in the config`,
    threads: runtime.threads,
    node: process.version,
    platform: `${platform()} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? null,
    git_commit: gitCommit(stage.folder),
    stage_hash: writer.run.stage_hash ?? null,
  });
}

/** Trains a run to its end, its stop or its failure, which the run directory then tells. Returns the exit code. */
export async function trainRun(dir: RunDir): Promise<number> {
  const say = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);
  let point: ResumePoint | undefined;
  const writer = RunWriter.open(dir, {
    // asked under the lock; without a checkpoint a killed run starts anew, with nothing of its first try
    from: () => {
      point = resumePoint(dir);
      if (!point) return { offsets: NO_OFFSETS, step: 0 };
      const { offsets, step } = readState(point.path);
      return { offsets: point.inherited ? NO_OFFSETS : offsets, step };
    },
  });
  let runtime: Runtime | undefined;
  let work: Task | Job | undefined;
  let turn: { release(): void } | undefined;
  try {
    const stage = parseRunConfig(dir.readConfig(), dir.folder, dir.configFile);
    const { config } = stage;
    const control = new Control(writer);
    turn = await takeTurn(stage, writer, control);
    if (!turn) {
      writer.close('stopped', { reason: 'stopped before its turn' });
      return EXIT.stopped;
    }
    runtime = openRuntime({
      device: stage.device,
      threads: threadsFor(stage.threads, dir.readEnvironment()),
      onWarning: (message) => warn(writer, message),
    });
    writer.update({ device: runtime.device });
    writeEnvironment(writer, runtime, stage);
    const modelAt = (use: string, source: ModelSource): string => folderOf(use, source, stage.folder, writer);
    work = await prepare(stage, {
      runtime,
      modelFolder: stage.model === null ? null : modelAt('model', stage.model),
      folderOf: modelAt,
      configFile: join(dir.folder, writer.run.config_file),
      runFolder: dir.path,
      resuming: point !== undefined,
      warn: (message) => warn(writer, message),
      note: (event, details) => writer.event(event, details),
      measure: (step, metrics) => writer.metrics(step, metrics),
      say,
    });
    const outcome = await drive(work, config, point, { writer, control, say });
    writer.close(outcome);
    say(outcome);
    return EXIT[outcome];
  } catch (error) {
    console.error(error instanceof UserError ? messageOf(error) : error);
    writer.fail(error);
    return EXIT.failed;
  } finally {
    work?.release();
    turn?.release();
    runtime?.close();
  }
}

async function drive(
  work: Task | Job,
  config: StageConfig,
  point: ResumePoint | undefined,
  { writer, control, say }: { writer: RunWriter; control: Control; say: (line: string) => void },
): Promise<Outcome> {
  if ('finish' in work) return runJob(work, writer, control, say);
  if (!isTraining(config)) throw new Error(`${config.type} trains nothing`);
  const loop = new Loop(work, config, writer, control, say);
  await loop.resume(point);
  return loop.run();
}

function warn(writer: RunWriter, message: string): void {
  console.warn(message);
  writer.event('warning', { message });
}

/** Waits for the device; undefined where the run was stopped meanwhile. */
async function takeTurn(
  stage: ResolvedStage,
  writer: RunWriter,
  control: Control,
): Promise<{ release(): void } | undefined> {
  const stopped = new AbortController();
  let now = false;
  try {
    return await waitForTurn({
      device: stage.device,
      label: writer.dir.id,
      signal: stopped.signal,
      runNow: () => {
        const { stop, start } = control.waiting();
        if (stop) stopped.abort();
        now ||= start;
        return now;
      },
      onWait: (position, ahead) =>
        writer.setState('queued', {
          reason: `waits for ${ahead[0]?.label ?? 'another run'}${position > 1 ? ` and ${position - 1} more` : ''}`,
        }),
    });
  } catch (error) {
    if (stopped.signal.aborted) return undefined;
    throw error;
  }
}

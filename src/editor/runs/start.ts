import * as vscode from 'vscode';
import { toUserError } from '../../config/diagnostic';
import { UserError } from '../../config/errors';
import type { Experiment } from '../../config/experiment';
import { checkFiles } from '../../config/files';
import { stageHash, staleness, upstream } from '../../config/graph';
import { loadExperiment, resolveStage } from '../../config/load';
import { runConfigOf } from '../../config/run-config';
import { createRun } from '../../runs/create';
import type { RunDir } from '../../runs/directory';
import { isActive } from '../../runs/format';
import { launchTrainer } from '../../runs/launch';
import { doneHashes, latestDone, readRunInfo } from '../../runs/registry';
import type { EditorContext } from '../context';
import { requireTrust } from '../trust';

const POLL_MS = 300;

/** A stage of a config file, as lenses and tasks name it. */
export interface StageTarget {
  readonly config: string;
  readonly stage: string;
}

/** Reads and checks the saved config. Throws the first error as a UserError with its place. */
export function checkedExperiment(config: string, stage: string): Experiment {
  const { experiment, diagnostics } = loadExperiment(config);
  const problem = toUserError([...diagnostics, ...(experiment ? checkFiles(experiment, stage) : [])]);
  if (problem) throw problem;
  if (!experiment) throw new UserError('The config cannot be read.', { file: config });
  return experiment;
}

/** Saves the config if it is open and changed: what runs is what is on the screen. */
export async function saveConfig(config: string): Promise<void> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'file' && uri.fsPath === config);
  if (open?.isDirty) await open.save();
}

/**
 * Makes the run of a stage and starts its process. `onCreated` is called before the process is up. Throws a UserError,
 * before there is a run, where a file or an upstream result is missing.
 */
export async function startStage(
  context: EditorContext,
  target: StageTarget,
  onCreated: (dir: RunDir) => void = () => undefined,
): Promise<RunDir> {
  requireTrust('Running a stage');
  await saveConfig(target.config);
  const experiment = checkedExperiment(target.config, target.stage);
  const stage = resolveStage(experiment, target.stage);
  for (const input of stage.upstream) latestDone(experiment.folder, input, { configFile: target.config });
  const dir = createRun({
    configFile: target.config,
    stage: target.stage,
    type: stage.type,
    config: runConfigOf(stage),
    stageHash: await stageHash(experiment, target.stage),
    device: stage.device,
  });
  onCreated(dir);
  void context.runs.refresh();
  await launch(context, dir);
  return dir;
}

/** Starts the process of a run, new or stopped. */
export async function launch(context: EditorContext, dir: RunDir): Promise<void> {
  requireTrust('Running a stage');
  const nodePath = vscode.workspace.getConfiguration('alignment-lab').get<string>('trainer.nodePath', '');
  await launchTrainer(dir, { trainerPath: context.trainerPath, execPath: nodePath || process.execPath });
  await context.runs.refresh();
}

/** The stages to run before this one, in order: those whose result is missing or older than what made it. */
export async function staleUpstream(target: StageTarget): Promise<string[]> {
  const experiment = checkedExperiment(target.config, target.stage);
  const found = await staleness(experiment, doneHashes(experiment.folder));
  return upstream(experiment, target.stage).filter((name) => found.get(name)?.stale);
}

/** Waits until a run ended. Throws a UserError where it did not end well, or `isCancelled` says so. */
export async function untilDone(dir: RunDir, isCancelled: () => boolean = () => false): Promise<void> {
  for (;;) {
    const info = readRunInfo(dir);
    if (info && !isActive(info.state)) {
      if (info.state === 'done') return;
      const why = info.run.error?.message;
      throw new UserError(
        `${info.run.stage} ${info.state}${why ? `: ${why}` : ''}. What stands on it was not started.`,
        {
          hint: info.run.error?.hint ?? 'Its log says more.',
          code: 'upstream-failed',
        },
      );
    }
    if (isCancelled()) throw new UserError('Cancelled: the stages after it were not started.', { code: 'cancelled' });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

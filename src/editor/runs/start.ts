import * as vscode from 'vscode';
import { toUserError } from '../../config/diagnostic';
import { UserError } from '../../config/errors';
import type { Experiment } from '../../config/experiment';
import { checkFiles } from '../../config/files';
import { loadExperiment } from '../../config/load';
import type { RunDir } from '../../runs/directory';
import { isActive } from '../../runs/format';
import { launchTrainer } from '../../runs/launch';
import { readRunInfo } from '../../runs/registry';
import { createStageRun, staleUpstream as staleBefore } from '../../runs/stage-run';
import type { EditorContext } from '../context';
import { requireTrust } from '../trust';

const POLL_MS = 300;

/** A stage of a config file, as lenses and tasks name it. */
export interface StageTarget {
  readonly config: string;
  readonly stage: string;
}

/** Reads and checks the saved config. Throws the first error as a UserError with its place. */
function checkedExperiment(config: string, stage: string): Experiment {
  const { experiment, diagnostics } = loadExperiment(config);
  const problem = toUserError([...diagnostics, ...(experiment ? checkFiles(experiment, stage) : [])]);
  if (problem) throw problem;
  if (!experiment) throw new UserError('The config cannot be read.', { file: config });
  return experiment;
}

/** Saves the config if it is open and changed: what runs is what is on the screen. */
async function saveConfig(config: string): Promise<void> {
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
  const dir = await createStageRun(experiment, target.stage);
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

/** The stages to run before this one, in order. Throws as `checkedExperiment` does. */
export async function staleUpstream({ config, stage }: StageTarget): Promise<string[]> {
  return staleBefore(checkedExperiment(config, stage), stage);
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

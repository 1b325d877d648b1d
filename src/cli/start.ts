import { fileURLToPath } from 'node:url';
import { formatDiagnostic, toUserError } from '../config/diagnostic';
import { UserError } from '../config/errors';
import type { Experiment } from '../config/experiment';
import { checkFiles } from '../config/files';
import { loadExperiment } from '../config/load';
import type { RunDir } from '../runs/directory';
import { launchTrainer } from '../runs/launch';
import { createStageRun } from '../runs/stage-run';

/** The trainer lies beside this program. */
const TRAINER = fileURLToPath(new URL('./trainer.js', import.meta.url));

export interface ConfigOptions {
  set?: string[];
  device?: string;
  stage?: string;
}

/** Reads and checks a config. Warnings go to `note`; throws the first error as a UserError with its place. */
export function openExperiment(file: string, options: ConfigOptions, note: (line: string) => void): Experiment {
  const { experiment, diagnostics } = loadExperiment(file, options);
  for (const diagnostic of diagnostics) if (diagnostic.severity === 'warning') note(formatDiagnostic(diagnostic));
  const problem = toUserError(diagnostics);
  if (problem) throw problem;
  if (!experiment) throw new UserError('The config cannot be read.', { file });
  return experiment;
}

/** The only stage of a config. Throws a UserError that lists them where there are several. */
export function onlyStage(experiment: Experiment): string {
  const names = [...experiment.stages.keys()];
  if (names.length === 1) return names[0];
  throw new UserError(`The config has ${names.length} stages: ${names.join(', ')}.`, {
    file: experiment.file,
    hint: 'Name the one to run.',
    code: 'which-stage',
  });
}

/** Makes the run of a stage and starts its process. Throws a UserError where a file or an upstream result is missing. */
export async function startStage(experiment: Experiment, name: string): Promise<RunDir> {
  const problem = toUserError(checkFiles(experiment, name));
  if (problem) throw problem;
  const dir = await createStageRun(experiment, name);
  await launch(dir);
  return dir;
}

/** Starts the process of a run, new or to be taken up again. */
export async function launch(dir: RunDir): Promise<void> {
  await launchTrainer(dir, { trainerPath: TRAINER });
}

import { loadExperiment, resolveStage } from '../../src/config/load';
import { runConfigOf } from '../../src/config/run-config';
import { UserError } from '../../src/config/errors';
import { createRun } from '../../src/runs/create';
import { trainRun } from '../../src/trainer/process';
import type { Parsed } from './main';
import { peakBytes } from './step';

/**
 * A stage of a config file from the reading of its data to its last optimizer step, by the trainer itself in this
 * process: the run directory is written as ever. What comes after the last step, the saved result, is not counted.
 */
export async function measureStage({ config: file, stage: name }: Parsed<'stage'>): Promise<unknown> {
  const { experiment, diagnostics } = loadExperiment(file);
  if (!experiment) throw new UserError(diagnostics[0]?.message ?? `${file} is no config`);
  const stage = resolveStage(experiment, name);
  const dir = createRun({ configFile: file, stage: name, type: stage.type, config: runConfigOf(stage) });
  const began = Date.now();
  const code = await trainRun(dir);
  const { error } = dir.readRun();
  if (code !== 0) throw new UserError(error?.message ?? `the run ended with ${code}`);
  const rows = dir.readMetrics();
  const last = rows.at(-1);
  if (!last) throw new UserError(`${name} wrote no metrics`);
  const column = (metric: string): number[] =>
    rows.flatMap(({ [metric]: value }) => (typeof value === 'number' ? [value] : []));
  const shares = ['generate', 'score', 'update'].map((part): [string, number[]] => [part, column(`time/${part}`)]);
  return {
    seconds: (last.time - began) / 1e3,
    step_seconds: column('step_seconds'),
    shares: Object.fromEntries(shares.filter(([, values]) => values.length > 0)),
    mean_lengths: column('completions/mean_length'),
    losses: column('loss'),
    peak_bytes: peakBytes(),
    folder: dir.modelFolder,
  };
}

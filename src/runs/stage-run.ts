import type { Experiment } from '../config/experiment';
import { stageHash, staleness, upstream } from '../config/graph';
import { resolveStage } from '../config/load';
import { runConfigOf } from '../config/run-config';
import { createRun } from './create';
import type { RunDir } from './directory';
import { doneHashes, latestDone } from './registry';

/**
 * Makes the run of a stage of a checked config; no process is behind it yet. Throws a UserError, before there is a run,
 * where a stage that it takes something from has no finished run.
 */
export async function createStageRun(experiment: Experiment, name: string): Promise<RunDir> {
  const stage = resolveStage(experiment, name);
  for (const input of stage.upstream) latestDone(experiment.folder, input, { configFile: experiment.file });
  return createRun({
    configFile: experiment.file,
    stage: name,
    type: stage.type,
    config: runConfigOf(stage),
    stageHash: await stageHash(experiment, name),
    device: stage.device,
  });
}

/** The stages before this one whose result is missing or older than what made it, in the order in which to run them. */
export async function staleUpstream(experiment: Experiment, name: string): Promise<string[]> {
  const found = await staleness(experiment, doneHashes(experiment.folder));
  return upstream(experiment, name).filter((stage) => found.get(stage)?.stale);
}

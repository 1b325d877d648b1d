import { isActive, type RunFile, type RunState } from './format';
import { liveness, type Liveness, type ProcessIdentity } from './process';

/** How often the process behind a run says that it lives. */
export const HEARTBEAT_MS = 5_000;
/** A process that cannot be seen from here counts as dead after this long without a heartbeat. */
export const HEARTBEAT_LOST_MS = 60_000;
/** A new run whose process has not come up by then never will. */
export const LAUNCH_LOST_MS = 60_000;

/** The process that run.json names; undefined before one has taken the run. */
export function processOf(run: RunFile): ProcessIdentity | undefined {
  if (run.pid === null || run.host === null) return undefined;
  return { pid: run.pid, start: run.process_start ?? null, host: run.host };
}

/**
 * The state of a run as it is now: what run.json says, or `died` where it says that a process is at work and that
 * process is gone. On this host the process decides, on others the age of the heartbeat.
 */
export function liveState(
  run: RunFile,
  now: number = Date.now(),
  look: (identity: ProcessIdentity) => Liveness = liveness,
): RunState {
  if (!isActive(run.state)) return run.state;
  const identity = processOf(run);
  if (identity === undefined) return now - Date.parse(run.created) > LAUNCH_LOST_MS ? 'died' : run.state;
  const seen = look(identity);
  if (seen === 'alive') return run.state;
  if (seen === 'dead') return 'died';
  const heartbeat = Date.parse(run.heartbeat ?? run.created);
  return now - heartbeat > HEARTBEAT_LOST_MS ? 'died' : run.state;
}

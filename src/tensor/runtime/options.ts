import type { Api } from './api';
import type { Pointer } from './library';
import type { SessionOptions } from './types';

const LEVELS = { none: 0, basic: 1, extended: 2, all: 99 } as const;
const SEQUENTIAL = 0;

/** Long enough to bridge the gap between two operators, too short to take a core from another process that needs it. */
const SPIN_MICROSECONDS = 100;

/** Configuration entries that say how a session's threads wait for work. */
export function spinEntries(spinning: boolean): [key: string, value: string][] {
  return spinning
    ? [['session.intra_op.spin_duration_us', String(SPIN_MICROSECONDS)]]
    : [['session.intra_op.allow_spinning', '0']];
}

/** What the runtime adds to a session's own options. */
export interface SessionSettings {
  threads: number;
  spinning: boolean;
  /** Take memory from the environment's arena instead of one of the session's own. */
  sharedArena: boolean;
  /** An execution provider to put before the CPU's. */
  provider: string | null;
}

/** Makes native session options; the caller releases them. */
export function createSessionOptions(
  api: Api,
  label: string,
  options: SessionOptions,
  settings: SessionSettings,
): Pointer {
  const pointer = api.get<Pointer>(label, (out) => api.CreateSessionOptions(out));
  try {
    const check = (status: Pointer | null) => api.check(status, label);
    check(api.SetSessionExecutionMode(pointer, SEQUENTIAL));
    check(api.SetSessionGraphOptimizationLevel(pointer, LEVELS[options.graphOptimization ?? 'all']));
    check(api.SetSessionLogSeverityLevel(pointer, options.logLevel ?? 4));
    if (!options.memPattern) check(api.DisableMemPattern(pointer));
    check(api.SetIntraOpNumThreads(pointer, settings.threads));
    check(api.SetInterOpNumThreads(pointer, 1));
    for (const [key, value] of spinEntries(settings.spinning)) check(api.AddSessionConfigEntry(pointer, key, value));
    if (settings.sharedArena) check(api.AddSessionConfigEntry(pointer, 'session.use_env_allocators', '1'));
    if (settings.provider) {
      check(api.SessionOptionsAppendExecutionProvider(pointer, settings.provider, [], [], 0));
      if (options.requireDevice ?? true) {
        check(api.AddSessionConfigEntry(pointer, 'session.disable_cpu_ep_fallback', '1'));
      }
    }
    if (options.profile) check(api.EnableProfiling(pointer, options.profile));
    if (options.optimizedModelPath) check(api.SetOptimizedModelFilePath(pointer, options.optimizedModelPath));
    for (const [key, value] of Object.entries(options.config ?? {})) {
      check(api.AddSessionConfigEntry(pointer, key, value));
    }
    return pointer;
  } catch (error) {
    api.ReleaseSessionOptions(pointer);
    throw error;
  }
}

import type { Api } from './api';
import type { Pointer } from './library';

/** Log only what is fatal: errors come back as statuses, warnings concern the runtime's own rewriting of graphs. */
const LOG_FATAL = 4;

/** OrtArenaAllocator, and what leaves a setting of an arena to ONNX Runtime. */
const ARENA_ALLOCATOR = 1;
const DEFAULT = -1;

/** ONNX Runtime's environment: one a process, with a pool of threads that sessions share. */
export interface Environment {
  readonly pointer: Pointer;
  /** Whether sessions with this many threads can use the shared pool. */
  sharesThreads(threads: number, spinning: boolean): boolean;
  /** Whether sessions can take their memory from the shared arena. */
  readonly sharesArena: boolean;
  /** Drops this user's hold; the last one frees the environment. */
  release(): void;
}

interface Shared {
  pointer: Pointer;
  users: number;
  threads: number;
  spinning: boolean;
  arena: boolean;
}

/** Set when other code of this process has opened the environment, whose threads are then not ours to choose. */
let taken = false;

/** Says that onnxruntime-node's binding opens the environment by itself. */
export function environmentIsTaken(): void {
  taken = true;
}

const environments = new Map<Api, Shared>();

/** Opens the environment. The first user decides about the shared pool; later ones with other wishes get threads of their own. */
export function openEnvironment(api: Api, threads: number, spinning: boolean): Environment {
  let shared = environments.get(api);
  if (!shared) {
    // The environment of a process is one: where the binding made it, it has no shared threads (0: matches no wish).
    const pointer = create(api, threads, spinning);
    shared = { pointer, users: 0, threads: taken ? 0 : threads, spinning, arena: !taken };
    if (!taken) registerArena(api, pointer);
    environments.set(api, shared);
  }
  const environment = shared;
  environment.users++;
  let held = true;
  return {
    pointer: environment.pointer,
    sharesArena: environment.arena,
    sharesThreads: (count, spin) => count === environment.threads && spin === environment.spinning,
    release() {
      if (!held) return;
      held = false;
      if (--environment.users > 0) return;
      environments.delete(api);
      api.ReleaseEnv(environment.pointer);
    },
  };
}

function create(api: Api, threads: number, spinning: boolean): Pointer {
  const label = 'ONNX Runtime';
  const options = api.get<Pointer>(label, (out) => api.CreateThreadingOptions(out));
  try {
    api.check(api.SetGlobalIntraOpNumThreads(options, threads), label);
    api.check(api.SetGlobalInterOpNumThreads(options, 1), label);
    api.check(api.SetGlobalSpinControl(options, spinning ? 1 : 0), label);
    const env = api.get<Pointer>(label, (out) =>
      api.CreateEnvWithGlobalThreadPools(LOG_FATAL, 'alignment-lab', options, out),
    );
    api.check(api.DisableTelemetryEvents(env), label);
    return env;
  } finally {
    api.ReleaseThreadingOptions(options);
  }
}

/**
 * One arena for the intermediate values of all sessions, so that training, scoring and decoding hold one peak and not
 * one each (three sessions of a 2.8 M training step: 0.41 GB in place of 0.95).
 */
function registerArena(api: Api, env: Pointer): void {
  const label = 'ONNX Runtime';
  const memory = api.get<Pointer>(label, (out) => api.CreateCpuMemoryInfo(ARENA_ALLOCATOR, 0, out));
  const arena = api.get<Pointer>(label, (out) => api.CreateArenaCfg(0, DEFAULT, DEFAULT, DEFAULT, out));
  try {
    api.check(api.CreateAndRegisterAllocator(env, memory, arena), label);
  } finally {
    api.ReleaseArenaCfg(arena);
    api.ReleaseMemoryInfo(memory);
  }
}

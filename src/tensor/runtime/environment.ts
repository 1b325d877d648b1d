import type { Api } from './api';
import type { Pointer } from './library';

/** Log only what is fatal: errors come back as statuses, warnings concern the runtime's own rewriting of graphs. */
const LOG_FATAL = 4;
/** OrtArenaAllocator, and what leaves a setting of an arena to ONNX Runtime. */
const ARENA_ALLOCATOR = 1;
const DEFAULT = -1;

/** ONNX Runtime's environment: one a process. */
export interface Environment {
  readonly pointer: Pointer;
  /** Whether sessions can take their memory from the environment's arena. */
  readonly sharesArena: boolean;
  /** Drops this user's hold; the last one frees the environment. */
  release(): void;
}

interface Shared {
  pointer: Pointer;
  users: number;
  arena: boolean;
}

/** Set when other code of this process has opened the environment, which then outlives our users. */
let taken = false;

/** Says that onnxruntime-node's binding opens the environment by itself. */
export function environmentIsTaken(): void {
  taken = true;
}

const environments = new Map<Api, Shared>();

/** Opens the environment, or another hold on it. */
export function openEnvironment(api: Api): Environment {
  let shared = environments.get(api);
  if (!shared) {
    shared = { pointer: create(api), users: 0, arena: !taken };
    if (shared.arena) registerArena(api, shared.pointer);
    environments.set(api, shared);
  }
  const environment = shared;
  environment.users++;
  let held = true;
  return {
    pointer: environment.pointer,
    sharesArena: environment.arena,
    release() {
      if (!held) return;
      held = false;
      if (--environment.users > 0) return;
      environments.delete(api);
      api.ReleaseEnv(environment.pointer);
    },
  };
}

function create(api: Api): Pointer {
  const env = api.get<Pointer>('ONNX Runtime', (out) => api.CreateEnv(LOG_FATAL, 'alignment-lab', out));
  api.check(api.DisableTelemetryEvents(env), 'ONNX Runtime');
  return env;
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

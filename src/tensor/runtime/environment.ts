import type { Api } from './api';
import type { Pointer } from './library';

/** Log only what is fatal: errors come back as statuses, warnings concern the runtime's own rewriting of graphs. */
const LOG_FATAL = 4;

/** ONNX Runtime's environment: one a process, with a pool of threads that sessions share. */
export interface Environment {
  readonly pointer: Pointer;
  /** Whether sessions with this many threads can use the shared pool. */
  shares(threads: number, spinning: boolean): boolean;
  /** Drops this user's hold; the last one frees the environment. */
  release(): void;
}

interface Shared {
  pointer: Pointer;
  users: number;
  threads: number;
  spinning: boolean;
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
    shared = { pointer: create(api, threads, spinning), users: 0, threads: taken ? 0 : threads, spinning };
    environments.set(api, shared);
  }
  const environment = shared;
  environment.users++;
  let held = true;
  return {
    pointer: environment.pointer,
    shares: (count, spin) => count === environment.threads && spin === environment.spinning,
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

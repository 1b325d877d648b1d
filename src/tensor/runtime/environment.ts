import type { Api } from './api';
import type { Pointer } from './library';

/** Log only errors: warnings of the runtime concern its own graph rewriting. */
const LOG_ERRORS = 3;

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

const environments = new Map<Api, Shared>();

/** Opens the environment. The first user decides about the shared pool; later ones with other wishes get threads of their own. */
export function openEnvironment(api: Api, threads: number, spinning: boolean): Environment {
  let shared = environments.get(api);
  if (!shared) {
    shared = { pointer: create(api, threads, spinning), users: 0, threads, spinning };
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
      api.CreateEnvWithGlobalThreadPools(LOG_ERRORS, 'alignment-lab', options, out),
    );
    api.check(api.DisableTelemetryEvents(env), label);
    return env;
  } finally {
    api.ReleaseThreadingOptions(options);
  }
}

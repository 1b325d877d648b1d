import { openApi, type Api, type Status } from './api';
import { BaseRuntime } from './base';
import { BaseCall } from './call';
import { codeOf } from './dtype';
import { openEnvironment, type Environment } from './environment';
import { Handles, type Handle } from './handle';
import { loadLibrary, type Pointer } from './library';
import { readMetadata } from './metadata';
import { createSessionOptions } from './options';
import { BaseSession } from './session';
import { BaseTensor } from './tensor';
import type { Call, DType, Session, SessionOptions, Tensor, TypedArray, ValueInfo } from './types';

/** What a native runtime is opened with; see RuntimeOptions. */
export interface NativeOptions {
  threads: number;
  spinning: boolean;
  library?: string;
}

/** ONNX Runtime's C API through koffi, on the CPU. */
export class NativeRuntime extends BaseRuntime {
  readonly backend = 'native';
  readonly device: 'cpu' | 'webgpu' = 'cpu';
  readonly version: string;
  readonly threads: number;
  /** Native objects alive, for tests of leaks. */
  readonly handles = new Handles();
  protected readonly api: Api;
  protected readonly provider: string | null = null;
  /** Whether runs must not overlap. */
  protected readonly oneAtATime: boolean = false;
  /** The end of the last asynchronous run, and how many are under way, where runs must not overlap. */
  #last: Promise<void> = Promise.resolve();
  #pending = 0;
  readonly #environment: Environment;
  readonly #hostMemory: Pointer;
  readonly #spinning: boolean;

  constructor(options: NativeOptions) {
    super();
    const library = loadLibrary(options.library);
    this.api = openApi(library);
    this.version = library.version;
    this.threads = options.threads;
    this.#spinning = options.spinning;
    this.#environment = openEnvironment(this.api);
    this.#hostMemory = this.api.get<Pointer>('ONNX Runtime', (out) => this.api.CreateCpuMemoryInfo(0, 0, out));
  }

  createSession(model: Uint8Array | string, options: SessionOptions = {}): Session {
    this.checkOpen();
    const { api } = this;
    const env = this.#environment;
    const label = options.label ?? (typeof model === 'string' ? model : 'session');
    const settings = createSessionOptions(api, label, options, {
      threads: this.threads,
      spinning: this.#spinning,
      sharedArena: env.sharesArena,
      provider: this.provider,
    });
    try {
      const session = api.get<Pointer>(label, (out) =>
        typeof model === 'string'
          ? api.CreateSession(env.pointer, model, settings, out)
          : api.CreateSessionFromArray(env.pointer, model, model.byteLength, settings, out),
      );
      return new NativeSession(label, this, api, session, options.profile !== undefined);
    } finally {
      api.ReleaseSessionOptions(settings);
    }
  }

  /** Runs `task` at once, or after the runs before it where they must not overlap. */
  async schedule(task: () => Promise<void>): Promise<void> {
    if (!this.oneAtATime) return task();
    const before = this.#last;
    let done = (): void => undefined;
    this.#last = new Promise((resolve) => (done = resolve));
    this.#pending++;
    try {
      await before;
      await task();
    } finally {
      this.#pending--;
      done();
    }
  }

  /** Throws where a run on this thread would overlap one under way. */
  checkFree(label: string): void {
    if (this.#pending > 0) throw new Error(`${label}: the device is busy with an asynchronous run; await it first.`);
  }

  protected makeTensor(dtype: DType, dims: readonly number[], data: TypedArray): Tensor {
    const shape = BigInt64Array.from(dims, BigInt);
    const value = this.api.get<Pointer>('tensor', (out) =>
      this.api.CreateTensorWithDataAsOrtValue(
        this.#hostMemory,
        data,
        data.byteLength,
        shape,
        dims.length,
        codeOf(dtype),
        out,
      ),
    );
    return new NativeTensor(dtype, dims, data, this, this.api, value);
  }

  protected dispose(): void {
    this.handles.releaseAll();
    this.api.ReleaseMemoryInfo(this.#hostMemory);
    this.#environment.release();
  }
}

export class NativeTensor extends BaseTensor {
  readonly handle: Handle;

  constructor(
    dtype: DType,
    dims: readonly number[],
    data: TypedArray | null,
    owner: NativeRuntime,
    api: Api,
    value: Pointer,
    needs: readonly object[] = [],
  ) {
    super(dtype, dims, data, owner);
    this.handle = owner.handles.add(this, value, (pointer) => api.ReleaseValue(pointer), needs);
  }

  protected dispose(): void {
    this.handle.release();
  }
}

export class NativeSession extends BaseSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #handle: Handle;

  constructor(
    label: string,
    readonly runtime: NativeRuntime,
    readonly api: Api,
    readonly pointer: Pointer,
    private readonly profiled: boolean,
  ) {
    super(label, runtime);
    this.#handle = runtime.handles.add(this, pointer, (session) => api.ReleaseSession(session));
    ({ inputs: this.inputs, outputs: this.outputs } = readMetadata(api, pointer, label));
  }

  endProfiling(): string {
    this.check();
    const { api, label } = this;
    if (!this.profiled) throw new Error(`${label}: the session has no profile.`);
    const allocator = api.get<Pointer>(label, (out) => api.GetAllocatorWithDefaultOptions(out));
    const text = api.get<Pointer>(label, (out) => api.SessionEndProfiling(this.#handle.pointer, allocator, out));
    const path = api.library.koffi.decode.string(text);
    api.check(api.AllocatorFree(allocator, text), label);
    return path;
  }

  protected bind(inputs: ReadonlyMap<string, BaseTensor>, outputs: ReadonlyMap<string, BaseTensor>): Call {
    return new NativeCall(this, inputs, outputs);
  }

  protected dispose(): void {
    this.#handle.release();
  }
}

type RunArguments = Parameters<Api['Run']>;

/** The arguments of Run, made once. They point into arrays that the call keeps alive. */
class NativeCall extends BaseCall {
  readonly #api: Api;
  readonly #runtime: NativeRuntime;
  #arguments: RunArguments | null;
  /** The names' bytes, kept alive: the arrays of pointers in the arguments point into them. */
  protected names: readonly Buffer[];

  constructor(
    session: NativeSession,
    inputs: ReadonlyMap<string, BaseTensor>,
    outputs: ReadonlyMap<string, BaseTensor>,
  ) {
    super(session, [...inputs.values(), ...outputs.values()]);
    this.#api = session.api;
    this.#runtime = session.runtime;
    const { koffi } = session.api.library;
    const inNames = namesOf(inputs, (bytes) => koffi.address(bytes));
    const outNames = namesOf(outputs, (bytes) => koffi.address(bytes));
    this.names = [inNames.bytes, outNames.bytes];
    this.#arguments = [
      session.pointer,
      null,
      inNames.pointers,
      valuesOf(inputs),
      inputs.size,
      outNames.pointers,
      outputs.size,
      valuesOf(outputs),
    ];
  }

  protected execute(): void {
    this.#runtime.checkFree(this.session.label);
    if (this.#arguments) this.#api.check(this.#api.Run(...this.#arguments), this.session.label);
  }

  protected executeAsync(): Promise<void> {
    return this.#runtime.schedule(() => this.#start());
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#arguments) return resolve();
      this.#api.Run.async(...this.#arguments, (error: unknown, status: Status) => {
        try {
          if (error) throw error instanceof Error ? error : new Error('The native call failed.');
          this.#api.check(status, this.session.label);
          resolve();
        } catch (failure) {
          reject(failure instanceof Error ? failure : new Error(String(failure)));
        }
      });
    });
  }

  protected dispose(): void {
    this.#arguments = null;
    this.names = [];
  }
}

/** The names as zero-terminated strings in one block, and their addresses. */
function namesOf(tensors: ReadonlyMap<string, BaseTensor>, addressOf: (bytes: Buffer) => bigint) {
  const names = [...tensors.keys()].map((name) => Buffer.from(`${name}\0`));
  const bytes = Buffer.concat([...names, Buffer.alloc(1)]);
  let address = addressOf(bytes);
  const pointers = new BigUint64Array(names.length);
  names.forEach((name, index) => {
    pointers[index] = address;
    address += BigInt(name.length);
  });
  return { bytes, pointers };
}

function valuesOf(tensors: ReadonlyMap<string, BaseTensor>): BigUint64Array {
  return BigUint64Array.from([...tensors.values()], (tensor) => {
    if (!(tensor instanceof NativeTensor)) throw new Error('A tensor of another runtime.');
    return tensor.handle.pointer;
  });
}

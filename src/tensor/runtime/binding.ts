import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { Binding } from 'onnxruntime-node/dist/binding';
import type * as Ort from 'onnxruntime-node';
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-node';
import { UserError, messageOf } from '../../config/errors';
import { BaseRuntime } from './base';
import { BaseCall } from './call';
import { dtypeOf } from './dtype';
import { environmentIsTaken } from './environment';
import { spinEntries } from './options';
import { BaseSession } from './session';
import { BaseTensor } from './tensor';
import type { Call, DType, Session, SessionOptions, Tensor, TypedArray, ValueInfo } from './types';

interface BindingModule {
  binding: { InferenceSession: Binding.InferenceSessionConstructor };
  initOrt: () => void;
}
interface Loaded extends BindingModule {
  Tensor: TensorConstructor;
  version: string;
}

const requireHere = createRequire(import.meta.url);

/** onnxruntime-node's own binding; its public API is asynchronous throughout, so this takes the layer below. */
function loadBinding(): Loaded {
  try {
    const { Tensor, env } = requireHere('onnxruntime-node') as typeof Ort;
    const module = requireHere('onnxruntime-node/dist/binding.js') as BindingModule;
    environmentIsTaken();
    module.initOrt();
    return { ...module, Tensor, version: env.versions.node ?? '' };
  } catch (cause) {
    throw new UserError(`onnxruntime-node did not load: ${messageOf(cause)}.`, { hint: 'Run npm ci again.', cause });
  }
}

/** onnxruntime-node's JavaScript binding: CPU, synchronous, with a copy of every output. The same bytes as the C API. */
export class BindingRuntime extends BaseRuntime {
  readonly backend = 'binding';
  readonly device = 'cpu';
  readonly version: string;
  readonly #loaded: Loaded;
  readonly #sessions = new Set<BindingSession>();

  constructor(
    readonly threads: number,
    private readonly spinning: boolean,
  ) {
    super();
    this.#loaded = loadBinding();
    this.version = this.#loaded.version;
  }

  createSession(model: Uint8Array | string, options: SessionOptions = {}): Session {
    this.checkOpen();
    const label = options.label ?? (typeof model === 'string' ? model : 'session');
    const native = new this.#loaded.binding.InferenceSession();
    const settings = this.#settings(options);
    try {
      if (typeof model === 'string') native.loadModel(model, settings);
      else native.loadModel(bufferOf(model), model.byteOffset, model.byteLength, settings);
    } catch (error) {
      throw new Error(`${label}: ${messageOf(error)}`, { cause: error });
    }
    const session: BindingSession = new BindingSession(label, this, native, options.profile, () =>
      this.#sessions.delete(session),
    );
    this.#sessions.add(session);
    return session;
  }

  protected makeTensor(dtype: DType, dims: readonly number[], data: TypedArray): Tensor {
    return new BindingTensor(dtype, dims, data, this, new this.#loaded.Tensor(dtype, data, dims));
  }

  protected dispose(): void {
    for (const session of this.#sessions) session.disposeNative();
    this.#sessions.clear();
  }

  #settings(options: SessionOptions): InferenceSession.SessionOptions {
    const config = { ...Object.fromEntries(spinEntries(this.spinning)), ...options.config };
    const level = options.graphOptimization ?? 'all';
    return {
      intraOpNumThreads: this.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: level === 'none' ? 'disabled' : level,
      enableMemPattern: options.memPattern ?? false,
      logSeverityLevel: options.logLevel ?? 4,
      ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
      ...(options.optimizedModelPath ? { optimizedModelFilePath: options.optimizedModelPath } : {}),
      extra: nest(config),
    };
  }
}

/** The binding takes `a.b.c` as nested objects. */
function nest(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const path = key.split('.');
    let at = root;
    for (const part of path.slice(0, -1)) {
      const next = at[part];
      at = isRecord(next) ? next : (at[part] = {} as Record<string, unknown>);
    }
    at[path.at(-1) ?? key] = value;
  }
  return root;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function bufferOf(array: Uint8Array): ArrayBuffer {
  if (array.buffer instanceof ArrayBuffer) return array.buffer;
  throw new Error('A model must lie in memory that is not shared.');
}

class BindingTensor extends BaseTensor {
  constructor(
    dtype: DType,
    dims: readonly number[],
    data: TypedArray,
    owner: BindingRuntime,
    readonly ort: OrtTensor,
  ) {
    super(dtype, dims, data, owner);
  }

  protected dispose(): void {
    // A CPU tensor of the binding is the typed array itself.
  }
}

class BindingSession extends BaseSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];

  constructor(
    label: string,
    runtime: BindingRuntime,
    readonly native: Binding.InferenceSession,
    private readonly profile: string | undefined,
    private readonly forget: () => boolean,
  ) {
    super(label, runtime);
    this.inputs = native.inputMetadata.map(infoOf);
    this.outputs = native.outputMetadata.map(infoOf);
  }

  endProfiling(): string {
    this.check();
    if (this.profile === undefined) throw new Error(`${this.label}: the session has no profile.`);
    this.native.endProfiling();
    return newestProfile(this.profile);
  }

  disposeNative(): void {
    this.native.dispose();
  }

  protected bind(inputs: ReadonlyMap<string, BaseTensor>, outputs: ReadonlyMap<string, BaseTensor>): Call {
    return new BindingCall(this, inputs, outputs);
  }

  protected dispose(): void {
    if (this.forget()) this.native.dispose();
  }
}

/** ONNX Runtime adds the time to the prefix; the binding does not say which file it wrote. */
function newestProfile(prefix: string): string {
  const files = readdirSync(dirname(prefix)).filter((file) => file.startsWith(`${basename(prefix)}_`));
  const newest = files.sort().at(-1);
  if (newest === undefined) throw new Error(`No profile was written at ${prefix}.`);
  return join(dirname(prefix), newest);
}

function infoOf(raw: Binding.ValueMetadata): ValueInfo {
  if (!raw.isTensor) return { name: raw.name, dtype: null, dims: null };
  const dims = raw.shape.map((size, axis) => (size >= 0 ? size : (raw.symbolicDimensions[axis] ?? '')));
  return { name: raw.name, dtype: dtypeOf(raw.type), dims };
}

class BindingCall extends BaseCall {
  readonly #native: Binding.InferenceSession;
  #feeds: Record<string, OrtTensor>;
  #fetches: Record<string, OrtTensor>;

  constructor(
    session: BindingSession,
    inputs: ReadonlyMap<string, BaseTensor>,
    outputs: ReadonlyMap<string, BaseTensor>,
  ) {
    super(session, [...inputs.values(), ...outputs.values()]);
    this.#native = session.native;
    this.#feeds = ortTensors(inputs);
    this.#fetches = ortTensors(outputs);
  }

  protected execute(): void {
    let results: Record<string, unknown>;
    try {
      results = this.#native.run(this.#feeds, this.#fetches, {});
    } catch (error) {
      throw new Error(`${this.session.label}: ${messageOf(error)}`, { cause: error });
    }
    // The binding hands every output back in fresh memory; what counts here is the given tensor.
    for (const [name, given] of Object.entries(this.#fetches)) {
      const result = results[name];
      if (isRecord(result) && ArrayBuffer.isView(result.data)) {
        bytesIn(given.data).set(bytesIn(result.data));
      }
    }
  }

  protected async executeAsync(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.execute();
  }

  protected dispose(): void {
    this.#feeds = {};
    this.#fetches = {};
  }
}

function ortTensors(tensors: ReadonlyMap<string, BaseTensor>): Record<string, OrtTensor> {
  const entries = [...tensors].map(([name, tensor]): [string, OrtTensor] => {
    if (!(tensor instanceof BindingTensor)) throw new Error('A tensor of another runtime.');
    return [name, tensor.ort];
  });
  return Object.fromEntries(entries);
}

function bytesIn(data: unknown): Uint8Array {
  if (!ArrayBuffer.isView(data)) throw new Error('The binding returned no array.');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

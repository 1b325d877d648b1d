/** Element types that sessions and tensors know. `bool` is a byte of 0 or 1, `float16` the raw bits of an IEEE half. */
export type DType = 'float32' | 'int32' | 'int64' | 'bool' | 'float16' | 'uint8';

/** What holds a tensor's elements: float32 in Float32Array, int32 in Int32Array, int64 in BigInt64Array, bool and uint8 in Uint8Array, float16 in Uint16Array. */
export type TypedArray = Float32Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array;

/** A dense, row-major array that sessions read and write in place. Belongs to the runtime that made it. */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** The elements, shared with native code; null where they live on a device. */
  readonly data: TypedArray | null;
  readonly location: 'host' | 'device';
  /** Frees what native code holds. The array itself stays the caller's. Throws when a run uses the tensor, or on a second call. */
  release(): void;
}

/** Name, element type and shape of one input or output of a model. A string is a symbolic dimension ('' has no name). */
export interface ValueInfo {
  readonly name: string;
  /** null: an element type that this runtime does not handle. */
  readonly dtype: DType | null;
  /** null where the value is no tensor. A model that states no shape at all looks like one of scalars. */
  readonly dims: readonly (number | string)[] | null;
}

export interface SessionOptions {
  /** Stands in front of every error message of this session. */
  label?: string;
  /** How much the runtime rewrites the graph when the session is made. Default 'all'. */
  graphOptimization?: 'all' | 'extended' | 'basic' | 'none';
  /** Plan one block of memory for all intermediate values. Default false: it raised the peak at the same speed. */
  memPattern?: boolean;
  /** Path prefix of a profile; `endProfiling()` writes it. */
  profile?: string;
  /** On a device: fail when a node of the graph has no kernel there, instead of running it on the CPU. Default true. */
  requireDevice?: boolean;
  /** Writes the rewritten model to this path. */
  optimizedModelPath?: string;
  /** What ONNX Runtime prints on stderr: 0 verbose, 1 info, 2 warnings, 3 errors, 4 fatal (default: errors are thrown anyway). */
  logLevel?: 0 | 1 | 2 | 3 | 4;
  /** Further configuration entries of ONNX Runtime, such as `session.disable_prepacking`. */
  config?: Readonly<Record<string, string>>;
}

/** A graph with its inputs and outputs bound to tensors: running it is one native call. */
export interface Call {
  /** Runs on this thread. Throws when the call is running, or anything it uses was released. */
  run(): void;
  /** Runs off the event loop (on the binding backend: on it). Rejects like `run`. */
  runAsync(): Promise<void>;
  /** Forgets the tensors. Throws while it runs, or on a second call. */
  release(): void;
}

/** A model, ready to run. */
export interface Session {
  readonly label: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Binds every input, and at least one output, by name. Checks names, element types and shapes (a symbolic dimension
   * has one value within a call). The same tensor may be an input and an output: it is updated in place.
   */
  prepare(inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>): Call;
  /** Ends the profile that `profile` asked for and returns the file's path. */
  endProfiling(): string;
  /** Frees the session; its calls can no longer run. Throws while one runs, or on a second call. */
  release(): void;
}

export interface Runtime {
  readonly backend: 'native' | 'binding';
  readonly device: 'cpu' | 'webgpu';
  /** Version of ONNX Runtime, such as 1.30.0. */
  readonly version: string;
  /** Threads that one run uses. */
  readonly threads: number;
  /** Makes a session from a model's bytes or the path of its file. */
  createSession(model: Uint8Array | string, options?: SessionOptions): Session;
  /** A tensor over the given array, without a copy, or over a new one of zeros. */
  hostTensor(dtype: DType, dims: readonly number[], data?: TypedArray): Tensor;
  /** A tensor over a part of a host tensor's memory. It lives on its own: releasing either leaves the other. */
  view(tensor: Tensor, offsetElements: number, dims: readonly number[]): Tensor;
  /**
   * Where weights and optimizer state live: over `data` itself on the host, a copy of it on a device, or zeros.
   * Devices refuse the types that they have no kernels for (WebGPU: all but float32, float16 and int32).
   */
  stateTensor(dtype: DType, dims: readonly number[], data?: TypedArray): Tensor;
  /** Copies all elements into a tensor. */
  write(tensor: Tensor, data: TypedArray): void;
  /** The elements: the array itself of a host tensor, a copy of a device tensor. */
  read(tensor: Tensor): TypedArray | Promise<TypedArray>;
  /** Releases every session and tensor that is left. Throws while a run is under way; a second call does nothing. */
  close(): void;
}

export interface RuntimeOptions {
  device?: 'cpu' | 'webgpu';
  /** Threads of one run. Default: as many as the machine runs in parallel. */
  threads?: number;
  /** 'native' calls the C API; 'binding' is onnxruntime-node's own JavaScript API. Default: native, else binding with a warning. */
  backend?: 'native' | 'binding';
  /**
   * Let the threads of a run wait busily for the next operator, for a tenth of a millisecond, before they sleep. Default
   * true. (ONNX Runtime's own default is far longer: half the speed where another process wants the cores.)
   */
  spinning?: boolean;
  /** Path of the shared library in place of onnxruntime-node's, of the same version. */
  library?: string;
  onWarning?: (message: string) => void;
}

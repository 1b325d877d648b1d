import type { KoffiFunc } from 'koffi';
import type { Library, Pointer } from './library';

/** Where a C function writes one result. */
export type Out<T = Pointer> = [T | null];
/** An OrtStatus: null when all went well. */
export type Status = Pointer | null;
/** Memory handed to native code: an address, or an array whose memory it reads or writes during the call. */
export type Memory = Pointer | NodeJS.TypedArray | null;

/** The functions of ONNX Runtime's C API that we call. Their C declarations stand in onnxruntime_c_api.h. */
interface Functions {
  GetErrorMessage(status: Pointer): string;
  CreateEnv(level: number, id: string, out: Out): Status;
  DisableTelemetryEvents(env: Pointer): Status;
  CreateSession(env: Pointer, path: string, options: Pointer, out: Out): Status;
  CreateSessionFromArray(env: Pointer, data: Memory, bytes: number, options: Pointer, out: Out): Status;
  Run(
    session: Pointer,
    options: Pointer | null,
    inputNames: Memory,
    inputs: Memory,
    inputCount: number,
    outputNames: Memory,
    outputCount: number,
    outputs: Memory,
  ): Status;
  CreateSessionOptions(out: Out): Status;
  SetOptimizedModelFilePath(options: Pointer, path: string): Status;
  SetSessionExecutionMode(options: Pointer, mode: number): Status;
  EnableProfiling(options: Pointer, prefix: string): Status;
  DisableMemPattern(options: Pointer): Status;
  SetSessionLogSeverityLevel(options: Pointer, level: number): Status;
  SetSessionGraphOptimizationLevel(options: Pointer, level: number): Status;
  SetIntraOpNumThreads(options: Pointer, threads: number): Status;
  SetInterOpNumThreads(options: Pointer, threads: number): Status;
  SessionGetInputCount(session: Pointer, out: Out<number>): Status;
  SessionGetOutputCount(session: Pointer, out: Out<number>): Status;
  SessionGetInputTypeInfo(session: Pointer, index: number, out: Out): Status;
  SessionGetOutputTypeInfo(session: Pointer, index: number, out: Out): Status;
  SessionGetInputName(session: Pointer, index: number, allocator: Pointer, out: Out): Status;
  SessionGetOutputName(session: Pointer, index: number, allocator: Pointer, out: Out): Status;
  CreateTensorAsOrtValue(allocator: Pointer, shape: Memory, rank: number, type: number, out: Out): Status;
  CreateTensorWithDataAsOrtValue(
    memory: Pointer,
    data: Memory,
    bytes: number,
    shape: Memory,
    rank: number,
    type: number,
    out: Out,
  ): Status;
  CastTypeInfoToTensorInfo(info: Pointer, out: Out): Status;
  GetTensorElementType(info: Pointer, out: Out<number>): Status;
  GetDimensionsCount(info: Pointer, out: Out<number>): Status;
  GetDimensions(info: Pointer, dims: Memory, rank: number): Status;
  GetSymbolicDimensions(info: Pointer, names: Memory, rank: number): Status;
  CreateMemoryInfo(name: string, allocator: number, device: number, type: number, out: Out): Status;
  CreateCpuMemoryInfo(allocator: number, type: number, out: Out): Status;
  AllocatorFree(allocator: Pointer, memory: Pointer): Status;
  GetAllocatorWithDefaultOptions(out: Out): Status;
  ReleaseEnv(env: Pointer): void;
  ReleaseStatus(status: Pointer): void;
  ReleaseMemoryInfo(info: Pointer): void;
  ReleaseSession(session: Pointer): void;
  ReleaseValue(value: Pointer): void;
  ReleaseTypeInfo(info: Pointer): void;
  ReleaseSessionOptions(options: Pointer): void;
  SessionEndProfiling(session: Pointer, allocator: Pointer, out: Out): Status;
  AddSessionConfigEntry(options: Pointer, key: string, value: string): Status;
  CreateAllocator(session: Pointer, memory: Pointer, out: Out): Status;
  ReleaseAllocator(allocator: Pointer): void;
  CreateAndRegisterAllocator(env: Pointer, memory: Pointer, arena: Pointer): Status;
  CreateArenaCfg(bytes: number, strategy: number, firstChunk: number, deadBytes: number, out: Out): Status;
  ReleaseArenaCfg(arena: Pointer): void;
  SessionOptionsAppendExecutionProvider(
    options: Pointer,
    name: string,
    keys: string[],
    values: string[],
    count: number,
  ): Status;
}

/** Paths are UTF-16 on Windows (ORTCHAR_T). */
const PATH = process.platform === 'win32' ? 'str16' : 'str';

/**
 * Index in the table of functions, result, arguments. The table is only ever appended to, so an index stays true.
 * `out` is a pointer that the function writes, `outInt` an int, `outSize` a size_t.
 */
const SIGNATURES: Readonly<Record<keyof Functions, readonly [index: number, result: string, ...args: string[]]>> = {
  GetErrorMessage: [2, 'str', 'ptr'],
  CreateEnv: [3, 'ptr', 'int', 'str', 'out'],
  DisableTelemetryEvents: [6, 'ptr', 'ptr'],
  CreateSession: [7, 'ptr', 'ptr', PATH, 'ptr', 'out'],
  CreateSessionFromArray: [8, 'ptr', 'ptr', 'ptr', 'size_t', 'ptr', 'out'],
  Run: [9, 'ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'size_t', 'ptr', 'size_t', 'ptr'],
  CreateSessionOptions: [10, 'ptr', 'out'],
  SetOptimizedModelFilePath: [11, 'ptr', 'ptr', PATH],
  SetSessionExecutionMode: [13, 'ptr', 'ptr', 'int'],
  EnableProfiling: [14, 'ptr', 'ptr', PATH],
  DisableMemPattern: [17, 'ptr', 'ptr'],
  SetSessionLogSeverityLevel: [22, 'ptr', 'ptr', 'int'],
  SetSessionGraphOptimizationLevel: [23, 'ptr', 'ptr', 'int'],
  SetIntraOpNumThreads: [24, 'ptr', 'ptr', 'int'],
  SetInterOpNumThreads: [25, 'ptr', 'ptr', 'int'],
  SessionGetInputCount: [30, 'ptr', 'ptr', 'outSize'],
  SessionGetOutputCount: [31, 'ptr', 'ptr', 'outSize'],
  SessionGetInputTypeInfo: [33, 'ptr', 'ptr', 'size_t', 'out'],
  SessionGetOutputTypeInfo: [34, 'ptr', 'ptr', 'size_t', 'out'],
  SessionGetInputName: [36, 'ptr', 'ptr', 'size_t', 'ptr', 'out'],
  SessionGetOutputName: [37, 'ptr', 'ptr', 'size_t', 'ptr', 'out'],
  CreateTensorAsOrtValue: [48, 'ptr', 'ptr', 'ptr', 'size_t', 'int', 'out'],
  CreateTensorWithDataAsOrtValue: [49, 'ptr', 'ptr', 'ptr', 'size_t', 'ptr', 'size_t', 'int', 'out'],
  CastTypeInfoToTensorInfo: [55, 'ptr', 'ptr', 'out'],
  GetTensorElementType: [60, 'ptr', 'ptr', 'outInt'],
  GetDimensionsCount: [61, 'ptr', 'ptr', 'outSize'],
  GetDimensions: [62, 'ptr', 'ptr', 'ptr', 'size_t'],
  GetSymbolicDimensions: [63, 'ptr', 'ptr', 'ptr', 'size_t'],
  CreateMemoryInfo: [68, 'ptr', 'str', 'int', 'int', 'int', 'out'],
  CreateCpuMemoryInfo: [69, 'ptr', 'int', 'int', 'out'],
  AllocatorFree: [76, 'ptr', 'ptr', 'ptr'],
  GetAllocatorWithDefaultOptions: [78, 'ptr', 'out'],
  ReleaseEnv: [92, 'void', 'ptr'],
  ReleaseStatus: [93, 'void', 'ptr'],
  ReleaseMemoryInfo: [94, 'void', 'ptr'],
  ReleaseSession: [95, 'void', 'ptr'],
  ReleaseValue: [96, 'void', 'ptr'],
  ReleaseTypeInfo: [98, 'void', 'ptr'],
  ReleaseSessionOptions: [100, 'void', 'ptr'],
  SessionEndProfiling: [110, 'ptr', 'ptr', 'ptr', 'out'],
  AddSessionConfigEntry: [130, 'ptr', 'ptr', 'str', 'str'],
  CreateAllocator: [131, 'ptr', 'ptr', 'ptr', 'out'],
  ReleaseAllocator: [132, 'void', 'ptr'],
  CreateAndRegisterAllocator: [144, 'ptr', 'ptr', 'ptr', 'ptr'],
  CreateArenaCfg: [156, 'ptr', 'size_t', 'int', 'int', 'int', 'out'],
  ReleaseArenaCfg: [157, 'void', 'ptr'],
  SessionOptionsAppendExecutionProvider: [216, 'ptr', 'ptr', 'str', 'strings', 'strings', 'size_t'],
};

/** The C API as typed functions, with its statuses turned into exceptions. */
export interface Api extends Readonly<{ [Name in keyof Functions]: KoffiFunc<Functions[Name]> }> {
  readonly library: Library;
  /** Throws the message of a failed status behind `label`, and frees it. */
  check(status: Status, label: string): void;
  /** Calls a function whose last argument is its result. */
  get<T>(label: string, call: (out: Out<T>) => Status): T;
}

const apis = new WeakMap<Library, Api>();

/** Makes the functions, once a library. */
export function openApi(library: Library): Api {
  const known = apis.get(library);
  if (known) return known;
  const { koffi, table } = library;
  const types = {
    ptr: 'void *',
    strings: 'const char **',
    out: koffi.out(koffi.pointer('void *')),
    outInt: koffi.out(koffi.pointer('int')),
    outSize: koffi.out(koffi.pointer('size_t')),
  };
  const typeOf = (name: string) => Object.entries(types).find(([key]) => key === name)?.[1] ?? name;
  const functions = Object.fromEntries(
    Object.entries(SIGNATURES).map(([name, [index, result, ...args]]) => {
      const address = table[index];
      if (!address) throw new Error(`ONNX Runtime ${library.version} has no ${name}.`);
      const proto = koffi.proto(typeOf(result), args.map(typeOf));
      return [name, koffi.decode(address, proto) as unknown];
    }),
  ) as unknown as { [Name in keyof Functions]: KoffiFunc<Functions[Name]> };
  const check = (status: Status, label: string): void => {
    if (!status) return;
    const message = functions.GetErrorMessage(status);
    functions.ReleaseStatus(status);
    throw new Error(`${label}: ${message}`);
  };
  const get = <T>(label: string, call: (out: Out<T>) => Status): T => {
    const out: Out<T> = [null];
    check(call(out), label);
    if (out[0] === null) throw new Error(`${label}: ONNX Runtime returned nothing.`);
    return out[0];
  };
  const api: Api = { ...functions, library, check, get };
  apis.set(library, api);
  return api;
}

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Koffi from 'koffi';
import { UserError, messageOf } from '../../config/errors';

export type Pointer = bigint;
export type KoffiModule = typeof Koffi;

/** The C API's version whose table we read: every later library serves it, with the same functions at the same places. */
const API_VERSION = 23;
/** Entries of that table; all the indices in api.ts lie below. */
const TABLE_LENGTH = 300;
/** Minor releases that this code was tested with. */
const SUPPORTED = /^1\.30\./;
/** Session creation recurses deeply, and koffi runs calls on stacks of its own; this is the most it allows. */
const STACK_BYTES = 16 << 20;

/** The loaded shared library and its table of functions. */
export interface Library {
  koffi: KoffiModule;
  version: string;
  /** Addresses of the API's functions by index. */
  table: readonly (Pointer | null)[];
  /** Never dropped: koffi unloads a library whose object is collected, and the next call jumps into nothing. */
  handle: Koffi.LibraryHandle;
}

const requireHere = createRequire(import.meta.url);
const loaded = new Map<string, Library>();

/** Path of the shared library inside onnxruntime-node for this platform. Throws a UserError where the package has none. */
export function libraryPath(): string {
  const { platform, arch } = process;
  let root: string;
  try {
    root = dirname(requireHere.resolve('onnxruntime-node/package.json'));
  } catch (cause) {
    throw new UserError('The package onnxruntime-node is not installed.', { hint: 'Run npm ci.', cause });
  }
  const folder = join(root, 'bin', 'napi-v6', platform, arch);
  if (!existsSync(folder)) {
    throw new UserError(`onnxruntime-node holds no library for ${platform} ${arch}.`, {
      hint: 'It serves Linux, macOS (Apple silicon) and Windows on x64 and arm64.',
    });
  }
  const pattern = /^(libonnxruntime\.so\.1|libonnxruntime\.1\.dylib|onnxruntime\.dll)$/;
  const name = readdirSync(folder).find((file) => pattern.test(file));
  if (!name) throw new UserError(`There is no ONNX Runtime library in ${folder}.`, { hint: 'Run npm ci again.' });
  return join(folder, name);
}

/** Loads the library once a process. Throws a UserError that says why where it cannot, or where its version is another. */
export function loadLibrary(path = libraryPath()): Library {
  const known = loaded.get(path);
  if (known) return known;
  const koffi = loadKoffi();
  let handle: Koffi.LibraryHandle;
  try {
    handle = koffi.load(path);
  } catch (cause) {
    throw new UserError(`The ONNX Runtime library ${path} did not load: ${messageOf(cause)}.`, { cause });
  }
  const library = { koffi, handle, ...readTable(koffi, handle, path) };
  loaded.set(path, library);
  return library;
}

/** koffi, with stacks large enough for ONNX Runtime: they can be set only before the first library is loaded. */
export function loadKoffi(): KoffiModule {
  try {
    const koffi = requireHere('koffi') as KoffiModule;
    const { sync_stack_size: sync, async_stack_size: async } = koffi.config();
    if (sync !== STACK_BYTES || async !== STACK_BYTES) {
      koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES }); // refused after the first library
    }
    return koffi;
  } catch (cause) {
    throw new UserError(`The package koffi, which calls ONNX Runtime, did not load: ${messageOf(cause)}.`, { cause });
  }
}

/** OrtGetApiBase() returns two function pointers, GetApi(version) and GetVersionString(); GetApi returns the table. */
function readTable(
  koffi: KoffiModule,
  handle: Koffi.LibraryHandle,
  path: string,
): { version: string; table: readonly (Pointer | null)[] } {
  let getBase: () => unknown;
  try {
    getBase = handle.func('OrtGetApiBase', 'void *', []) as () => unknown;
  } catch (cause) {
    throw new UserError(`${path} is not an ONNX Runtime library: it has no OrtGetApiBase.`, { cause });
  }
  const base = getBase();
  const [getApi, getVersion] = koffi.decode(base, koffi.array('void *', 2)) as (Pointer | null)[];
  const version: unknown = getVersion && koffi.call(getVersion, koffi.proto('const char *', []));
  if (typeof version !== 'string' || !SUPPORTED.test(version)) {
    throw new UserError(`${path} is ONNX Runtime ${String(version)}; this program works with 1.30.`, {
      hint: 'Run npm ci, which installs the version that package-lock.json names.',
    });
  }
  const api: unknown = getApi && koffi.call(getApi, koffi.proto('void *', ['uint32_t']), API_VERSION);
  if (typeof api !== 'bigint') throw new UserError(`${path} does not serve version ${API_VERSION} of the C API.`);
  return { version, table: koffi.decode(api, koffi.array('void *', TABLE_LENGTH)) as (Pointer | null)[] };
}

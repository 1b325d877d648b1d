import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, UserError } from '../config/errors';
import { widenInPlace } from './half-floats';
import {
  DTYPE_BYTES,
  type HeaderEntry,
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsDtype,
} from './safetensors-header';
import { isJsonObject, readModelJson } from './tokenizer-files';

export type { SafetensorsDtype } from './safetensors-header';
export { writeSafetensors, type TensorToWrite } from './safetensors-writer';

/** One tensor of an open file. Nothing is read before one of its methods is called. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly elements: number;
  /** The raw little-endian bytes, freshly read. */
  bytes(): Uint8Array;
  /**
   * The values as float32 (F32, F16 and BF16 exactly; other types are a UserError).
   * @param into an array of `elements` values to fill instead of a new one, e.g. a weight's own memory
   */
  float32(into?: Float32Array): Float32Array;
  /** I32 and I64 as int32; a value out of range or another type is a UserError. */
  int32(): Int32Array;
}

/** Named tensors in one file or several shards. */
export interface StoredTensors {
  /** Sorted. */
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** @throws UserError where there is no such tensor */
  get(name: string): StoredTensor;
  has(name: string): boolean;
  close(): void;
}

/** One readSync moves at most this many bytes (the platform's limit is 2 GiB − 1). */
const READ_CHUNK = 1 << 30;

function readFully(fd: number, target: Uint8Array, position: number, file: string): void {
  let done = 0;
  while (done < target.length) {
    const read = readSync(fd, target, done, Math.min(READ_CHUNK, target.length - done), position + done);
    if (read === 0) throw new UserError('The file ended while it was read; it was cut or changed meanwhile.', { file });
    done += read;
  }
}

function storedTensor(fd: () => number, entry: HeaderEntry, file: string): StoredTensor {
  const { name, dtype, shape, begin, end } = entry;
  const elements = (end - begin) / DTYPE_BYTES[dtype];
  const refuse = (wanted: string): never => {
    throw new UserError(`The tensor ${name} is ${dtype}; ${wanted} was expected.`, { file });
  };
  const bytes = () => {
    const out = new Uint8Array(end - begin);
    readFully(fd(), out, begin, file);
    return out;
  };
  return {
    name,
    dtype,
    shape,
    elements,
    bytes,
    float32(into) {
      if (into !== undefined && into.length !== elements) {
        throw new RangeError(`${name} has ${elements} values, the array to fill has ${into.length}`);
      }
      if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return refuse('a float type (F32, F16, BF16)');
      const out = into ?? new Float32Array(elements);
      const raw = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
      readFully(fd(), dtype === 'F32' ? raw : raw.subarray(elements * 2), begin, file);
      if (dtype !== 'F32') widenInPlace(out, dtype);
      return out;
    },
    int32() {
      if (dtype === 'I32') return new Int32Array(bytes().buffer);
      if (dtype !== 'I64') return refuse('an integer type (I32, I64)');
      return Int32Array.from(new BigInt64Array(bytes().buffer), (value) => {
        const int = Number(value);
        if (int !== (int | 0)) throw new UserError(`The tensor ${name} holds ${value}, too large for int32.`, { file });
        return int;
      });
    },
  };
}

/**
 * Opens a safetensors file and checks its header; tensors are read when asked for.
 * @throws UserError naming the file where it is missing, truncated or malformed
 */
export function readSafetensors(file: string): StoredTensors {
  let fd: number | undefined;
  try {
    // Asked before it is opened: opening a pipe would wait for its other end.
    if (!statSync(file).isFile()) {
      throw new UserError('This is not a regular file; a safetensors file was expected.', { file });
    }
    fd = openSync(file, 'r');
    const stat = fstatSync(fd);
    const damaged = (what: string) =>
      new UserError(`Not a valid safetensors file: ${what}`, {
        file,
        hint: 'The file is damaged or was not fully copied; fetch or write it again.',
        code: 'safetensors',
      });
    if (stat.size < 10) throw damaged(`it has only ${stat.size} bytes.`);
    const prefix = new Uint8Array(9);
    readFully(fd, prefix, 0, file);
    const length = new DataView(prefix.buffer).getBigUint64(0, true);
    if (length > MAX_HEADER_BYTES) throw damaged(`its header claims ${length} bytes, more than the format allows.`);
    if (8 + Number(length) > stat.size) throw damaged(`its header claims ${length} bytes, the file has ${stat.size}.`);
    if (prefix[8] !== 0x7b) throw damaged('its header does not begin with "{".');
    const json = new Uint8Array(Number(length));
    readFully(fd, json, 8, file);
    const { entries, metadata } = parseHeader(json, stat.size, file);

    let open: number | undefined = fd;
    const handle = () => {
      if (open === undefined) throw new Error(`${file} was closed`);
      return open;
    };
    return {
      names: [...entries.keys()].sort(),
      metadata,
      has: (name) => entries.has(name),
      get(name) {
        const entry = entries.get(name);
        if (entry === undefined) throw new UserError(`There is no tensor ${name} in this file.`, { file });
        return storedTensor(handle, entry, file);
      },
      close() {
        if (open !== undefined) closeSync(open);
        open = undefined;
      },
    };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (error instanceof UserError) throw error;
    throw new UserError(`The file cannot be read: ${messageOf(error)}`, { file, cause: error });
  }
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** The shard of every tensor, from an index file; shards must lie in the folder itself. */
function readIndex(index: string): Map<string, string> {
  const map = readModelJson(dirname(index), basename(index))?.weight_map;
  if (!isJsonObject(map)) {
    throw new UserError('The index of the weights has no weight_map.', { file: index });
  }
  const shards = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || shard !== basename(shard) || /[\\/:\0]/.test(shard) || shard.startsWith('.')) {
      throw new UserError(
        `The index places ${name} in ${JSON.stringify(shard)}, which is not the name of a file in the same folder.`,
        { file: index },
      );
    }
    shards.set(name, shard);
  }
  return shards;
}

/**
 * Opens a model folder's weights: `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
 * @throws UserError where neither exists, a shard is missing, or a shard lacks a tensor that the index promises
 */
export function openWeights(folder: string): StoredTensors {
  const single = join(folder, SINGLE);
  if (existsSync(single)) return readSafetensors(single);
  const index = join(folder, INDEX);
  if (!existsSync(index)) {
    const pickled = existsSync(join(folder, 'pytorch_model.bin'));
    throw new UserError(`There is no ${SINGLE} (and no ${INDEX}) in this folder.`, {
      file: folder,
      hint: pickled
        ? 'pytorch_model.bin is a pickle, which can run code and is not read; convert it with save_pretrained.'
        : 'Name a folder that holds a model in Hugging Face layout.',
    });
  }
  const shards = readIndex(index);
  const files = new Map<string, StoredTensors>();
  const close = () => files.forEach((file) => file.close());
  try {
    for (const shard of new Set(shards.values())) {
      const path = join(dirname(index), shard);
      if (!existsSync(path)) throw new UserError(`The shard ${shard} is missing; ${INDEX} lists it.`, { file: path });
      files.set(shard, readSafetensors(path));
    }
    for (const [name, shard] of shards) {
      if (!files.get(shard)?.has(name)) {
        throw new UserError(`The shard ${shard} has no tensor ${name}; ${INDEX} says it does.`, { file: index });
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  const shardOf = (name: string) => files.get(shards.get(name) ?? '');
  return {
    names: [...shards.keys()].sort(),
    metadata: Object.assign({}, ...[...files.values()].map((file) => file.metadata)) as Record<string, string>,
    has: (name) => shards.has(name),
    get(name) {
      const shard = shardOf(name);
      if (shard === undefined) throw new UserError(`There is no tensor ${name} in these weights.`, { file: index });
      return shard.get(name);
    },
    close,
  };
}

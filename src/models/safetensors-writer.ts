import { replaceFile, writeFully } from '../data/durable';
import { toBf16 } from './half-floats';
import { DTYPE_BYTES, type SafetensorsDtype } from './safetensors-header';

/** A tensor to be written. `data` may be a function, called when its turn comes, so that one tensor is held at a time. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** F32 and BF16 take float32 values (BF16 and F16 their own bits), I32 int32, I64 bigint, U8 and BOOL bytes. */
  readonly data: TensorData | (() => TensorData);
}
export type TensorData = Float32Array | Uint16Array | Int32Array | BigInt64Array | Uint8Array;

const ARRAY_OF = {
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** The order in which the reference implementation lays types out; then names by bytes. */
const ORDER: readonly SafetensorsDtype[] = ['I64', 'F32', 'I32', 'BF16', 'F16', 'U8', 'BOOL'];

/** float32 values converted to BF16 at a time, so that the copy stays small. */
const SLICE = 1 << 20;

function writeTensor(fd: number, tensor: TensorToWrite, elements: number): void {
  const data = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
  if (data.length !== elements) {
    throw new RangeError(`${tensor.name} [${tensor.shape.join(', ')}] needs ${elements} values, got ${data.length}`);
  }
  if (tensor.dtype === 'BF16' && data instanceof Float32Array) {
    for (let start = 0; start < data.length; start += SLICE) {
      const bits = toBf16(data.subarray(start, start + SLICE));
      writeFully(fd, new Uint8Array(bits.buffer));
    }
    return;
  }
  if (!(data instanceof ARRAY_OF[tensor.dtype])) {
    throw new TypeError(`${tensor.name}: ${data.constructor.name} cannot be written as ${tensor.dtype}`);
  }
  writeFully(fd, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/**
 * Writes a safetensors file: wide types first and names sorted by bytes, as the reference implementation does, so the
 * same tensors give the same bytes whatever their order. Written to a temporary file, synced, renamed.
 * @param metadata string pairs for the header; transformers wants `format: 'pt'`, the default
 * @throws RangeError or TypeError (ours) where data and shape or type disagree or a name stands twice;
 *   UserError where the disk is full or the place cannot be written
 */
export function writeSafetensors(
  file: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): void {
  const sorted = [...tensors].sort(
    (a, b) =>
      ORDER.indexOf(a.dtype) - ORDER.indexOf(b.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  const fields: string[] = [];
  const names = new Set<string>();
  const field = (key: string, value: unknown) => fields.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) field('__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]])));
  const counts: number[] = [];
  let offset = 0;
  for (const { name, dtype, shape } of sorted) {
    if (names.has(name) || name === '__metadata__')
      throw new RangeError(`The tensor name ${name} cannot be written twice`);
    names.add(name);
    const elements = shape.reduce((product, dim) => product * dim, 1);
    const end = offset + elements * DTYPE_BYTES[dtype];
    field(name, { dtype, shape, data_offsets: [offset, end] });
    counts.push(elements);
    offset = end;
  }
  let json = `{${fields.join(',')}}`;
  json += ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const header = Buffer.from(json);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));

  replaceFile(file, (fd) => {
    writeFully(fd, length);
    writeFully(fd, header);
    sorted.forEach((tensor, i) => writeTensor(fd, tensor, counts[i]));
  });
}

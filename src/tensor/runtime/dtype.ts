import type { DType, TypedArray } from './types';

interface DTypeEntry {
  /** ONNX's number of the type (TensorProto.DataType, the same in the C API). */
  code: number;
  bytes: number;
  array: new (buffer: ArrayBuffer, byteOffset: number, length: number) => TypedArray;
}

const TABLE: Readonly<Record<DType, DTypeEntry>> = {
  float32: { code: 1, bytes: 4, array: Float32Array },
  uint8: { code: 2, bytes: 1, array: Uint8Array },
  int32: { code: 6, bytes: 4, array: Int32Array },
  int64: { code: 7, bytes: 8, array: BigInt64Array },
  bool: { code: 9, bytes: 1, array: Uint8Array },
  float16: { code: 10, bytes: 2, array: Uint16Array },
};
export const DTYPES: readonly DType[] = ['float32', 'int32', 'int64', 'bool', 'float16', 'uint8'];

export const codeOf = (dtype: DType): number => TABLE[dtype].code;
export const bytesOf = (dtype: DType): number => TABLE[dtype].bytes;

/** The dtype of an ONNX type number, or null where it is none of ours. */
export function dtypeOf(code: number): DType | null {
  return DTYPES.find((dtype) => TABLE[dtype].code === code) ?? null;
}

/** Number of elements of a shape; throws on a dimension that is not a whole number of zero or more. */
export function sizeOf(dims: readonly number[]): number {
  let size = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw new Error(`A tensor's dimensions are [${dims.join(', ')}].`);
    size *= dim;
  }
  if (!Number.isSafeInteger(size)) throw new Error(`A tensor of shape [${dims.join(', ')}] has too many elements.`);
  return size;
}

/** A typed array over a buffer of its own or a given one. */
export function arrayOver(dtype: DType, buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray {
  return new TABLE[dtype].array(buffer, byteOffset, length);
}

/** Throws unless `data` is the kind of array that holds `dtype`, with `size` elements in memory that still exists. */
export function checkArray(dtype: DType, size: number, data: TypedArray, what: string): void {
  const expected = TABLE[dtype].array;
  if (!(data instanceof expected)) {
    throw new Error(`${what}: ${dtype} elements are held by ${expected.name}, this is ${kindOf(data)}.`);
  }
  if (data.length !== size) throw new Error(`${what}: the array has ${data.length} elements, the shape needs ${size}.`);
}

const kindOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? value.constructor.name : typeof value;

import type { Api } from './api';
import { dtypeOf } from './dtype';
import type { Pointer } from './library';
import type { ValueInfo } from './types';

/** Names, element types and shapes of a session's inputs and outputs. */
export function readMetadata(api: Api, session: Pointer, label: string): { inputs: ValueInfo[]; outputs: ValueInfo[] } {
  const allocator = api.get<Pointer>(label, (out) => api.GetAllocatorWithDefaultOptions(out));
  const read = (
    count: typeof api.SessionGetInputCount,
    name: typeof api.SessionGetInputName,
    type: typeof api.SessionGetInputTypeInfo,
  ) =>
    Array.from({ length: api.get<number>(label, (out) => count(session, out)) }, (_, index): ValueInfo => {
      const text = api.get<Pointer>(label, (out) => name(session, index, allocator, out));
      const info = api.get<Pointer>(label, (out) => type(session, index, out));
      try {
        return { name: api.library.koffi.decode.string(text), ...readType(api, info, label) };
      } finally {
        api.check(api.AllocatorFree(allocator, text), label);
        api.ReleaseTypeInfo(info);
      }
    });
  return {
    inputs: read(api.SessionGetInputCount, api.SessionGetInputName, api.SessionGetInputTypeInfo),
    outputs: read(api.SessionGetOutputCount, api.SessionGetOutputName, api.SessionGetOutputTypeInfo),
  };
}

function readType(api: Api, info: Pointer, label: string): Pick<ValueInfo, 'dtype' | 'dims'> {
  const out: [Pointer | null] = [null];
  api.check(api.CastTypeInfoToTensorInfo(info, out), label);
  const tensor = out[0];
  if (tensor === null) return { dtype: null, dims: null }; // a sequence, map or optional
  const dtype = dtypeOf(api.get<number>(label, (o) => api.GetTensorElementType(tensor, o)));
  const rank = api.get<number>(label, (o) => api.GetDimensionsCount(tensor, o));
  if (rank === 0) return { dtype, dims: [] };
  const sizes = new BigInt64Array(rank);
  const names = new BigUint64Array(rank);
  api.check(api.GetDimensions(tensor, sizes, rank), label);
  api.check(api.GetSymbolicDimensions(tensor, names, rank), label);
  const nameOf = (address: bigint | undefined) => (address ? api.library.koffi.decode.string(address) : '');
  return { dtype, dims: Array.from(sizes, (size, axis) => (size >= 0n ? Number(size) : nameOf(names[axis]))) };
}

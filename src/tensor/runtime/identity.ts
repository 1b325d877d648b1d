import { codeOf } from './dtype';
import type { DType } from './types';

/** A protobuf field of bytes, short enough for a length of two bytes. */
const block = (field: number, ...parts: (Uint8Array | string)[]): Uint8Array => {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.of((field << 3) | 2, (bytes.length & 127) | 128, bytes.length >> 7), bytes]);
};
const int = (field: number, value: number): Uint8Array => Buffer.of(field << 3, value);

/** The model y = x for one element type and rank, any dimensions: how elements get to a device and back. */
export function identityModel(dtype: DType, rank: number): Uint8Array {
  const shape = block(2, ...Array.from({ length: rank }, (_, axis) => block(1, block(2, `d${axis}`))));
  const value = (name: string) => [block(1, name), block(2, block(1, int(1, codeOf(dtype)), shape))];
  const node = block(1, block(1, 'x'), block(2, 'y'), block(4, 'Identity'));
  const graph = block(7, node, block(2, 'identity'), block(11, ...value('x')), block(12, ...value('y')));
  return Buffer.concat([int(1, 10), graph, block(8, block(1, ''), int(2, 21))]);
}

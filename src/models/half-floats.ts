/**
 * BF16 and F16 to float32 and back, by bits. Every supported platform is little-endian, as the file format is.
 */

/** The float32 bits of every F16 value, made on first use (256 KiB). */
let f16Table: Uint32Array | undefined;

function float32BitsOfF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  // Infinity, or a NaN, made quiet.
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13) | (fraction === 0 ? 0 : 0x400000)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // A subnormal half is a normal float32: shift its leading bit up to the hidden one.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

function tableOfF16(): Uint32Array {
  f16Table ??= Uint32Array.from({ length: 65536 }, (_, half) => float32BitsOfF16(half));
  return f16Table;
}

/**
 * Widens 16-bit floats in place: `target`'s upper half (its last `target.length` 16-bit words) holds the values read
 * from disk; afterwards `target` holds them as float32. No second buffer is needed, because the word that is read
 * always lies at or above the one that is written.
 */
export function widenInPlace(target: Float32Array, kind: 'BF16' | 'F16'): void {
  const count = target.length;
  const words = new Uint16Array(target.buffer, target.byteOffset, count * 2);
  const bits = new Uint32Array(target.buffer, target.byteOffset, count);
  if (kind === 'BF16') {
    for (let i = 0; i < count; i++) bits[i] = words[count + i] << 16;
  } else {
    const table = tableOfF16();
    for (let i = 0; i < count; i++) bits[i] = table[words[count + i]];
  }
}

/** float32 → BF16 bits, rounded to nearest, ties to even; every NaN stays a (quiet) NaN. */
export function toBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i];
    out[i] = (b & 0x7fffffff) > 0x7f800000 ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter-based
 * generator. The value is a pure function of key and counter, so a stream is split by hashing a path into a new key
 * and checkpointed by writing down where its counter stands.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Last counter word of a block that derives a key; draws have 0 there, so the two never meet. */
const SPLIT_DOMAIN = 0xffffffff;
const TAG_NUMBER = 1;
const TAG_STRING = 2;

/** High 32 bits of the unsigned product a·b, in halves of 16 bits because a double holds only 53. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + ((middle & 0xffff) + aLow * bHigh) / 0x10000) >>> 0;
}

/** Writes the four words of the block at `counter` (four words) under `key` (two words) to `out`. */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = mulHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c3 = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** All that a stream is; plain JSON, for a checkpoint. */
export interface RandomState {
  key: [number, number];
  /** Blocks drawn so far, low and high word. */
  counter: [number, number];
  /** Words of the current block already handed out, 0 to 4. */
  used: number;
  /** The second half of a Box–Muller pair not yet handed out. */
  spare: number | null;
}

const scratch = new Uint32Array(4);
const doubleBits = new DataView(new ArrayBuffer(8));
const utf8 = new TextEncoder();

/** Absorbs a path element into the key, eight bytes a Philox block. */
function deriveKey(key: readonly [number, number], element: string | number): [number, number] {
  let [k0, k1] = key;
  const absorb = (a: number, b: number, tag: number) => {
    philox4x32(a, b, tag, SPLIT_DOMAIN, k0, k1, scratch);
    k0 = scratch[0];
    k1 = scratch[1];
  };
  if (typeof element === 'number') {
    doubleBits.setFloat64(0, element === 0 ? 0 : element);
    absorb(doubleBits.getUint32(0), doubleBits.getUint32(4), TAG_NUMBER);
  } else {
    const bytes = utf8.encode(element);
    const padded = new DataView(new ArrayBuffer(Math.ceil((bytes.length + 1) / 8) * 8));
    new Uint8Array(padded.buffer).set(bytes);
    padded.setUint8(bytes.length, 0x80);
    for (let offset = 0; offset < padded.byteLength; offset += 8) {
      absorb(padded.getUint32(offset), padded.getUint32(offset + 4), TAG_STRING);
    }
  }
  return [k0, k1];
}

/** A seeded stream of random numbers: splittable, checkpointable, the same on every platform. */
export class Random {
  private readonly block = new Uint32Array(4);

  private constructor(
    private readonly key: [number, number],
    private counterLow: number,
    private counterHigh: number,
    private used: number,
    private spare: number | null,
  ) {}

  /** The stream of a seed (an integer; its low 64 bits count) and a path, such as `Random.from(42, 'order', epoch)`. */
  static from(seed: number | bigint, ...path: (string | number)[]): Random {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new RangeError(`a seed must be a whole number, got ${seed}`);
    }
    const bits = BigInt.asUintN(64, BigInt(seed));
    const key: [number, number] = [Number(bits & 0xffffffffn), Number(bits >> 32n)];
    return new Random(path.reduce(deriveKey, key), 0, 0, 4, null);
  }

  /** A stream of its own for a path: it depends on this stream's seed and path, not on what was drawn from it. */
  split(...path: (string | number)[]): Random {
    return new Random(path.reduce(deriveKey, this.key), 0, 0, 4, null);
  }

  /** Uniform over 0 … 2³² − 1. */
  uint32(): number {
    if (this.used === 4) {
      philox4x32(this.counterLow, this.counterHigh, 0, 0, this.key[0], this.key[1], this.block);
      this.counterLow = (this.counterLow + 1) >>> 0;
      if (this.counterLow === 0) this.counterHigh = (this.counterHigh + 1) >>> 0;
      this.used = 0;
    }
    return this.block[this.used++];
  }

  /** Uniform in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** Uniform over the whole numbers 0 … n − 1, without modulo bias; n from 1 to 2³². */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x100000000) throw new RangeError(`int(n) wants 1 ≤ n ≤ 2^32, got ${n}`);
    const limit = 0x100000000 - (0x100000000 % n);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % n;
  }

  /** Standard normal, by Box–Muller. */
  normal(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next())); // 1 − u is in (0, 1]: the logarithm is finite
    const angle = 2 * Math.PI * this.next();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T>(array: T[]): T[] {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [array[i], array[j]] = [array[j], array[i]];
    }
    return array;
  }

  /** A random order of 0 … n − 1. */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }

  /** Where the stream stands, for `Random.restore`. */
  state(): RandomState {
    return {
      key: [this.key[0], this.key[1]],
      counter: [this.counterLow, this.counterHigh],
      used: this.used,
      spare: this.spare,
    };
  }

  /** The stream that goes on exactly where `state` was taken. Throws RangeError for what no stream wrote. */
  static restore(state: RandomState): Random {
    const words = [...state.key, ...state.counter];
    const sound =
      words.length === 4 &&
      words.every((word) => Number.isInteger(word) && word >= 0 && word <= 0xffffffff) &&
      Number.isInteger(state.used) &&
      state.used >= 0 &&
      state.used <= 4 &&
      (state.spare === null || Number.isFinite(state.spare));
    if (!sound) throw new RangeError('not the state of a random stream');
    const [low, high] = state.counter;
    const random = new Random([...state.key], low, high, 4, state.spare);
    if (state.used < 4) {
      // The block in use is the one before the counter: draw it again and skip what was handed out.
      random.counterLow = (low - 1) >>> 0;
      random.counterHigh = low === 0 ? (high - 1) >>> 0 : high;
      random.uint32();
      random.used = state.used;
    }
    return random;
  }
}

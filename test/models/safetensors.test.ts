import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { openWeights, readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/models/safetensors';
import { GOLDEN_FOLDER } from '../golden/load';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const recorded = join(GOLDEN_FOLDER, 'formats.safetensors');

function header(json: string | object, dataBytes = 0): Buffer {
  const text = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

/** The bits of each value; every NaN counts as the same one. */
function bits(values: Float32Array): number[] {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Array.from(words, (word, i) => (Number.isNaN(values[i]) ? 0x7fc00000 : word));
}

/** What reading these bytes says; anything but a UserError that names the file fails the test. */
function refusal(bytes: Uint8Array): string {
  const file = join(folder, 'bad.safetensors');
  writeFileSync(file, bytes);
  try {
    readSafetensors(file).close();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.file).toBe(file);
    return error.message;
  }
  return 'accepted';
}

describe('files of the reference library', () => {
  it('are read with every dtype, and half floats widen to its own bits', () => {
    const file = readSafetensors(recorded);
    expect(file.metadata).toEqual({ format: 'pt' });
    for (const name of ['half', 'brain', 'every.half']) {
      expect(bits(file.get(name).float32())).toEqual(bits(file.get(`${name}.as.f32`).float32()));
    }
    expect([...file.get('int').int32()]).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect([...file.get('byte').bytes()]).toEqual([0, 255, 7]);
    expect([...file.get('flag').bytes()]).toEqual([1, 0]);
    expect(file.get('empty')).toMatchObject({ shape: [0, 4], elements: 0 });
    expect([...file.get('scalar').float32()]).toEqual([2.5]);
    expect(() => file.get('long').int32()).toThrow(/too large for int32/);
    expect(() => file.get('int').float32()).toThrow(/is I32/);
    expect(() => file.get('nothing')).toThrow(/no tensor nothing/);
    file.close();
  });

  it('come out of our writer with the same bytes, in whatever order they go in', () => {
    for (const name of ['formats', 'llama', 'untied']) {
      const source = join(GOLDEN_FOLDER, `${name}.safetensors`);
      const from = readSafetensors(source);
      const tensors = from.names.map((key): TensorToWrite => {
        const { dtype, shape } = from.get(key);
        const data = () => {
          const bytes = from.get(key).bytes();
          if (dtype === 'F32') return new Float32Array(bytes.buffer);
          if (dtype === 'F16' || dtype === 'BF16') return new Uint16Array(bytes.buffer);
          if (dtype === 'I32') return new Int32Array(bytes.buffer);
          return dtype === 'I64' ? new BigInt64Array(bytes.buffer) : bytes;
        };
        return { name: key, dtype, shape, data };
      });
      for (const order of [tensors, [...tensors].reverse()]) {
        const copy = join(folder, 'copy');
        writeSafetensors(copy, order);
        expect(readFileSync(copy).equals(readFileSync(source)), name).toBe(true);
      }
      from.close();
    }
  });
});

describe('round trip', () => {
  it('keeps F32 exactly and rounds BF16 to nearest, ties to even', () => {
    const values = fc.array(fc.float({ noNaN: false }), { maxLength: 40 });
    fc.assert(
      fc.property(values, (numbers) => {
        const file = join(folder, 'x.safetensors');
        const data = Float32Array.from(numbers);
        writeSafetensors(file, [
          { name: 'wide', dtype: 'F32', shape: [data.length], data },
          { name: 'narrow', dtype: 'BF16', shape: [data.length], data },
        ]);
        const read = readSafetensors(file);
        expect(bits(read.get('wide').float32())).toEqual(bits(data));
        const narrow = read.get('narrow').float32();
        read.close();
        data.forEach((x, i) => {
          const y = narrow[i];
          if (Number.isNaN(x)) return expect(y).toBeNaN();
          if (!Number.isFinite(y)) return expect(Math.abs(x)).toBeGreaterThanOrEqual(3.3895e38);
          const [below, above] = neighbours(x);
          const [toBelow, toAbove] = [x - below, above - x];
          if (toBelow === toAbove && below !== above) {
            expect(bits(Float32Array.of(y))[0] & 0x10000).toBe(0);
          } else {
            expect(y).toBe(toBelow < toAbove ? below : above);
          }
          return undefined;
        });
      }),
      { numRuns: 150 },
    );
  });

  /** The two BF16 values around a finite x, as float64. */
  function neighbours(x: number): [number, number] {
    const word = new Uint32Array(1);
    const value = new Float32Array(word.buffer);
    value[0] = x;
    const cut = word[0] & 0xffff0000;
    word[0] = cut;
    const towardsZero = value[0];
    word[0] = cut + (x === towardsZero ? 0 : 0x10000);
    const away = value[0];
    return x < 0 ? [away, towardsZero] : [towardsZero, away];
  }

  it('fills an array that is given, and reads into the middle of another', () => {
    const file = join(folder, 'x.safetensors');
    writeSafetensors(file, [{ name: 'w', dtype: 'BF16', shape: [3], data: Float32Array.of(1, 2, -3) }]);
    const memory = new Float32Array(5).fill(9);
    const read = readSafetensors(file);
    read.get('w').float32(memory.subarray(1, 4));
    expect([...memory]).toEqual([9, 1, 2, -3, 9]);
    expect(() => read.get('w').float32(memory)).toThrow(RangeError);
    read.close();
    expect(() => read.get('w').float32()).toThrow(/closed/);
  });

  it('leaves the old file and nothing else when a write fails', () => {
    const file = join(folder, 'x.safetensors');
    const good: TensorToWrite = { name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(1) };
    writeSafetensors(file, [good]);
    const before = readFileSync(file);
    expect(() => writeSafetensors(file, [good, { ...good, name: 'v', shape: [2] }])).toThrow(RangeError);
    expect(() => writeSafetensors(file, [good, good])).toThrow(RangeError);
    expect(() => writeSafetensors(file, [{ ...good, data: Int32Array.of(1) }])).toThrow(TypeError);
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['x.safetensors']);
    expect(() => writeSafetensors(join(folder, 'no', 'x'), [good])).toThrow(UserError);
  });
});

describe('hostile files', () => {
  const f32 = (begin: number, end: number, shape: unknown = [1]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });

  it.each<[string, Buffer, RegExp]>([
    ['empty', Buffer.alloc(0), /only 0 bytes/],
    ['short', Buffer.alloc(9), /only 9 bytes/],
    ['a header of 2^63 bytes', Buffer.from('00000000000000807b7d', 'hex'), /more than the format allows/],
    ['a header longer than the file', Buffer.from('ff000000000000007b7d', 'hex'), /claims 255 bytes, the file has 10/],
    ['no JSON', header('{"a": nonsense'), /not JSON/],
    ['no UTF-8', Buffer.concat([header('').fill(4, 0, 1), Buffer.from([0x7b, 0xff, 0xfe, 0x7d])]), /not JSON/],
    ['a pickle', header('\x80\x02}q\x00.'), /does not begin with/],
    ['an array in an object', header({ a: [] }), /"a" is not an object/],
    ['metadata of numbers', header({ __metadata__: { a: 1 } }), /metadata "a" is not a string/],
    ['an unknown dtype', header({ a: { ...f32(0, 4), dtype: 'Q4' } }, 4), /type "Q4"/],
    ['a dtype from the prototype', header({ a: { ...f32(0, 4), dtype: 'toString' } }, 4), /type "toString"/],
    ['a negative dimension', header({ a: f32(0, 4, [-1]) }, 4), /no valid shape/],
    ['a broken dimension', header({ a: f32(0, 4, [0.5, 2]) }, 4), /no valid shape/],
    ['no shape', header({ a: f32(0, 4, null) }, 4), /no valid shape/],
    ['three offsets', header({ a: { ...f32(0, 4), data_offsets: [0, 4, 8] } }, 8), /no valid data_offsets/],
    ['offsets backwards', header({ a: f32(4, 0) }, 4), /outside the file/],
    ['data beyond the end', header({ a: f32(0, 8, [2]) }, 4), /outside the file/],
    ['a shape that does not fit', header({ a: f32(0, 8, [3]) }, 8), /12 bytes, but has 8/],
    ['a shape that overflows', header({ a: f32(0, 0, [2 ** 40, 2 ** 40]) }), /but has 0/],
    ['overlap', header({ a: f32(0, 8, [2]), b: f32(4, 8) }, 8), /"b" overlaps/],
    ['a hole', header({ a: f32(0, 4), b: f32(8, 12) }, 12), /belong to no tensor before "b"/],
    ['bytes after the end', header({ a: f32(0, 4) }, 6), /2 bytes follow/],
    [
      'a name that stands twice',
      header(`{"a":${JSON.stringify(f32(0, 4))},"\\u0061":${JSON.stringify(f32(0, 4))}}`, 4),
      /"a" stands twice/,
    ],
  ])('%s', (_, bytes, message) => expect(refusal(bytes)).toMatch(message));

  it('a name like __proto__ is a name', () => {
    expect(refusal(header(`{"__proto__":${JSON.stringify(f32(0, 4))}}`, 4))).toBe('accepted');
  });

  it('cut or flipped anywhere, a file is refused by name or read whole', () => {
    const whole = readFileSync(recorded);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(2600), fc.integer({ min: 1, max: 255 }), (cut, at, flip) => {
        expect(refusal(whole.subarray(0, cut))).not.toBe('accepted');
        const flipped = Buffer.from(whole);
        flipped[at] ^= flip;
        refusal(flipped);
      }),
      { numRuns: 200 },
    );
  });
});

describe('shards', () => {
  const write = (name: string, tensor: string) =>
    writeSafetensors(join(folder, name), [
      { name: tensor, dtype: 'F32', shape: [1], data: Float32Array.of(tensor.length) },
    ]);
  const index = (weight_map: unknown) =>
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));

  it('are one set of tensors', () => {
    write('s1.safetensors', 'a');
    write('s2.safetensors', 'bb');
    index({ bb: 's2.safetensors', a: 's1.safetensors' });
    const weights = openWeights(folder);
    expect(weights.names).toEqual(['a', 'bb']);
    expect([...weights.get('bb').float32()]).toEqual([2]);
    expect(() => weights.get('c')).toThrow(/no tensor c/);
    weights.close();
  });

  it.each([
    [{ a: '../s1.safetensors' }, /not the name of a file in the same folder/],
    [{ a: 'x\\s1.safetensors' }, /not the name of a file in the same folder/],
    [{ a: 'C:s1' }, /not the name of a file/],
    [{ a: '..' }, /not the name of a file/],
    [{ a: 1 }, /not the name of a file/],
    [{ a: 's3.safetensors' }, /shard s3.safetensors is missing/],
    [{ z: 's1.safetensors' }, /has no tensor z/],
    [null, /no weight_map/],
  ])('%j is refused', (map, message) => {
    write('s1.safetensors', 'a');
    index(map);
    expect(() => openWeights(folder)).toThrow(message);
  });

  it('a folder in place of a file is refused', () => {
    expect(() => readSafetensors(folder)).toThrow(/not a regular file/);
    expect(() => readSafetensors(join(folder, 'none'))).toThrow(/cannot be read/);
  });

  it('a folder without weights says so, and why a pickle is not read', () => {
    expect(() => openWeights(folder)).toThrow(/no model.safetensors/);
    writeFileSync(join(folder, 'pytorch_model.bin'), '');
    try {
      openWeights(folder);
      expect.unreachable();
    } catch (error) {
      expect(error instanceof UserError && error.hint).toMatch(/pickle/);
    }
  });
});

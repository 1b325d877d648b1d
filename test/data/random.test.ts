import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox4x32, Random } from '../../src/data/random';

/** The known answers published with the generator (Random123, kat_vectors, philox4x32 with 10 rounds). */
const KNOWN_ANSWERS: { counter: [number, number, number, number]; key: [number, number]; block: number[] }[] = [
  { counter: [0, 0, 0, 0], key: [0, 0], block: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    block: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    block: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

describe('philox4x32', () => {
  it.each(KNOWN_ANSWERS)('gives the published block for key $key', ({ counter, key, block }) => {
    const out = new Uint32Array(4);
    philox4x32(...counter, ...key, out);
    expect([...out]).toEqual(block);
  });

  it('agrees with the definition in 64-bit integers', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        let [c0, c1, c2, c3] = counter.map(BigInt);
        let [k0, k1] = key.map(BigInt);
        const low = (x: bigint) => x & 0xffffffffn;
        for (let round = 0; round < 10; round++) {
          const p0 = 0xd2511f53n * c0;
          const p1 = 0xcd9e8d57n * c2;
          [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, low(p1), (p0 >> 32n) ^ c3 ^ k1, low(p0)];
          k0 = low(k0 + 0x9e3779b9n);
          k1 = low(k1 + 0xbb67ae85n);
        }
        const out = new Uint32Array(4);
        philox4x32(...counter, ...key, out);
        expect([...out]).toEqual([c0, c1, c2, c3].map(Number));
      }),
    );
  });
});

describe('Random', () => {
  it('starts with the known answer of seed 0', () => {
    const random = Random.from(0);
    expect([random.uint32(), random.uint32(), random.uint32(), random.uint32()]).toEqual(KNOWN_ANSWERS[0].block);
  });

  it('goes on from a checkpoint exactly, wherever it was taken', () => {
    const draw = fc.constantFrom('uint32', 'next', 'normal', 'int');
    const take = (random: Random, kind: string) =>
      kind === 'uint32'
        ? random.uint32()
        : kind === 'next'
          ? random.next()
          : kind === 'normal'
            ? random.normal()
            : random.int(7);
    fc.assert(
      fc.property(fc.integer(), fc.array(draw), fc.array(draw, { minLength: 1 }), (seed, before, after) => {
        const random = Random.from(seed, 'order');
        before.forEach((kind) => take(random, kind));
        const restored = Random.restore(JSON.parse(JSON.stringify(random.state())) as ReturnType<Random['state']>);
        expect(after.map((kind) => take(restored, kind))).toEqual(after.map((kind) => take(random, kind)));
      }),
    );
  });

  it('goes on over the end of the low counter word', () => {
    const state = {
      key: [1, 2] as [number, number],
      counter: [0xffffffff, 0] as [number, number],
      used: 4,
      spare: null,
    };
    const random = Random.restore(state);
    for (let i = 0; i < 5; i++) random.uint32();
    expect(random.state().counter).toEqual([1, 1]);
    expect(Random.restore({ ...random.state() }).uint32()).toBe(random.uint32());
    const atWrap = Random.restore({ ...state, counter: [0, 1], used: 2 });
    const sameBlock = Random.restore({ ...state });
    sameBlock.uint32();
    sameBlock.uint32();
    expect(atWrap.uint32()).toBe(sameBlock.uint32());
  });

  it('splits into streams that do not depend on what was drawn', () => {
    const random = Random.from(42);
    const before = random.split('order', 3).uint32();
    random.uint32();
    expect(random.split('order', 3).uint32()).toBe(before);
    expect(Random.from(42, 'order', 3).uint32()).toBe(before);
    expect(Random.from(42).split('order').split(3).uint32()).toBe(before);
  });

  it('gives every path a stream of its own', () => {
    const paths: (string | number)[][] = [[], [0], [1], ['0'], ['1'], [''], ['a'], ['a', ''], ['', 'a'], ['a\0'], [-1]];
    paths.push(['abcdefgh'], ['abcdefg', 'h'], ['abcdefgh\x80'], [0.5], ['é'], ['e\u0301'], [2 ** 40]);
    const firsts = paths.map((path) => Random.from(7, ...path).next());
    expect(new Set(firsts).size).toBe(paths.length);
  });

  it('permutes: every number once, every place reached', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 300 }), (seed, n) => {
        const order = Random.from(seed).permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(Random.from(seed).shuffle(Array.from({ length: n }, (_, i) => i))).toEqual([...order]);
      }),
    );
  });

  it('has the moments of its distributions', () => {
    const random = Random.from(1);
    const n = 50_000;
    const mean = (f: () => number) => Array.from({ length: n }, f).reduce((a, b) => a + b, 0) / n;
    expect(Math.abs(mean(() => random.next()) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(mean(() => random.normal()))).toBeLessThan(0.02);
    expect(Math.abs(mean(() => random.normal() ** 2) - 1)).toBeLessThan(0.03);
    expect(Math.abs(mean(() => random.normal() ** 4) - 3)).toBeLessThan(0.2);
    expect(Math.abs(mean(() => random.int(10)) - 4.5)).toBeLessThan(0.05);
  });

  it('refuses what is no seed, no range and no state', () => {
    expect(() => Random.from(0.5)).toThrow(RangeError);
    for (const n of [0, -1, 1.5, NaN, 2 ** 33]) expect(() => Random.from(1).int(n)).toThrow(RangeError);
    const state = Random.from(1).state();
    expect(() => Random.restore({ ...state, used: 5 })).toThrow(RangeError);
    expect(() => Random.restore({ ...state, counter: [-1, 0] })).toThrow(RangeError);
    expect(() => Random.restore({ ...state, spare: NaN })).toThrow(RangeError);
  });

  it('takes 64-bit seeds whole', () => {
    expect(Random.from(1n << 40n).uint32()).not.toBe(Random.from(0).uint32());
    expect(Random.from(-1).uint32()).toBe(Random.from((1n << 64n) - 1n).uint32());
  });
});

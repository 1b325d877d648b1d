/**
 * A small seeded generator (sfc32), so that the same seed writes the same bytes on every machine.
 * Each part of the world draws from a stream of its own, named by a path: adding a draw in one part
 * leaves the others as they were.
 */

/** 32-bit FNV-1a of a text: the seed of a named stream. */
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export class Random {
  #a;
  #b;
  #c;
  #counter = 1;

  constructor(seed, ...path) {
    const name = [seed, ...path].join('/');
    this.#a = hash(name);
    this.#b = hash(`${name}/b`);
    this.#c = hash(`${name}/c`);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A number in [0, 1). */
  next() {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  }

  /** An integer in [0, n). */
  int(n) {
    return Math.floor(this.next() * n);
  }

  /** True with probability p. */
  chance(p) {
    return this.next() < p;
  }

  pick(list) {
    return list[this.int(list.length)];
  }

  /** One entry of `[[value, weight], …]`, by weight. */
  weighted(entries) {
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of entries) {
      rest -= weight;
      if (rest < 0) return value;
    }
    return entries[entries.length - 1][0];
  }

  /** A new list in random order. */
  shuffle(list) {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  /** n different entries, in the order of the list. */
  sample(list, n) {
    const chosen = new Set(this.shuffle(list.map((_, i) => i)).slice(0, n));
    return list.filter((_, i) => chosen.has(i));
  }
}

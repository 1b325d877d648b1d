/** A stretch of a text; `only` where the other text lacks it. */
export interface Stretch {
  readonly text: string;
  readonly only: boolean;
}

/** Han characters stand alone: text in them has no spaces to tell words by. */
const WORDS = /\s+|\p{Script=Han}|[\p{L}\p{N}\p{M}_'’]+?(?=\p{Script=Han}|[^\p{L}\p{N}\p{M}_'’]|$)|[^\s]/gu;

/** Beyond this many edits the texts are told apart by the words they have, not by their order. */
const MOST_EDITS = 800;

/**
 * What only one of two texts has, word by word: the fewest words to take out and put in (Myers, An O(ND) difference
 * algorithm, 1986, greedy form). The stretches of a side, joined, are its text.
 */
export function differences(first: string, second: string): { first: Stretch[]; second: Stretch[] } {
  const a = first.match(WORDS) ?? [];
  const b = second.match(WORDS) ?? [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let aEnd = a.length;
  let bEnd = b.length;
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) {
    aEnd--;
    bEnd--;
  }
  const inner = { a: a.slice(start, aEnd), b: b.slice(start, bEnd) };
  const kept = commonByOrder(inner.a, inner.b) ?? commonByWord(inner.a, inner.b);
  const mark = (words: readonly string[], end: number, common: ReadonlySet<number>) =>
    joined(words.map((text, i) => ({ text, only: i >= start && i < end && !common.has(i - start) })));
  return { first: mark(a, aEnd, kept.a), second: mark(b, bEnd, kept.b) };
}

interface Common {
  readonly a: ReadonlySet<number>;
  readonly b: ReadonlySet<number>;
}

/** The places of a longest common subsequence; undefined where there are too many edits. */
function commonByOrder(a: readonly string[], b: readonly string[]): Common | undefined {
  const most = Math.min(MOST_EDITS, a.length + b.length);
  const size = 2 * most + 3;
  const offset = most + 1;
  const furthest = new Int32Array(size);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      let x = goesDown(furthest, offset, k, edits) ? at(furthest, offset + k + 1) : at(furthest, offset + k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(a.length, b.length, trace);
    }
  }
  return undefined;
}

function at(values: Int32Array, index: number): number {
  return values[index] ?? 0;
}

function goesDown(furthest: Int32Array, offset: number, k: number, edits: number): boolean {
  return k === -edits || (k !== edits && at(furthest, offset + k - 1) < at(furthest, offset + k + 1));
}

function walkBack(aLength: number, bLength: number, trace: readonly Int32Array[]): Common {
  const common = { a: new Set<number>(), b: new Set<number>() };
  let x = aLength;
  let y = bLength;
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const before = trace[edits];
    if (!before) break;
    const offset = edits + 1;
    const k = x - y;
    const previousK = goesDown(before, offset, k, edits) ? k + 1 : k - 1;
    const previousX = edits === 0 ? 0 : at(before, offset + previousK);
    const previousY = edits === 0 ? 0 : previousX - previousK;
    while (x > previousX && y > previousY) {
      x--;
      y--;
      common.a.add(x);
      common.b.add(y);
    }
    x = previousX;
    y = previousY;
  }
  return common;
}

function commonByWord(a: readonly string[], b: readonly string[]): Common {
  const inA = new Set(a);
  const inB = new Set(b);
  const places = (words: readonly string[], other: ReadonlySet<string>): Set<number> =>
    new Set(words.flatMap((word, i) => (other.has(word) ? [i] : [])));
  return { a: places(a, inB), b: places(b, inA) };
}

function joined(words: readonly Stretch[]): Stretch[] {
  const stretches: { text: string; only: boolean }[] = [];
  for (const { text, only } of words) {
    const last = stretches.at(-1);
    if (last?.only === only) last.text += text;
    else stretches.push({ text, only });
  }
  return stretches;
}

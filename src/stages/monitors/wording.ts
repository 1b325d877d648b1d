/**
 * What can be counted in a text alone. Words, not the tokens of a model: so a running stage and a finished run whose
 * samples are read again measure the same, and a chat template's marks count for nothing.
 */

/** Scripts that write without blanks: each character counts as a word. */
const ALONE = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`;
const WORD = String.raw`[${ALONE}]|(?:(?![${ALONE}])[\p{L}\p{N}\p{M}'])+`;
const WORDS = new RegExp(WORD, 'gu');
const UNITS = new RegExp(String.raw`${WORD}|[^\s\p{L}\p{N}\p{M}']`, 'gu');

/** Of a longer text only so many characters are looked at: whether it repeats itself shows by then. */
export const MOST_CHARACTERS = 20_000;
const RUN = 4;

function split(text: string, pattern: RegExp): string[] {
  const plain = text.slice(0, MOST_CHARACTERS).normalize('NFKC').toLowerCase().replace(/[’ʼ]/g, "'");
  return plain.match(pattern) ?? [];
}

/** The words of a text, in lower case; those of the first 20,000 characters of a longer one. */
export function wordsOf(text: string): string[] {
  return split(text, WORDS);
}

/** Words, and each mark or sign by itself. */
export function unitsOf(text: string): string[] {
  return split(text, UNITS);
}

/** All runs of n units, in order; none where there are fewer. */
export function runsOf(units: readonly string[], n: number): string[] {
  const runs: string[] = [];
  for (let end = n; end <= units.length; end++) runs.push(units.slice(end - n, end).join(' '));
  return runs;
}

/** The share of the answer's runs of four words that stand in the prompt, 0 to 1; 0 where it has none. */
export function echoOf(answer: readonly string[], prompt: readonly string[]): number {
  const asked = new Set(runsOf(prompt, RUN));
  const runs = runsOf(answer, RUN);
  return runs.length === 0 ? 0 : runs.filter((run) => asked.has(run)).length / runs.length;
}

export interface Repetition {
  /** 1 − different runs of four ÷ runs of four (Welleck 2019). */
  readonly rep4: number;
  /** Different runs of n ÷ runs of n, for n = 1, 2, 3 (Li 2016). */
  readonly distinct: readonly [number, number, number];
  /** The longest stretch that says again what stood before, in units. */
  readonly longest: number;
}

/** How much a text repeats itself. */
export function repetitionOf(units: readonly string[]): Repetition {
  const distinct = (n: number): number => {
    const runs = runsOf(units, n);
    return runs.length === 0 ? 1 : new Set(runs).size / runs.length;
  };
  const seen = new Set<string>();
  let here = 0;
  let longest = 0;
  for (const run of runsOf(units, RUN)) {
    here = seen.has(run) ? here + 1 : 0;
    if (here > 0) longest = Math.max(longest, here + RUN - 1);
    seen.add(run);
  }
  return { rep4: 1 - distinct(RUN), distinct: [distinct(1), distinct(2), distinct(3)], longest };
}

/** Phrases to look for, compiled once. Case, punctuation and the kind of apostrophe make no difference. */
export class Phrases {
  private readonly pattern: RegExp | undefined;

  constructor(phrases: readonly string[]) {
    const known = [...new Set(phrases.map((phrase) => wordsOf(phrase).join(' ')))].filter((phrase) => phrase !== '');
    // of two phrases that begin at the same word the longer one counts
    known.sort((a, b) => b.length - a.length);
    if (known.length > 0) this.pattern = new RegExp(`(?<= )(?:${known.join('|')})(?= )`, 'gu');
  }

  /** How often phrases stand in a text, each place once. */
  count(words: readonly string[]): number {
    return this.pattern ? (` ${words.join(' ')} `.match(this.pattern)?.length ?? 0) : 0;
  }
}

import { UserError } from '../../config/errors';
import { learntTokens, type Example, type ExampleNote } from '../../data/example';
import type { Tokenizer } from '../../models/tokenizer';

/** A share of examples without anything to learn above which a run does not start. */
export const MOST_LEARNLESS = 0.05;
const SHOWN = 5;
const BARS = 12;

/** Where an example stands in its file. */
export interface Place {
  file: string;
  line: number;
}

/** How many examples have a trait, and the first few of them. */
export interface Finding {
  count: number;
  places: Place[];
}

/** What the data doctor found in rendered examples. Plain JSON. */
export interface DoctorReport {
  /** Training examples that were rendered, without those dropped. */
  examples: number;
  heldOut: number;
  /** Left out for being longer than max_length (`overlength: drop`). */
  dropped: number;
  /** Examples in which no token is learnt. */
  learnless: Finding;
  /** Examples cut at max_length; tokens cut off in all, and from the worst. */
  truncated: Finding & { tokens: number; most: number };
  /** Uncut examples whose answer does not end in a token that ends generation: the model learns no end. */
  unterminated: Finding;
  /** Examples equal to an earlier one. */
  duplicates: Finding;
  /** Training examples that also stand in the held-out data. */
  alsoHeldOut: Finding;
  /** Tokens of an example, before cutting. */
  lengths: { min: number; median: number; p90: number; p99: number; max: number; mean: number; histogram: Bar[] };
  tokens: number;
  learntTokens: number;
  /** What was odd in rendering, by kind, with the first case in words. */
  notes: (Finding & { kind: ExampleNote['kind']; text: string })[];
}

/** Examples of a length from `from` to `to`, both included. */
export interface Bar {
  from: number;
  to: number;
  count: number;
}

/** Examines rendered examples before anything is trained on them. */
export function examine(
  train: readonly Example[],
  heldOut: readonly Example[] = [],
  settings: { dropped?: number } = {},
): DoctorReport {
  const find = (has: (example: Example) => boolean): Finding => finding(train.filter(has));
  const seen = new Set<string>();
  const duplicates: Example[] = [];
  for (const example of train) {
    const key = keyOf(example);
    if (seen.has(key)) duplicates.push(example);
    else seen.add(key);
  }
  const held = new Set(heldOut.map(keyOf));
  const cut = train.filter((example) => example.cut > 0);
  const lengths = train.map((example) => example.ids.length + example.cut);
  return {
    examples: train.length,
    heldOut: heldOut.length,
    dropped: settings.dropped ?? 0,
    learnless: find(({ mask }) => learntTokens(mask) === 0),
    truncated: {
      ...finding(cut),
      tokens: cut.reduce((sum, example) => sum + example.cut, 0),
      most: cut.reduce((most, example) => Math.max(most, example.cut), 0),
    },
    unterminated: find(({ cut: lost, terminated }) => lost === 0 && !terminated),
    duplicates: finding(duplicates),
    alsoHeldOut: find((example) => held.has(keyOf(example))),
    lengths: distribution(lengths),
    tokens: train.reduce((sum, { ids }) => sum + ids.length, 0),
    learntTokens: train.reduce((sum, { mask }) => sum + learntTokens(mask), 0),
    notes: noted(train),
  };
}

function finding(examples: readonly Example[]): Finding {
  return { count: examples.length, places: examples.slice(0, SHOWN).map(({ file, line }) => ({ file, line })) };
}

/** Equal for examples of the same tokens of which the same are learnt. */
function keyOf({ ids, mask }: Example): string {
  const bytes = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
  return `${bytes.toString('latin1')}|${Buffer.from(mask.buffer, mask.byteOffset, mask.byteLength).toString('latin1')}`;
}

function noted(train: readonly Example[]): DoctorReport['notes'] {
  const byKind = new Map<ExampleNote['kind'], { examples: Example[]; text: string }>();
  for (const example of train) {
    for (const { kind, text } of example.notes) {
      const entry = byKind.get(kind);
      if (entry) entry.examples.push(example);
      else byKind.set(kind, { examples: [example], text });
    }
  }
  return Array.from(byKind, ([kind, { examples, text }]) => ({ kind, text, ...finding(examples) }));
}

function distribution(lengths: readonly number[]): DoctorReport['lengths'] {
  const sorted = Int32Array.from(lengths).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const min = sorted[0] ?? 0;
  const max = sorted.at(-1) ?? 0;
  const width = Math.max(1, Math.ceil((max - min + 1) / BARS));
  const histogram: Bar[] = [];
  if (sorted.length) {
    for (let from = min; from <= max; from += width) histogram.push({ from, to: from + width - 1, count: 0 });
    for (const length of sorted) histogram[Math.floor((length - min) / width)].count++;
  }
  const mean = sorted.length ? sorted.reduce((sum, length) => sum + length, 0) / sorted.length : 0;
  return { min, median: at(0.5), p90: at(0.9), p99: at(0.99), max, mean, histogram };
}

/** The report in sentences, the most important first; a sound data set gives only its size. */
export function describe(report: DoctorReport): string[] {
  const { lengths } = report;
  const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
  const count = (found: Finding, words: string) =>
    found.count === 0
      ? []
      : [
          `${number(found.count)} of ${number(report.examples)} examples (${share(found.count, report.examples)}) ${words}: ${listed(found)}.`,
        ];
  const lines = [
    `${number(report.examples)} examples to train on, ${number(report.heldOut)} held out; ` +
      `${number(report.tokens)} tokens, ${number(report.learntTokens)} of them learnt (${share(report.learntTokens, report.tokens)}); ` +
      `length median ${lengths.median}, 90 % up to ${lengths.p90}, longest ${lengths.max}.`,
    ...count(report.learnless, 'have nothing to learn'),
  ];
  if (report.dropped > 0) lines.push(`${number(report.dropped)} rows were longer than max_length and left out.`);
  lines.push(
    ...count(
      report.truncated,
      `were cut at max_length, by up to ${number(report.truncated.most)} and in all ${number(report.truncated.tokens)} tokens`,
    ),
    ...count(report.unterminated, 'do not end in a token that ends generation, so the model does not learn to stop'),
    ...count(report.duplicates, 'repeat an earlier one'),
    ...count(report.alsoHeldOut, 'also stand in the held-out data, so that eval_loss looks too good'),
    ...report.notes.flatMap((note) => count(note, `have this: ${note.text.replace(/\.$/, '')}`)),
  );
  return lines;
}

function listed({ count, places }: Finding): string {
  const shown = places.map(({ file, line }) => `${file}:${line}`).join(', ');
  return count > places.length ? `${shown} …` : shown;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}

/** Throws UserError when there is nothing to train on or more than 5 % of the examples have nothing to learn. */
export function refuseUnlearnable(report: DoctorReport): void {
  if (report.examples === 0) {
    const message = report.dropped ? 'every row is longer than max_length' : 'the data hold no examples';
    throw new UserError(`${message}: there is nothing to train on`, {
      code: 'doctor',
      hint: report.dropped ? 'raise max_length, or set overlength: truncate' : 'name a file with rows in `data:`',
    });
  }
  const { count, places } = report.learnless;
  if (count / report.examples <= MOST_LEARNLESS) return;
  const cutToo = report.truncated.count > 0 ? 'raise max_length (their answers may lie behind the cut), or ' : '';
  throw new UserError(
    `${number(count)} of ${number(report.examples)} examples have no token to learn (the limit is ` +
      `${MOST_LEARNLESS * 100} %): ${listed(report.learnless)}`,
    {
      code: 'doctor',
      file: places[0]?.file,
      line: places[0]?.line,
      hint: `${cutToo}give every row an answer of the assistant; \`align data FILE\` shows what is learnt`,
    },
  );
}

/** A stretch of an example's text and whether its tokens are learnt. */
export interface MarkedText {
  text: string;
  learnt: boolean;
}

/** The example's text in stretches of learnt and unlearnt tokens, for a terminal or an editor to colour. */
export function markLearnt(example: Pick<Example, 'ids' | 'mask'>, tokenizer: Tokenizer): MarkedText[] {
  const marked: MarkedText[] = [];
  const stream = tokenizer.stream();
  example.ids.forEach((id, i) => {
    const learnt = example.mask[i] === 1;
    const last = marked.at(-1);
    const text = stream.push(id);
    if (last && last.learnt === learnt) last.text += text;
    else marked.push({ text, learnt });
  });
  const rest = stream.end();
  const last = marked.at(-1);
  if (last) last.text += rest;
  return marked;
}

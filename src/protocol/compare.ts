/**
 * What the compare panel and the editor say to each other. Both sides validate what arrives with the guards below: a
 * message from an older version of the other side is dropped, never half understood.
 */

/** A text from data or a model, perhaps not all of it. */
export interface CutText {
  readonly text: string;
  /** Characters of the whole. */
  readonly length: number;
}

export interface ShownAnswer extends CutText {
  /** Its model and step; null while the panel is blind. */
  readonly name: string | null;
  /** Scores and length, as the panel shows them; empty while it is blind. */
  readonly figures: readonly string[];
}

/** A vote in the order in which the answers are shown. */
export type Vote =
  | { readonly kind: 'better'; readonly place: number; readonly much: boolean }
  | { readonly kind: 'tie' | 'both_bad' | 'skip' };

export interface ShownComparison {
  readonly key: string;
  readonly prompt: CutText;
  readonly tags: readonly string[];
  readonly answers: readonly ShownAnswer[];
  /** This annotator's vote; null where there is none. */
  readonly vote: Vote | null;
}

/** How a candidate does against the one that they are compared with. */
export interface Tally {
  readonly name: string;
  readonly win: number;
  readonly tie: number;
  readonly loss: number;
  /** (win + tie / 2) / votes with its 95 % Wilson interval; null before there are votes. */
  readonly rate: { readonly value: number; readonly low: number; readonly high: number } | null;
}

/** What stands where there is nothing to compare. */
export interface NothingToCompare {
  readonly title: string;
  readonly words: string;
  /** Can other candidates mend it? */
  readonly choose: boolean;
}

export interface CompareView {
  readonly names: readonly string[];
  /** Place among the names of the one that the others are compared with. */
  readonly against: number;
  readonly annotator: string;
  /** The folder that takes the votes, relative to the config. */
  readonly labels: string;
  readonly blind: boolean;
  /** Place of the comparison at hand, from 0, among `total`. */
  readonly at: number;
  readonly total: number;
  readonly voted: number;
  /** Of those that are voted: all answers are bad, or skipped. They say nothing about who is better. */
  readonly undecided: number;
  /** Prompts that are left out: all answers are equal, or none but one has text. */
  readonly leftOut: number;
  /** Null while the panel is blind and not all is voted. */
  readonly tallies: readonly Tally[] | null;
  readonly item: ShownComparison | null;
  /** Null where there is something to compare. */
  readonly empty: NothingToCompare | null;
  /** What to come back with after a reload; opaque to the panel. */
  readonly memory: string;
}

export type ToCompare =
  | { readonly type: 'view'; readonly view: CompareView; readonly said: string }
  /** Something could not be written: the vote is not stored. */
  | { readonly type: 'refused'; readonly message: string; readonly hint: string };

export type FromCompare =
  /** The panel listens now. */
  | { readonly type: 'ready' }
  | { readonly type: 'vote'; readonly key: string; readonly vote: Vote }
  | { readonly type: 'undo' }
  | { readonly type: 'move'; readonly by: number }
  | { readonly type: 'blind'; readonly on: boolean }
  /** The next one is what the others are compared with. */
  | { readonly type: 'against' }
  /** Other checkpoints are to be compared. */
  | { readonly type: 'choose' };

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isCut(value: unknown): value is CutText {
  return isFields(value) && typeof value.text === 'string' && isCount(value.length);
}

export function isVote(value: unknown): value is Vote {
  if (!isFields(value)) return false;
  if (value.kind === 'better') return isCount(value.place) && typeof value.much === 'boolean';
  return value.kind === 'tie' || value.kind === 'both_bad' || value.kind === 'skip';
}

function isAnswer(value: unknown): value is ShownAnswer {
  return isCut(value) && 'name' in value && 'figures' in value
    ? (value.name === null || typeof value.name === 'string') && isStrings(value.figures)
    : false;
}

function isComparison(value: unknown): value is ShownComparison {
  if (!isFields(value) || typeof value.key !== 'string' || !isCut(value.prompt) || !isStrings(value.tags)) return false;
  if (!Array.isArray(value.answers) || !value.answers.every(isAnswer)) return false;
  return value.vote === null || isVote(value.vote);
}

function isTally(value: unknown): value is Tally {
  if (!isFields(value) || typeof value.name !== 'string') return false;
  const { win, tie, loss, rate } = value;
  if (![win, tie, loss].every(isCount)) return false;
  if (rate === null) return true;
  return isFields(rate) && [rate.value, rate.low, rate.high].every((figure) => typeof figure === 'number');
}

function isView(value: unknown): value is CompareView {
  if (!isFields(value)) return false;
  const { names, against, annotator, labels, blind, at, total, voted, undecided, leftOut, memory } = value;
  const { tallies, item, empty } = value;
  return (
    isStrings(names) &&
    [annotator, labels, memory].every((text) => typeof text === 'string') &&
    typeof blind === 'boolean' &&
    [against, at, total, voted, undecided, leftOut].every(isCount) &&
    (tallies === null || (Array.isArray(tallies) && tallies.every(isTally))) &&
    (item === null || isComparison(item)) &&
    (empty === null || isEmpty(empty))
  );
}

function isEmpty(value: unknown): value is NothingToCompare {
  if (!isFields(value)) return false;
  return typeof value.title === 'string' && typeof value.words === 'string' && typeof value.choose === 'boolean';
}

/** Is this a message from the editor? */
export function isToCompare(value: unknown): value is ToCompare {
  if (!isFields(value)) return false;
  if (value.type === 'view') return isView(value.view) && typeof value.said === 'string';
  return value.type === 'refused' && typeof value.message === 'string' && typeof value.hint === 'string';
}

/** Is this a message from the panel? */
export function isFromCompare(value: unknown): value is FromCompare {
  if (!isFields(value)) return false;
  switch (value.type) {
    case 'ready':
    case 'undo':
    case 'against':
    case 'choose':
      return true;
    case 'vote':
      return typeof value.key === 'string' && isVote(value.vote);
    case 'move':
      return typeof value.by === 'number' && Number.isInteger(value.by);
    case 'blind':
      return typeof value.on === 'boolean';
    default:
      return false;
  }
}

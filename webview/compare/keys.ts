import type { FromCompare } from '../../src/protocol/compare';
import { letterOf } from '../labeling/keys';

type Action =
  | Exclude<FromCompare, { type: 'ready' | 'vote' }>
  | { readonly type: 'help' }
  | { readonly type: 'close' }
  | { readonly type: 'differences' };
/** What a key asks for; a vote still lacks the comparison that it is on. */
export type Command = Action | Pick<Extract<FromCompare, { type: 'vote' }>, 'type' | 'vote'>;

/** What of a keyboard event matters here. */
export interface Stroke {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly repeat: boolean;
}

/** The key of a tie: with more than two answers 3 is the third. */
export function tieKey(answers: number): string {
  return answers > 2 ? 'T' : '3';
}

/** The keys as the overlay shows them; those that labeling has too mean the same. */
export function keyHelp(answers: number): readonly (readonly [string, string])[] {
  const digits = Array.from({ length: Math.min(9, answers) }, (_, index) => String(index + 1));
  return [
    [digits.join(', '), answers > 2 ? 'This answer is the best' : 'This answer is better'],
    [digits.map((digit) => `Shift+${digit}`).join(', '), answers > 2 ? 'Much better than the others' : 'Much better'],
    [answers > 2 ? 'T' : '3, T', 'Tie: equally good'],
    ['0', answers > 2 ? 'All are bad' : 'Both are bad'],
    ['S', 'Skip: cannot say'],
    ['U', 'Take back the last vote, as often as needed'],
    ['←, →', 'The prompt before, the next one'],
    ['B', 'Blind: hide who answered, in random order'],
    ['D', answers > 2 ? 'Mark the words that the first shown lacks' : 'Mark the words that only one answer has'],
    ...(answers > 2 ? ([['V', 'Count against another one']] as const) : []),
    ['O', 'Compare other checkpoints'],
    ['?', 'Show or hide these keys'],
  ];
}

/**
 * What a key asks for; undefined where it is no business of the panel. A key that is held down votes once: it must not
 * vote on the comparisons that follow.
 */
export function commandOf(stroke: Stroke, answers: number, blind: boolean): Command | undefined {
  if (stroke.ctrlKey || stroke.metaKey || stroke.altKey) return undefined;
  if (stroke.key === 'Escape') return { type: 'close' };
  if (stroke.key === 'ArrowRight') return { type: 'move', by: 1 };
  if (stroke.key === 'ArrowLeft') return { type: 'move', by: -1 };
  if (stroke.repeat) return undefined;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(stroke.code)?.[1] ?? stroke.key;
  if (/^\d$/.test(digit)) {
    const number = Number(digit);
    if (number >= 1 && number <= answers)
      return { type: 'vote', vote: { kind: 'better', place: number - 1, much: stroke.shiftKey } };
    if (stroke.shiftKey) return undefined;
    if (number === 0 && answers > 0) return { type: 'vote', vote: { kind: 'both_bad' } };
    return number === 3 && answers === 2 ? { type: 'vote', vote: { kind: 'tie' } } : undefined;
  }
  if (stroke.key === '?') return { type: 'help' };
  if (stroke.shiftKey) return undefined;
  switch (letterOf(stroke)) {
    case 't':
      return answers > 0 ? { type: 'vote', vote: { kind: 'tie' } } : undefined;
    case 's':
      return answers > 0 ? { type: 'vote', vote: { kind: 'skip' } } : undefined;
    case 'u':
      return { type: 'undo' };
    case 'b':
      return { type: 'blind', on: !blind };
    case 'd':
      return { type: 'differences' };
    case 'v':
      return answers > 2 ? { type: 'against' } : undefined;
    case 'o':
      return { type: 'choose' };
    default:
      return undefined;
  }
}

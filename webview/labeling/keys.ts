import type { Choice, Place, Verdict } from '../../src/protocol/labeling';

export type Command =
  | { readonly type: 'choose'; readonly choice: Choice; readonly much: boolean }
  | { readonly type: 'undo' | 'rationale' | 'rate' | 'guideline' | 'differences' | 'help' | 'close' }
  | { readonly type: 'edit'; readonly place: Place }
  /** One answer for itself; the same again takes it back. */
  | { readonly type: 'verdict'; readonly place: Place; readonly verdict: Verdict };

/** What of a keyboard event matters here. */
export interface Stroke {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly repeat: boolean;
  readonly isComposing: boolean;
}

/** The keys as the overlay shows them. */
export const KEY_HELP: readonly (readonly [string, string])[] = [
  ['1, 2', 'A or B is better'],
  ['Shift+1, Shift+2', 'A or B is much better'],
  ['3', 'Tie: equally good'],
  ['0', 'Both are bad'],
  ['S', 'Skip: cannot say'],
  ['U', 'Take back the last label, as often as needed'],
  ['R', 'Write a rationale (Escape returns)'],
  ['L', 'Rate by criterion: 1 to 5, arrows move, Escape returns'],
  ['A, Shift+A', 'Accept A or B as it is: a demonstration'],
  ['X, Shift+X', 'Reject A or B'],
  ['E, Shift+E', 'Edit A or B: a demonstration, and better than what it mends'],
  ['D', 'Mark the words that only one answer has'],
  ['G', 'Show or hide the guideline'],
  ['?', 'Show or hide these keys'],
];

const DIGITS: Readonly<Record<string, Choice>> = { '1': 'first', '2': 'second', '3': 'tie', '0': 'both_bad' };

/**
 * What a key asks for; undefined where it is no business of the panel. `typing`: a text field has the focus, where
 * only Escape counts. A key that is held down chooses once: it must not label the pairs that follow.
 */
export function commandOf(stroke: Stroke, typing: boolean): Command | undefined {
  if (stroke.ctrlKey || stroke.metaKey || stroke.altKey || stroke.isComposing) return undefined;
  if (stroke.key === 'Escape') return { type: 'close' };
  if (typing || stroke.repeat) return undefined;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(stroke.code)?.[1] ?? stroke.key;
  const choice = DIGITS[digit];
  if (choice) {
    const better = choice === 'first' || choice === 'second';
    return better || !stroke.shiftKey ? { type: 'choose', choice, much: better && stroke.shiftKey } : undefined;
  }
  if (stroke.key === '?') return { type: 'help' };
  const letter = letterOf(stroke);
  const place = stroke.shiftKey ? 'second' : 'first';
  if (letter === 'e') return { type: 'edit', place };
  if (letter === 'a') return { type: 'verdict', place, verdict: 'accept' };
  if (letter === 'x') return { type: 'verdict', place, verdict: 'reject' };
  if (stroke.shiftKey) return undefined;
  switch (letter) {
    case 's':
      return { type: 'choose', choice: 'skip', much: false };
    case 'u':
      return { type: 'undo' };
    case 'r':
      return { type: 'rationale' };
    case 'l':
      return { type: 'rate' };
    case 'g':
      return { type: 'guideline' };
    case 'd':
      return { type: 'differences' };
    default:
      return undefined;
  }
}

/** The letter that stands on the key; on a keyboard of another script the letter at the same place. */
export function letterOf({ key, code }: Pick<Stroke, 'key' | 'code'>): string | undefined {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  // Digits, dead keys and marks are no letters of another script.
  if (!/^\p{L}$/u.test(key)) return undefined;
  return /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase();
}

/** A rendered row: token ids and which of them are learnt. */
export interface Example {
  /** [tokens] */
  ids: Int32Array;
  /** [tokens]; 1 = this token, predicted from those before it, is learnt. Token 0 never is: nothing predicts it. */
  mask: Uint8Array;
  /** Place of the row in its data, from 0. */
  row: number;
  file: string;
  /** Line of the row in its file, from 1. */
  line: number;
  /** Tokens cut off at the end to keep within max_length. */
  cut: number;
  /** Whether every learnt turn ends with a token that ends generation (false also where the end was cut off). */
  terminated: boolean;
  /** What was odd in rendering this row; each kind at most once. */
  notes: readonly ExampleNote[];
}

/** A peculiarity of a rendered row: a kind to count by and words for the first such row. */
export interface ExampleNote {
  kind: 'boundary' | 'rewritten' | 'prompt-differs' | 'double-bos' | 'terminator' | 'control-text' | 'empty-answer';
  text: string;
}

/** Number of learnt tokens. */
export function learntTokens(mask: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < mask.length; i++) count += mask[i];
  return count;
}

import type { Tokenizer } from './tokenizer';

/**
 * Where each token's text ends in `text`, in UTF-16 units, never falling. `text` is what the tokens decode to without
 * control tokens, or a part of it (blanks at its ends cut off): tokens before it end at 0, those behind it at its end. A
 * token that does not complete a character ends where that character begins. Undefined where the tokens do not say `text`.
 */
export function tokenEnds(
  ids: readonly number[] | Int32Array,
  text: string,
  tokenizer: Tokenizer,
): number[] | undefined {
  const stream = tokenizer.stream({ skipSpecial: true });
  let said = '';
  const ends = Array.from(ids, (id) => (said += stream.push(id)).length);
  const rest = stream.end();
  if (rest !== '') {
    said += rest;
    // a character that was never completed belongs to the last token that has text
    for (let i = ends.length - 1; i >= 0; i--) {
      ends[i] = said.length;
      if (!tokenizer.isControl(ids[i])) break;
    }
  }
  const start = said.lastIndexOf(text);
  if (start < 0) return undefined;
  return ends.map((end) => Math.min(Math.max(0, end - start), text.length));
}

import { tokenEnds } from '../../models/token-ends';
import type { Tokenizer } from '../../models/tokenizer';
import type { RenderedAnswer } from '../preferences/preference-pairs';

/**
 * The tokens at which a reward model is read for the beginnings of an answer: the last one of the prompt; for each of
 * `ends`, places in the answer's text in rising order, the last one of its own tokens that reaches no further; and for the
 * last of them the one that ends the turn, where the model scores. Its tokens may be others than the policy's. Undefined
 * where its tokens do not say the text.
 */
export function prefixPlaces(
  { ids, from }: Pick<RenderedAnswer, 'ids' | 'from'>,
  { text, ends }: { text: string; ends: readonly number[] },
  tokenizer: Tokenizer,
): number[] | undefined {
  const own = tokenEnds(ids.subarray(from), text, tokenizer);
  if (!own) return undefined;
  let next = 0;
  let place = from - 1;
  let reached = 0;
  const within = ends.slice(0, -1).map((end) => {
    for (; next < own.length && own[next] <= end; next++)
      // of tokens that end at one place the first: those behind it begin a character
      if (own[next] > reached) {
        reached = own[next];
        place = from + next;
      }
    return place;
  });
  return [from - 1, ...within, ids.length - 1];
}

import type { Label, LabelValue } from '../../data/labels/labels';
import type { Showing } from '../../data/labels/order';
import type { Pair } from '../../data/labels/pairs';
import type { LabelDraft } from '../../data/labels/store';
import type { Clipped, Draft, Judgement, Part, Place, ShownPair } from '../../protocol/labeling';

/** Characters of a text that are sent ahead; the rest comes when it is asked for. */
const MOST_SENT = 20_000;

/** The side of the pair that stands at a place. */
export function sideAt(shown: Showing['shown'], place: Place): 'a' | 'b' {
  return (place === 'first') === (shown === 'ab') ? 'a' : 'b';
}

/** What the panel may know of a pair: no side, no model. */
export function shownPair(pair: Pair, { shown }: Showing, key: string): ShownPair {
  const prompt =
    typeof pair.prompt === 'string'
      ? [{ role: 'prompt', ...clipped(pair.prompt) }]
      : pair.prompt.map(({ role, content }) => ({ role, ...clipped(content) }));
  const first = clipped(pair[sideAt(shown, 'first')]);
  const second = clipped(pair[sideAt(shown, 'second')]);
  return { key, prompt, first, second, tags: pair.tags };
}

/** A part of a pair in full. */
export function wholeText(pair: Pair, { shown }: Showing, part: Part): string | undefined {
  if (typeof part !== 'number') return pair[sideAt(shown, part)];
  if (typeof pair.prompt === 'string') return part === 0 ? pair.prompt : undefined;
  return pair.prompt[part]?.content;
}

function clipped(text: string): Clipped {
  if (text.length <= MOST_SENT) return { text, length: text.length };
  // Not in the middle of a character.
  const last = text.charCodeAt(MOST_SENT - 1);
  const end = last >= 0xd800 && last < 0xdc00 ? MOST_SENT - 1 : MOST_SENT;
  return { text: text.slice(0, end), length: text.length };
}

/** A choice in the pair's own order. */
export function labelValue({ choice, much }: Pick<Judgement, 'choice' | 'much'>, shown: Showing['shown']): LabelValue {
  if (choice === 'both_bad' || choice === 'skip') return choice;
  if (choice === 'tie') return 0;
  if (sideAt(shown, choice) === 'a') return much ? -2 : -1;
  return much ? 2 : 1;
}

/** What the panel entered, as a label of the pair's own sides. */
export function labelDraft(showing: Showing, judgement: Judgement, guideline: string | null): LabelDraft {
  const { shown } = showing;
  const at = { first: sideAt(shown, 'first'), second: sideAt(shown, 'second') };
  const ratings = Object.entries(judgement.ratings)
    .filter(([, { first, second }]) => first !== undefined || second !== undefined)
    .map(([criterion, { first, second }]): [string, { a?: number; b?: number }] => [
      criterion,
      { [at.first]: first, [at.second]: second },
    ]);
  const { verdicts, edit, rationale } = judgement;
  return {
    pair: showing.pair,
    ms: judgement.ms,
    guideline,
    shown,
    value: labelValue(judgement, shown),
    ...(ratings.length > 0 && { ratings: Object.fromEntries(ratings) }),
    ...((verdicts.first ?? verdicts.second) && {
      verdicts: { [at.first]: verdicts.first, [at.second]: verdicts.second },
    }),
    ...(rationale.trim() !== '' && { rationale: rationale.trim() }),
    ...(edit && { edit: { side: at[edit.place], text: edit.text } }),
    ...(showing.repeat && { repeat: true as const }),
  };
}

/** What a label that was taken back held, to go on from. */
export function draftOf({ shown, ratings = {}, verdicts = {}, rationale = '', edit }: Label): Draft {
  const [first, second] = [sideAt(shown, 'first'), sideAt(shown, 'second')];
  const given = <T>(place: Place, value: T | undefined) => (value === undefined ? {} : { [place]: value });
  return {
    rationale,
    ratings: Object.fromEntries(
      Object.entries(ratings).map(([criterion, sides]) => [
        criterion,
        { ...given('first', sides[first]), ...given('second', sides[second]) },
      ]),
    ),
    verdicts: { ...given('first', verdicts[first]), ...given('second', verdicts[second]) },
    edit: edit ? { place: edit.side === first ? 'first' : 'second', text: edit.text } : null,
  };
}

/** A label's value in the words of the panel, by the place where the answer stood. */
export function labelWords({ value, shown }: Pick<Label, 'value' | 'shown'>): string {
  if (value === 'both_bad') return 'both bad';
  if (value === 'skip') return 'skipped';
  if (value === 0) return 'tie';
  const letter = sideAt(shown, 'first') === (value < 0 ? 'a' : 'b') ? 'A' : 'B';
  return `${letter} ${Math.abs(value) === 2 ? 'much better' : 'better'}`;
}

import type { TokenScores } from '../../runs/token-scores';
import type { Span } from './comments-anchor';
import { MOST_SHOWN, shownPlaces, type PlacedAnswer } from './text';

/** What a reward model says of an answer up to a place, and up to the token before. */
export interface RewardStep {
  readonly before: number;
  readonly after: number;
}

/**
 * A stretch of an answer's text with the figures of its tokens: of one, or of several that make up a character together.
 * The last may be without text: the token that ends the turn.
 */
export interface TokenSpan extends Span {
  readonly tokens: number;
  /** log π and log π_ref, of several tokens their sums. */
  readonly logp: number;
  readonly reference: number;
  /** log π − log π_ref. */
  readonly kl: number;
  /** V before it. */
  readonly value?: number;
  readonly rewards: ReadonlyMap<string, RewardStep>;
}

/** The tokens of an answer by the text that they stand for; places in its stored text. */
export function tokenSpans(scores: TokenScores): TokenSpan[] {
  const { ends, logp, reference, values, prefix_rewards: rewards = {} } = scores;
  const spans: TokenSpan[] = [];
  const sum = (numbers: readonly number[], from: number, to: number): number =>
    numbers.slice(from, to).reduce((total, x) => total + x, 0);
  let from = 0;
  let start = 0;
  ends.forEach((end, token) => {
    const last = token === ends.length - 1;
    // A token without text belongs to the next one that has some.
    if (end === start && !last) return;
    const to = token + 1;
    const [own, theirs] = [sum(logp, from, to), sum(reference, from, to)];
    spans.push({
      start,
      end,
      tokens: to - from,
      logp: own,
      reference: theirs,
      kl: own - theirs,
      ...(values && { value: values[from] }),
      rewards: new Map(
        Object.entries(rewards).map(([name, along]) => [name, { before: along[from] ?? NaN, after: along[to] ?? NaN }]),
      ),
    });
    from = to;
    start = end;
  });
  return spans;
}

/** A place in the document. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

export interface PlacedSpan extends TokenSpan {
  readonly from: Place;
  readonly to: Place;
}

const placed = new WeakMap<PlacedAnswer, readonly PlacedSpan[]>();

/** The tokens of an answer where they stand in the document; none where nothing is known of them. */
export function placedSpans(answer: PlacedAnswer): readonly PlacedSpan[] {
  if (!answer.tokens) return [];
  const known = placed.get(answer);
  if (known) return known;
  const spans = tokenSpans(answer.tokens);
  const shown = shownPlaces(
    answer.text,
    spans.map(({ end }) => end),
  );
  let line = answer.first;
  let lineStart = 0;
  const placeOf = (at: number): Place => {
    for (;;) {
      const next = answer.shown.indexOf('\n', lineStart);
      if (next < 0 || next >= at) return { line, character: at - lineStart };
      line++;
      lineStart = next + 1;
    }
  };
  let from = placeOf(0);
  const cut = answer.text.length > MOST_SHOWN;
  const result = spans.flatMap((span, i): PlacedSpan[] => {
    const own = { ...span, from, to: placeOf(shown[i]) };
    from = own.to;
    const empty = own.from.line === own.to.line && own.from.character === own.to.character;
    // Text that is not shown has no place; the end of the turn has the one behind the text.
    return empty && (span.end > span.start || cut) ? [] : [own];
  });
  placed.set(answer, result);
  return result;
}

/** The tokens at a place of the document; behind the last character of an answer those that end it. */
export function spanAt(answer: PlacedAnswer, { line, character }: Place): PlacedSpan | undefined {
  const reaches = (place: Place): boolean => place.line > line || (place.line === line && place.character > character);
  const spans = placedSpans(answer);
  const found = spans.find(({ to }) => reaches(to));
  if (found) return reaches(found.from) ? undefined : found;
  const last = spans.at(-1);
  return last && last.to.line === line && last.to.character === character ? last : undefined;
}

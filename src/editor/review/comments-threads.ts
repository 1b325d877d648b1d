import type { AnswerComment, CommentTarget } from '../../data/labels/comments';
import { anchorOf, placeIn, positionIn } from './comments-anchor';
import { answerAt, type PlacedAnswer, type ReviewText } from './text';

/** Lines and characters in the document, from 0. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

/** Comments on one span of one answer, the first one first. */
export interface Thread {
  readonly key: string;
  readonly comments: readonly AnswerComment[];
  readonly resolved: boolean;
  readonly start: Place;
  readonly end: Place;
  /** False where the answer no longer has the quote: the thread then stands at the answer's head. */
  readonly found: boolean;
}

/** A span of an answer that can be commented. */
export interface Quoted {
  readonly target: CommentTarget;
  readonly quote: string;
  readonly start: number;
}

export function threadKey({ target, quote, start }: Quoted): string {
  const of = 'run' in target ? [target.run, target.sample] : [target.pair, target.side];
  return JSON.stringify([...of, start, quote]);
}

/** The threads of a document: the comments on its answers, put where their quotes stand now. */
export function threadsOf({ answers }: Pick<ReviewText, 'answers'>, comments: readonly AnswerComment[]): Thread[] {
  const known = new Map(answers.flatMap((answer) => targetsOf(answer).map((target) => [nameOf(target), answer])));
  const groups = new Map<string, { answer: PlacedAnswer; comments: AnswerComment[] }>();
  for (const comment of comments) {
    const answer = known.get(nameOf(comment.target));
    if (!answer) continue;
    const key = threadKey(comment);
    const group = groups.get(key) ?? { answer, comments: [] };
    groups.set(key, group);
    group.comments.push(comment);
  }
  return [...groups].map(([key, group]) => {
    const { quote, start, resolved } = group.comments[0];
    return { key, comments: group.comments, resolved, ...spanOf(group.answer, quote, start) };
  });
}

function spanOf(answer: PlacedAnswer, quote: string, start: number): Pick<Thread, 'start' | 'end' | 'found'> {
  const span = anchorOf(answer.shown, quote, start);
  const head = { line: answer.head, character: 0 };
  if (!span) return { start: head, end: head, found: false };
  const place = (at: number): Place => {
    const { line, character } = positionIn(answer.shown, at);
    return { line: answer.first + line, character };
  };
  return { start: place(span.start), end: place(span.end), found: true };
}

/** What is commented by a selection: the part of it within its first answer, without blanks at the ends. */
export function quotedAt(review: ReviewText, start: Place, end: Place): Quoted | undefined {
  const answer = answerAt(review, start.line) ?? answerAt(review, end.line);
  const target = answer && targetsOf(answer)[0];
  if (!answer || !target) return undefined;
  const place = ({ line, character }: Place): number => placeIn(answer.shown, line - answer.first, character);
  const empty = start.line === end.line && start.character === end.character;
  const from = place(empty ? { line: start.line, character: 0 } : start);
  const to = place(empty ? { line: end.line, character: Infinity } : end);
  const words = answer.shown.slice(from, to);
  // A blank line, or the head: the whole answer is meant.
  if (words.trim() === '') return { target, quote: answer.shown.trim(), start: leading(answer.shown) };
  return { target, quote: words.trim(), start: from + leading(words) };
}

function leading(text: string): number {
  return text.length - text.trimStart().length;
}

function targetsOf({ run, sample, sides }: PlacedAnswer): CommentTarget[] {
  if (run !== undefined && sample !== undefined) return [{ run, sample }];
  return (sides ?? []).map(({ pair, side }) => ({ pair, side }));
}

function nameOf(target: CommentTarget): string {
  return 'run' in target ? `${target.run}\n${target.sample}` : `${target.pair}\n${target.side}`;
}

/** A tag that stands before what was written: `#false The river is elsewhere.` */
export function taggedText(written: string): { tag: string | null; text: string } {
  const found = /^\s*#([\p{L}\p{N}][\p{L}\p{N}_-]*)(?:\s+|$)/u.exec(written);
  return { tag: found?.[1] ?? null, text: written.slice(found?.[0].length ?? 0).trim() };
}

/** A comment as it is written: the other way round. */
export function writtenText({ tag, text }: Pick<AnswerComment, 'tag' | 'text'>): string {
  return tag === null ? text : `#${tag} ${text}`;
}

import { visibleText } from '../../protocol/visible-text';
import type { Message } from '../../runs/format';
import type { TokenScores } from '../../runs/token-scores';
import { metricText } from '../words';

/** Columns of the rule over a prompt. */
const WIDTH = 72;
/** Characters of an answer that are shown: VS Code stops colouring lines at about this length, and nobody reads on. */
export const MOST_SHOWN = 20_000;

/** An answer to be read, from a run's samples or a stage's pairs. */
export interface ReviewAnswer {
  /** Unique in its document, and the same when the document is built again. */
  readonly key: string;
  readonly text: string;
  /** A stage, or a model as the config names it. */
  readonly model: string;
  readonly step?: number;
  /** Tells answers of one model to one prompt apart, from 1; undefined where there is one. */
  readonly number?: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly tokens?: TokenScores;
  /** What an alarm said of it. */
  readonly alarms?: readonly string[];
  readonly run?: string;
  /** The row of the run's samples.jsonl, from 0. */
  readonly sample?: number;
  /** The pairs that it is a side of, where it was read from pairs. */
  readonly sides?: readonly { readonly pair: string; readonly side: 'a' | 'b' }[];
}

/** A prompt and its answers. */
export interface ReviewPrompt {
  /** The prompt's row in its file, or its place in the document. */
  readonly name: string;
  readonly prompt: string | readonly Message[];
  readonly tags: readonly string[];
  readonly answers: readonly ReviewAnswer[];
}

/** Where an answer stands in the document. Lines count from 0. */
export interface PlacedAnswer extends ReviewAnswer {
  /** The line with model and step. */
  readonly head: number;
  /** First and last line of the text. */
  readonly first: number;
  readonly last: number;
  /** The text as the document shows it, without the note on what was cut. */
  readonly shown: string;
  readonly block: PlacedPrompt;
}

export interface PlacedPrompt extends Omit<ReviewPrompt, 'answers'> {
  readonly line: number;
  readonly last: number;
  readonly answers: readonly PlacedAnswer[];
}

export interface ReviewText {
  readonly text: string;
  readonly prompts: readonly PlacedPrompt[];
  readonly answers: readonly PlacedAnswer[];
}

/**
 * Answers as a document to read and judge: a block a prompt, in it the answers in their order. Plain text that copies
 * well; what is not text (scores, what can be done) stands beside it as inlays and lenses. Nothing in an answer acts:
 * control and direction characters are shown as signs, a line that looks like one of ours is moved by a blank, and
 * what is longer than `MOST_SHOWN` characters is cut with a note.
 *
 * @param legend the document's first line, where its colours need one
 */
export function reviewText(prompts: readonly ReviewPrompt[], legend?: string): ReviewText {
  const lines: string[] = legend === undefined ? [] : [legend];
  const placed = prompts.map((prompt): PlacedPrompt => {
    if (lines.length > 0) lines.push('');
    const line = lines.length;
    lines.push(rule(prompt), ...shownText(promptText(prompt.prompt)).lines);
    const answers: PlacedAnswer[] = [];
    const block = { ...prompt, line, last: 0, answers };
    for (const answer of prompt.answers) {
      const { lines: own, shown, note } = shownText(answer.text);
      const head = lines.length + 1;
      lines.push('', answerHead(answer), ...own, ...note);
      answers.push({ ...answer, head, first: head + 1, last: head + own.length, shown, block });
    }
    block.last = lines.length - 1;
    return block;
  });
  return { text: `${lines.join('\n')}\n`, prompts: placed, answers: placed.flatMap(({ answers }) => answers) };
}

function rule({ name, tags }: ReviewPrompt): string {
  const left = `── prompt ${inline(name)} `;
  const right = tags.length > 0 ? ` ${tags.length > 1 ? 'tags' : 'tag'}: ${tags.map(inline).join(', ')}` : '';
  return left + '─'.repeat(Math.max(3, WIDTH - left.length - right.length)) + right;
}

/** The line over an answer: `─ ppo @ 1200`, `─ sft #2`. */
export function answerHead(answer: Pick<ReviewAnswer, 'model' | 'step' | 'number'>): string {
  return `─ ${answerName(answer)}`;
}

/** An answer's name in lenses, titles and messages. */
export function answerName({ model, step, number }: Pick<ReviewAnswer, 'model' | 'step' | 'number'>): string {
  return [inline(model), ...(step === undefined ? [] : [`@ ${step}`]), ...(number === undefined ? [] : [`#${number}`])]
    .join(' ')
    .trim();
}

/** Lines that only this document may write. */
const OURS = /^(?=─)/gm;

function shownText(text: string): { lines: string[]; shown: string; note: string[] } {
  // Cut first: making a megabyte visible takes a while.
  const cut = text.length > MOST_SHOWN ? text.slice(0, wholeCharacters(text, MOST_SHOWN)) : text;
  const shown = visibleText(cut).trimEnd().replace(OURS, ' ');
  const rest = text.length - cut.length;
  const said =
    rest > 0 ? `${rest.toLocaleString('en-US')} more characters are not shown` : shown === '' ? 'an empty answer' : '';
  const note = said === '' ? [] : [`─ … ${said}`];
  return { lines: shown.split('\n'), shown, note };
}

/**
 * Where places in an answer's text, in rising order, stand in what is shown of it: characters that are shown as signs are
 * longer there, line ends may be shorter. A place within a character or a line end counts as one before it.
 */
export function shownPlaces(text: string, places: readonly number[]): number[] {
  const most = shownText(text).shown.length;
  let from = 0;
  let at = 0;
  let lineBegins = true;
  return places.map((place) => {
    const to = Math.max(from, wholeCharacters(text, Math.min(place, MOST_SHOWN)));
    const piece = visibleText(text.slice(from, to));
    // Whether a line begins here the piece alone does not know.
    const before = lineBegins ? '' : ' ';
    at += (before + piece).replace(OURS, ' ').length - before.length;
    if (piece !== '') lineBegins = piece.endsWith('\n');
    from = to;
    return Math.min(at, most);
  });
}

/** The place, or the one before where it would part the two halves of a character or of a line end. */
function wholeCharacters(text: string, place: number): number {
  const pair = text.slice(place - 1, place + 1);
  return /^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)$/.test(pair) ? place - 1 : place;
}

/** A name as part of a line. */
function inline(text: string): string {
  const line = visibleText(text).replace(/\s+/g, ' ').trim();
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}

/** The user's words of a prompt; of a conversation every turn with its role. */
export function promptText(prompt: string | readonly Message[]): string {
  if (typeof prompt === 'string') return prompt;
  const only = prompt[0];
  if (prompt.length === 1 && only?.role === 'user') return only.content;
  return prompt.map(({ role, content }) => `${role}: ${content}`).join('\n');
}

/** A figure of an answer, as an inlay behind its head. */
export interface Figure {
  readonly label: string;
  readonly tooltip: string;
}

const NAMES: Readonly<Record<string, string>> = { kl: 'KL' };
const MEANINGS: Readonly<Record<string, string>> = {
  reward:
    'What the reward model or rule gives this answer. Higher is better for it; whether it is right is for you to say.',
  kl: 'How far the policy has moved from the reference on this answer: Σ log π(token) − log π_ref(token), in nats.',
};

/** KL where the policy has not moved yet is 0 but for rounding; the tooltip has the figure. */
const NO_KL = 5e-4;

/** The figures of an answer: its scores, its length, and what an alarm said. */
export function figuresOf({ scores, text, alarms = [] }: ReviewAnswer): Figure[] {
  const words = text.split(/\s+/).filter(Boolean).length;
  const count = [...text.slice(0, 1_000_000)].length;
  return [
    ...Object.entries(scores).map(([name, value]) => ({
      label: `${NAMES[name] ?? inline(name)} ${metricText(name === 'kl' && Math.abs(value) < NO_KL ? 0 : value)}`,
      tooltip: [`${inline(name)} = ${value}`, MEANINGS[name]].filter(Boolean).join('\n'),
    })),
    { label: `${words} ${words === 1 ? 'word' : 'words'}`, tooltip: `${count} characters` },
    ...alarms.map((alarm) => ({ label: `▲ ${inline(alarm)}`, tooltip: 'An alarm of this run names this answer.' })),
  ];
}

/** The answer at a line (from 0): the one that the line belongs to, else undefined. */
export function answerAt({ answers }: ReviewText, line: number): PlacedAnswer | undefined {
  return answers.find(({ head, last }) => line >= head - 1 && line <= last + 1);
}

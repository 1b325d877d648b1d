import { kindOf, type JsonObject } from '../jsonl';
import type { Message } from '../rows';
import { readLenient, type RowFault } from './lenient-jsonl';
import { badRow, messagesOf, promptToJson, type Pair } from './pairs';

/** One answer preferred to another: a row of a preference data set. */
export interface Preference {
  prompt: string | Message[];
  chosen: string;
  rejected: string;
  tags: string[];
}

export interface PreferencesContent {
  /** `margin`: by how much the data say that the chosen answer is better, where they have that column. */
  rows: (Preference & { line: number; margin?: number })[];
  faults: RowFault[];
  /** Rows by the way in which they are written. */
  formats: Record<PreferenceFormat, number>;
}

/** TRL's `prompt, chosen, rejected`; its `chosen, rejected` with the prompt in both; hh-rlhf's transcripts. */
export type PreferenceFormat = 'explicit' | 'implicit' | 'transcript';

/**
 * Reads a preference data set: TRL's explicit and implicit format, with strings or messages, and transcripts as in
 * Anthropic's hh-rlhf. Bad rows are reported with file and line and left out.
 */
export function readPreferences(file: string): PreferencesContent {
  const { rows, faults } = readLenient(file);
  const content: PreferencesContent = { rows: [], faults, formats: { explicit: 0, implicit: 0, transcript: 0 } };
  for (const { line, value } of rows) {
    const read = parsePreference(value);
    if (typeof read === 'string') {
      faults.push({ file, line, ...badRow('preference', read) });
      continue;
    }
    const { tags, margin } = value;
    const column = typeof margin === 'number' && Number.isFinite(margin) ? { margin } : {};
    const names = Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
    content.formats[read.format]++;
    content.rows.push({ ...read.preference, tags: names, line, ...column });
  }
  faults.sort((x, y) => x.line - y.line);
  return content;
}

interface Parsed {
  format: PreferenceFormat;
  preference: Omit<Preference, 'tags'>;
}

/** A preference, or why the row is none. */
function parsePreference({ prompt, chosen, rejected }: JsonObject): Parsed | string {
  if (typeof chosen === 'string' && typeof rejected === 'string') {
    if (typeof prompt === 'string') return { format: 'explicit', preference: { prompt, chosen, rejected } };
    const turns = prompt === undefined ? null : messagesOf(prompt);
    if (turns) return { format: 'explicit', preference: { prompt: turns, chosen, rejected } };
    if (prompt !== undefined && prompt !== null) return `prompt is ${kindOf(prompt)}, must be a string or messages`;
    if (isTranscript(chosen) && isTranscript(rejected))
      return fromMessages('transcript', turnsOf(chosen), turnsOf(rejected));
    return cutStrings(chosen, rejected);
  }
  const better = messagesOf(chosen);
  const worse = messagesOf(rejected);
  if (better === null) return `chosen is ${kindOf(chosen)}, must be a string or a list of messages`;
  if (worse === null) return `rejected is ${kindOf(rejected)}, must be a string or a list of messages, as chosen is`;
  // Some data sets have the prompt as a column and in both lists as well: the lists then hold all of it.
  const alone = better.length === 1 && worse.length === 1;
  if (!alone || prompt === undefined || prompt === null) return fromMessages('implicit', better, worse);
  const before = typeof prompt === 'string' ? [{ role: 'user' as const, content: prompt }] : messagesOf(prompt);
  if (before === null) return `prompt is ${kindOf(prompt)}, must be a string or a list of messages`;
  return fromMessages('explicit', [...before, ...better], [...before, ...worse]);
}

/** The prompt is what both conversations begin with; one answer of the assistant must be left of each. */
function fromMessages(format: PreferenceFormat, chosen: Message[], rejected: Message[]): Parsed | string {
  const most = Math.min(chosen.length, rejected.length) - 1;
  let shared = 0;
  while (shared < most && sameMessage(chosen[shared], rejected[shared])) shared++;
  if (shared === 0) return 'chosen and rejected have no beginning in common: give a prompt';
  for (const [name, messages] of [['chosen', chosen] as const, ['rejected', rejected] as const]) {
    const [answer, ...more] = messages.slice(shared);
    if (answer.role !== 'assistant' || more.length > 0)
      return `${name} goes on for ${messages.length - shared} turns where the two part, must be one of the assistant`;
  }
  const prompt = chosen.slice(0, shared);
  return { format, preference: { prompt, chosen: chosen[shared].content, rejected: rejected[shared].content } };
}

function sameMessage(one: Message, other: Message): boolean {
  return one.role === other.role && JSON.stringify(promptToJson([one])) === JSON.stringify(promptToJson([other]));
}

const TURN = /\n\n(Human|Assistant):/;

function isTranscript(text: string): boolean {
  return /^\s*Human:/.test(text) && text.includes('\n\nAssistant:');
}

/** The turns of `\n\nHuman: … \n\nAssistant: …`. Two of one speaker in a row are one: templates want them to alternate. */
function turnsOf(transcript: string): Message[] {
  const [, ...parts] = `\n\n${transcript.trimStart()}`.split(TURN);
  const turns: Message[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const role = parts[i] === 'Human' ? 'user' : 'assistant';
    const content = parts[i + 1].trim();
    const last = turns.at(-1);
    if (last?.role === role) last.content = `${last.content}\n\n${content}`;
    else turns.push({ role, content });
  }
  return turns;
}

/** What stands before an answer in texts that were rendered from conversations. */
const MARKER =
  /\n(?:Assistant|AI|Bot):|<\|assistant\|>\n?|<\|im_start\|>assistant\n|### (?:Response|Assistant):\n?|\[\/INST\]/g;

/**
 * Cuts the common beginning off at the last turn marker in it, else before its last blank: the first differing
 * character may stand within a word or a token.
 */
function cutStrings(chosen: string, rejected: string): Parsed | string {
  const most = Math.min(chosen.length, rejected.length) - 1; // something must be left of both
  let shared = 0;
  while (shared < most && chosen[shared] === rejected[shared]) shared++;
  const beginning = chosen.slice(0, shared);
  const marker = [...beginning.matchAll(MARKER)].at(-1);
  const blank = beginning.search(/\s\S*$/);
  const cut = marker ? marker.index + marker[0].length : blank;
  if (cut <= 0) return 'chosen and rejected have no beginning in common: give a prompt';
  const preference = { prompt: chosen.slice(0, cut), chosen: chosen.slice(cut), rejected: rejected.slice(cut) };
  return { format: 'implicit', preference };
}

/** A row in TRL's explicit preference format: conversational where the prompt is a list of messages. */
export function preferenceToJson({ prompt, chosen, rejected }: Omit<Preference, 'tags'>): JsonObject {
  if (typeof prompt === 'string') return { prompt, chosen, rejected };
  const answer = (content: string): JsonObject[] => [{ role: 'assistant', content }];
  return { prompt: promptToJson(prompt), chosen: answer(chosen), rejected: answer(rejected) };
}

/** The preference for one side of a pair. */
export function preferenceFor({ prompt, a, b, tags }: Pair, better: 'a' | 'b'): Preference {
  return better === 'a' ? { prompt, chosen: a, rejected: b, tags } : { prompt, chosen: b, rejected: a, tags };
}

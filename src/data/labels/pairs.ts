import { createHash } from 'node:crypto';
import { isObject, kindOf, type JsonObject } from '../jsonl';
import type { Message } from '../rows';
import { ROLES } from '../rows';
import { readLenient, type RowFault } from './lenient-jsonl';

/** The version of pairs and labels that this code writes; readers accept all older ones. */
export const LABELS_VERSION = 1;

/** The name of the pairs' file within `labels/<stage>/`. */
export const PAIRS_FILE = 'pairs.jsonl';

/** Where an answer came from. Keys that this code does not know are kept. */
export interface AnswerProvenance {
  /** A stage, a run or a folder, as the config names it. */
  model?: string;
  run?: string;
  step?: number;
  /** Which of the prompt's answers it is, from 0. */
  sample?: number;
  seed?: number;
  /** max_new_tokens, temperature, top_p, top_k. */
  sampling?: Record<string, unknown>;
  [key: string]: unknown;
}

export interface Provenance {
  /** `generated`, `imported`, `edited` … */
  source?: string;
  a?: AnswerProvenance;
  b?: AnswerProvenance;
  [key: string]: unknown;
}

/** Two answers to one prompt, without their ids: what a generator or an importer has. */
export interface PairDraft {
  prompt: string | Message[];
  a: string;
  b: string;
  tags?: string[];
  provenance?: Provenance;
}

/** A row of `pairs.jsonl`: two answers to one prompt, to be compared. */
export interface Pair {
  v: number;
  /** `pairId(prompt, a, b)`. */
  id: string;
  prompt: string | Message[];
  a: string;
  b: string;
  tags: string[];
  provenance: Provenance;
}

/** A message as the files hold it: its other keys beside role and content. */
export function messageToJson({ role, content, extra }: Message): Record<string, unknown> {
  return { role, content, ...extra };
}

/** A prompt as the files hold it. */
export function promptToJson(prompt: string | readonly Message[]): string | Record<string, unknown>[] {
  return typeof prompt === 'string' ? prompt : prompt.map(messageToJson);
}

/** JSON with the keys of every object in order, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0)))
      : inner,
  );
}

/** The id of a pair: 64 bits of the SHA-256 of its canonical JSON. The order of the answers counts. */
export function pairId(prompt: string | readonly Message[], a: string, b: string): string {
  const text = canonicalJson([promptToJson(prompt), a, b]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What stands for the pair's id where one answer is judged for itself. */
export function answerId(prompt: string | readonly Message[], answer: string): string {
  return pairId(prompt, answer, '');
}

/** A draft with its id and version. */
export function toPair(draft: PairDraft): Pair {
  const { prompt, a, b, tags = [], provenance = {} } = draft;
  return { v: LABELS_VERSION, id: pairId(prompt, a, b), prompt, a, b, tags, provenance };
}

/** The line of a pair, without its line end. */
export function pairToLine(pair: Pair): string {
  const { v, id, prompt, a, b, tags, provenance } = pair;
  return JSON.stringify({ v, id, prompt: promptToJson(prompt), a, b, tags, provenance });
}

export interface PairsContent {
  pairs: Pair[];
  /** The line of each pair, from 1. */
  lines: number[];
  /** Lines that could not be used. */
  faults: RowFault[];
  /** Lines whose id stood in an earlier line: a merge that kept both sides. The first counts. */
  repeated: number;
  /** The lines with a fault as they stand, without merge markers. */
  unread: Uint8Array[];
}

/**
 * Reads `pairs.jsonl`. Bad lines are reported with file and line and left out; a missing file has no pairs.
 * Nothing in the file makes this throw.
 */
export function readPairs(file: string): PairsContent {
  const { rows, faults, unread } = readLenient(file);
  const pairs: Pair[] = [];
  const lines: number[] = [];
  const seen = new Set<string>();
  let repeated = 0;
  for (const { line, value } of rows) {
    const newer = newerVersion(value.v);
    const parsed = newer ? newer.message : parsePair(value);
    if (typeof parsed === 'string') {
      unread.push(Buffer.from(JSON.stringify(value)));
      faults.push({ file, line, ...(newer ?? badRow('pair', parsed)) });
      continue;
    }
    const { id = pairId(parsed.prompt, parsed.a, parsed.b), ...rest } = parsed;
    if (seen.has(id)) repeated++;
    else {
      seen.add(id);
      pairs.push({ id, ...rest });
      lines.push(line);
    }
  }
  return { pairs, lines, faults: faults.sort((x, y) => x.line - y.line), repeated, unread };
}

/** The fault of a row that a later version wrote; null for rows that this one knows. */
export function newerVersion(v: unknown): Pick<RowFault, 'kind' | 'message' | 'hint'> | null {
  if (typeof v !== 'number' || v <= LABELS_VERSION) return null;
  const message = `the row has format version ${v}; this version knows up to ${LABELS_VERSION}`;
  return { kind: 'version', message, hint: 'update Alignment Lab to read it' };
}

/** A pair without its id where the row has none, or what is wrong with it. By hand: it is read at every click. */
function parsePair({
  v,
  id,
  prompt,
  a,
  b,
  tags,
  provenance,
}: JsonObject): (Omit<Pair, 'id'> & { id?: string }) | string {
  const turns = typeof prompt === 'string' ? prompt : messagesOf(prompt);
  if (turns === null) return `prompt is ${kindOf(prompt)}, must be a string or a list of messages`;
  if (typeof a !== 'string') return `a is ${kindOf(a)}, must be a string`;
  if (typeof b !== 'string') return `b is ${kindOf(b)}, must be a string`;
  if (v !== undefined && typeof v !== 'number') return `v is ${kindOf(v)}, must be a number`;
  if (id !== undefined && (typeof id !== 'string' || id === '')) return `id is ${kindOf(id)}, must be a name`;
  const names = tags ?? [];
  if (!isStrings(names)) return `tags is ${kindOf(tags)}, must be a list of strings`;
  const source = provenance ?? {};
  if (!isProvenance(source)) return `provenance is ${kindOf(provenance)} or has a key of the wrong kind`;
  return { v: v ?? LABELS_VERSION, id, prompt: turns, a, b, tags: names, provenance: source };
}

/** Messages as files hold them; null where they are none. */
export function messagesOf(value: unknown): Message[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const messages: Message[] = [];
  for (const item of value) {
    if (!isObject(item)) return null;
    const { role, content, ...extra } = item;
    const known = ROLES.find((name) => name === role);
    if (known === undefined || typeof content !== 'string') return null;
    messages.push(Object.keys(extra).length ? { role: known, content, extra } : { role: known, content });
  }
  return messages;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isProvenance(value: unknown): value is Provenance {
  if (!isObject(value)) return false;
  const { source, a, b } = value;
  return (source === undefined || typeof source === 'string') && [a, b].every((x) => x === undefined || isAnswer(x));
}

function isAnswer(value: unknown): value is AnswerProvenance {
  if (!isObject(value)) return false;
  const kinds = {
    model: 'string',
    run: 'string',
    step: 'number',
    sample: 'number',
    seed: 'number',
    sampling: 'object',
  };
  return Object.entries(kinds).every(([key, kind]) => value[key] === undefined || typeof value[key] === kind);
}

/** The fault of a row that lacks a field or has a wrong one. */
export function badRow(what: string, why: string): Pick<RowFault, 'kind' | 'message' | 'hint'> {
  return { kind: 'row', message: `the row is no ${what}: ${why}`, hint: 'mend or delete the line' };
}

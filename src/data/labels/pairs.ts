import { createHash } from 'node:crypto';
import { z } from 'zod';
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

const messageSchema = z
  .looseObject({ role: z.enum(ROLES), content: z.string() })
  .transform(({ role, content, ...extra }): Message =>
    Object.keys(extra).length ? { role, content, extra } : { role, content },
  );
const answerSchema = z.looseObject({
  model: z.string().optional(),
  run: z.string().optional(),
  step: z.number().optional(),
  sample: z.number().optional(),
  seed: z.number().optional(),
  sampling: z.record(z.string(), z.unknown()).optional(),
});

/** A line of `pairs.jsonl`. The id may be missing in hand-written files; `readPairs` then works it out. */
const pairSchema = z.object({
  v: z.number().int().min(1).default(LABELS_VERSION),
  id: z.string().min(1).optional(),
  prompt: z.union([z.string(), z.array(messageSchema).min(1)], { error: 'must be a string or a list of messages' }),
  a: z.string(),
  b: z.string(),
  tags: z.array(z.string()).default([]),
  provenance: z
    .looseObject({ source: z.string().optional(), a: answerSchema.optional(), b: answerSchema.optional() })
    .default({}),
});

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
  const seen = new Set<string>();
  let repeated = 0;
  for (const { line, value } of rows) {
    const newer = newerVersion(value.v);
    const parsed = newer ? undefined : pairSchema.safeParse(value);
    if (parsed?.success !== true) {
      unread.push(Buffer.from(JSON.stringify(value)));
      faults.push(newer ? { file, line, ...newer } : rowFault(file, line, 'pair', parsed?.error));
      continue;
    }
    const { id = pairId(parsed.data.prompt, parsed.data.a, parsed.data.b), ...rest } = parsed.data;
    if (seen.has(id)) repeated++;
    else {
      seen.add(id);
      pairs.push({ id, ...rest });
    }
  }
  return { pairs, faults: faults.sort((x, y) => x.line - y.line), repeated, unread };
}

/** The fault of a row that a later version wrote; null for rows that this one knows. */
export function newerVersion(v: unknown): Pick<RowFault, 'kind' | 'message' | 'hint'> | null {
  if (typeof v !== 'number' || v <= LABELS_VERSION) return null;
  const message = `the row has format version ${v}; this version knows up to ${LABELS_VERSION}`;
  return { kind: 'version', message, hint: 'update Alignment Lab to read it' };
}

/** The fault of a row that lacks a field or has a wrong one. */
export function rowFault(file: string, line: number, what: string, error: z.ZodError | undefined): RowFault {
  const issue = error?.issues[0];
  const field = issue?.path.join('.') ?? '';
  const why = issue ? `${field ? `${field}: ` : ''}${issue.message.replace(/^Invalid input: /, '')}` : 'unknown';
  return { file, line, kind: 'row', message: `the row is no ${what}: ${why}`, hint: 'mend or delete the line' };
}

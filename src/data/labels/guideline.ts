import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseDocument, isMap } from 'yaml';
import { z } from 'zod';
import { UserError } from '../../config/errors';
import { replaceFile, writeError } from '../durable';
import { decodeUtf8 } from '../lines';

/** A scale from 1 to 5 that each answer of a pair is rated on. */
export interface Criterion {
  name: string;
  question: string;
  /** The words at 1 and at 5. */
  low: string;
  high: string;
}

/** What annotators are told: a markdown file of the project with front matter. */
export interface Guideline {
  title: string;
  criteria: Criterion[];
  edgeCases: string[];
  /** The markdown behind the front matter. */
  text: string;
  /** Of the whole file; line ends do not count. Stored with every label. */
  hash: string;
}

const criterionSchema = z.union(
  [
    z.string().transform((name) => ({ name })),
    z.strictObject({
      name: z.string().min(1),
      question: z.string().optional(),
      low: z.string().optional(),
      high: z.string().optional(),
    }),
  ],
  { error: 'must be a name, or name with question, low and high' },
);
const frontSchema = z.strictObject({
  title: z.string().optional(),
  criteria: z.array(criterionSchema).default([]),
  edge_cases: z.array(z.string()).default([]),
});
const KEYS = 'The front matter has title, criteria and edge_cases.';

/** Reads a guideline. Throws a UserError with file and line where it is missing or its front matter is wrong. */
export function readGuideline(file: string): Guideline {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UserError('the guideline cannot be read', {
      file,
      cause,
      hint: 'Name a markdown file of the project.',
      code: 'guideline',
    });
  }
  const decoded = decodeUtf8(bytes);
  if ('column' in decoded || bytes.includes(0))
    throw new UserError('the guideline is not UTF-8 text', { file, hint: 'Save it as UTF-8.', code: 'guideline' });
  return parseGuideline(decoded.text, file);
}

/** A guideline from its text. `file` is only named in errors. */
export function parseGuideline(source: string, file: string): Guideline {
  const whole = source.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 16);
  const parts = /^---[ \t]*\n(?:([\s\S]*?)\n)??---[ \t]*(?:\n|$)/.exec(whole);
  if (!parts && /^---[ \t]*\n/.test(whole))
    throw new UserError('the front matter has no end', {
      file,
      line: 1,
      hint: 'Write a line with --- behind it.',
      code: 'guideline',
    });
  const text = (parts ? whole.slice(parts[0].length) : whole).trim();
  const front = frontMatter(parts?.[1] ?? '', file);
  const heading = /^#[ \t]+(.+)$/m.exec(text)?.[1].trim();
  const criteria = front.criteria.map((criterion): Criterion => ({ question: '', low: '', high: '', ...criterion }));
  return { title: front.title ?? heading ?? 'Guideline', criteria, edgeCases: front.edge_cases, text, hash };
}

function frontMatter(source: string, file: string): z.output<typeof frontSchema> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  // The front matter begins on the file's second line.
  const lineAt = (offset: number): number => lines.linePos(offset).line + 1;
  const fail = (message: string, offset: number, hint: string): UserError =>
    new UserError(message, { file, line: lineAt(offset), hint, code: 'guideline' });
  const wrong = document.errors.at(0);
  if (wrong) throw fail(`the front matter is not YAML: ${wrong.message}`, wrong.pos[0], 'Mend the line.');
  if (document.contents === null) return frontSchema.parse({});
  if (!isMap(document.contents)) throw fail('the front matter is no list of keys', 0, KEYS);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    throw fail('the front matter repeats itself without end', 0, 'Take its aliases out.');
  }
  const parsed = frontSchema.safeParse(value);
  if (parsed.success) {
    const names = parsed.data.criteria.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice === undefined) return parsed.data;
    throw fail(`two criteria have the name "${twice}"`, offsetOf(document, ['criteria']), 'Rename one.');
  }
  const [issue] = parsed.error.issues;
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const message = unknown
    ? `the front matter has no key "${unknown}"`
    : `${path.join('.')}: ${issue.message.replace(/^Invalid input: /, '')}`;
  throw fail(message, offsetOf(document, unknown ? [...path, unknown] : path), KEYS);
}

/** Where a key's value stands, or the nearest around it that stands anywhere. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      const start: unknown = node.range[0];
      if (typeof start === 'number') return start;
    }
  }
  return 0;
}

/**
 * Keeps a version of a guideline as `labels/<stage>/guidelines/<hash>.md`, so that the hash that stands in labels can
 * be looked up after the guideline was changed. Does nothing where it is there.
 */
export function keepGuideline(folder: string, source: string, { hash }: Guideline): string {
  const kept = join(folder, 'guidelines');
  const file = join(kept, `${hash}.md`);
  if (existsSync(file)) return file;
  try {
    mkdirSync(kept, { recursive: true });
  } catch (error) {
    throw writeError(error, file);
  }
  replaceFile(file, source);
  return file;
}

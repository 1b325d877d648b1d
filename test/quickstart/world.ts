import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';

export const QUICKSTART = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'examples', 'quickstart');

const message = z.strictObject({ role: z.string(), content: z.string() });
const tags = z.array(z.string());
const demonstration = z.strictObject({ messages: z.array(message).length(2), tags });
const prompt = z.strictObject({ prompt: z.array(message).length(1), tags });
const heldOut = z.strictObject({
  prompt: z.array(message).length(1),
  completion: z.array(message).length(1),
  category: z.string(),
  tags,
  new_phrasing: z.boolean(),
  new_entity: z.boolean(),
});

function rows<T>(name: string, schema: z.ZodType<T>): T[] {
  const lines = readFileSync(join(QUICKSTART, 'data', name), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

export const demonstrations = () => rows('demonstrations.jsonl', demonstration);
export const prompts = () => rows('prompts.jsonl', prompt);
export const heldOutPrompts = () => rows('held-out.jsonl', heldOut);

interface Judged {
  prompt: string | { role: string; content: string }[];
  answer: string;
  row?: Record<string, unknown>;
}
const isFunction = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function';

/** A function exported by a plain JavaScript file of the quickstart. */
export async function exported(file: string, name: string): Promise<(...args: unknown[]) => unknown> {
  const module: unknown = await import(pathToFileURL(join(QUICKSTART, file)).href);
  const value = z.record(z.string(), z.unknown()).parse({ ...Object(module) })[name];
  if (!isFunction(value)) throw new Error(`${file} exports no function ${name}`);
  return value;
}

export async function loadOracle(): Promise<(judged: Judged) => number> {
  const reward = await exported('oracle.js', 'reward');
  return (judged) => z.number().min(0).max(1).parse(reward(judged));
}

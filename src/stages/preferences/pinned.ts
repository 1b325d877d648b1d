import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../config/errors';
import { replaceFile, writeFully } from '../../data/durable';
import { readJsonl } from '../../data/jsonl';
import { ROLES } from '../../data/rows';
import { RunDir } from '../../runs/directory';
import type { Preference, SplitPreferences } from './preferences';

/** In the run's folder: what it learns from. */
const FILE = 'preferences.jsonl';

const count = z.number().int().min(0);
const headSchema = z.object({
  v: z.literal(1),
  train: count,
  held_out: count,
  report: z.object({
    pairs: count,
    ties: count,
    tiesDropped: count,
    edits: count,
    bothBad: count,
    skipped: count,
    unlabeled: count,
    undecided: count,
    unknown: count,
    faults: count,
    faultPlaces: z.array(z.object({ file: z.string(), line: z.number(), message: z.string() })),
  }),
});
const messageSchema = z.object({
  role: z.enum(ROLES),
  content: z.string(),
  extra: z.record(z.string(), z.unknown()).optional(),
});
const rowSchema = z.object({
  prompt: z.union([z.string(), z.array(messageSchema)]),
  a: z.string(),
  b: z.string(),
  p: z.number(),
  strength: z.number(),
  margin: z.number(),
  tags: z.array(z.string()),
  file: z.string(),
  line: z.number(),
});

/**
 * What a run reads at its first start is what it learns from to its end: labels that come while it is stopped, or a file
 * that is changed, would make a resumed run another one. So it keeps its preferences in its own folder, rows to train on
 * first. Undefined where it has kept none yet. A branch begins with what its parent learns from, where it reads the same.
 */
export function pinnedPreferences(runFolder: string): SplitPreferences | undefined {
  const own = readPinned(runFolder);
  if (own) return own;
  const branch = new RunDir(runFolder);
  const { parent } = branch.readRun();
  const folder = parent && join(dirname(runFolder), parent.run);
  if (!folder || !existsSync(join(folder, FILE))) return undefined;
  return sourceOf(branch) === sourceOf(new RunDir(folder)) ? readPinned(folder) : undefined;
}

/** What of a run's config decides which preferences it reads and how they are split. */
function sourceOf(dir: RunDir): string {
  const { seed, config } = configSchema.parse(dir.readConfig());
  return JSON.stringify([seed, ...SOURCE_KEYS.map((key) => config[key] ?? null)]);
}

const configSchema = z.looseObject({ seed: z.number(), config: z.record(z.string(), z.unknown()) });
const SOURCE_KEYS = ['labels', 'data', 'held_out', 'aggregate', 'ties', 'annotators'];

function readPinned(runFolder: string): SplitPreferences | undefined {
  const file = join(runFolder, FILE);
  if (!existsSync(file)) return undefined;
  try {
    const [head, ...rows] = Array.from(readJsonl(file), ({ value }) => value);
    const { train, held_out, report } = headSchema.parse(head);
    if (rows.length !== train + held_out) throw new Error(`it has ${rows.length} rows of ${train + held_out}`);
    const preferences = rows.map((row): Preference => rowSchema.parse(row));
    return { train: preferences.slice(0, train), heldOut: preferences.slice(train), report };
  } catch (cause) {
    throw new UserError('The preferences that this run learns from cannot be read.', {
      file,
      hint: 'The run wrote this file when it began, and cannot go on without it: start the stage again.',
      code: 'damaged-run',
      cause,
    });
  }
}

/** Keeps what a run learns from, as a whole or not at all; what it keeps already stays. */
export function pinPreferences(runFolder: string, { train, heldOut, report }: SplitPreferences): void {
  if (existsSync(join(runFolder, FILE))) return;
  replaceFile(join(runFolder, FILE), (fd) => {
    const write = (row: object): void => writeFully(fd, Buffer.from(`${JSON.stringify(row)}\n`));
    write({ v: 1, train: train.length, held_out: heldOut.length, report });
    for (const row of [...train, ...heldOut]) write(row);
  });
}

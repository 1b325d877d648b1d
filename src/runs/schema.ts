import { z } from 'zod';
import { CONTROL_VERBS, FORMAT_VERSION, RUN_STATES } from './format';

// Apart from format.ts, which the editor loads when it is activated: zod is for when a file is read.

/** An ISO 8601 time in UTC, as `Date.toISOString` writes it. */
const isoTime = z.string();

const version = z.number().int().min(1).max(FORMAT_VERSION);

export const parentSchema = z.looseObject({ run: z.string(), step: z.number().int().min(0) });
export const inputSchema = z.looseObject({
  /** The run that made this input, where it is the result of a stage. */
  run: z.string().optional(),
  /** The folder or file, relative to the config file's folder where it lies in it. */
  path: z.string(),
  hash: z.string().optional(),
});
export const resultSchema = z.looseObject({
  /** The checkpoint with the lowest eval_loss; null where there is no held-out split. */
  best: z.looseObject({ step: z.number().int(), path: z.string(), eval_loss: z.number().nullable() }).nullable(),
  last: z.looseObject({ step: z.number().int(), path: z.string() }).nullable(),
});
export const errorSchema = z.looseObject({
  message: z.string(),
  hint: z.string().nullish(),
  file: z.string().nullish(),
  line: z.number().nullish(),
});

/** `run.json`: what a run is and how far it is. Replaced as a whole, never edited in place. */
export const runSchema = z.looseObject({
  v: version,
  id: z.string(),
  /** The config file, relative to the folder that holds `.align`. */
  config_file: z.string(),
  stage: z.string(),
  type: z.string(),
  state: z.enum(RUN_STATES),
  /** Why the run is in this state, in words for the user ("stopped on request", "waits for reward-…"). */
  reason: z.string().nullish().default(null),
  /** The process behind the run; null until one has taken it. */
  pid: z.number().int().nullable(),
  /** An opaque word that tells this process from a later one with the same id (see process.ts). */
  process_start: z.string().nullish().default(null),
  host: z.string().nullable(),
  created: isoTime,
  /** When the first step began; null while queued. */
  started: isoTime.nullable(),
  ended: isoTime.nullish().default(null),
  heartbeat: isoTime.nullable(),
  /** Optimizer steps done. */
  step: z.number().int().min(0),
  /** Optimizer steps in all; null until the data has been counted. */
  steps: z.number().int().min(0).nullable(),
  device: z.string().nullish().default(null),
  /** Hash of the stage's config and of all that it stands on; staleness compares it. */
  stage_hash: z.string().nullish().default(null),
  inputs: z.record(z.string(), inputSchema).nullish().default({}),
  result: resultSchema.nullish().default(null),
  parent: parentSchema.nullable(),
  error: errorSchema.nullable(),
});
/** A request in `control/`. */
export const controlSchema = z.looseObject({
  v: version,
  verb: z.enum(CONTROL_VERBS),
  /** Milliseconds since 1970. */
  time: z.number(),
  args: z.record(z.string(), z.unknown()).optional(),
});

import type { z } from 'zod';
import type { controlSchema, errorSchema, inputSchema, parentSchema, runSchema } from './schema';

/** The version that this code writes. Readers accept every version up to it and any key they do not know. */
export const FORMAT_VERSION = 1;

export const RUN_STATES = ['queued', 'running', 'paused', 'stopping', 'done', 'stopped', 'failed', 'died'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** States in which a process must be behind the run. */
export const ACTIVE_STATES: readonly RunState[] = ['queued', 'running', 'paused', 'stopping'];

/** True where a process must be behind a run in this state. */
export function isActive(state: RunState): boolean {
  return ACTIVE_STATES.includes(state);
}

export type RunFile = z.output<typeof runSchema>;
export type RunParent = z.output<typeof parentSchema>;
export type RunInput = z.output<typeof inputSchema>;
export type RunError = z.output<typeof errorSchema>;

/** A value in a metrics row. JSON has no NaN or infinity: they are written as null. */
export type MetricValue = number | string | boolean | null;

/**
 * One line of `metrics.jsonl`: flat. `step` is optimizer steps done, `time` milliseconds since 1970.
 * Metrics carry TRL's names (`loss`, `grad_norm`, `eval_loss`, `objective/kl`).
 */
export interface MetricsRow {
  step: number;
  time: number;
  [metric: string]: MetricValue;
}

export interface Message {
  role: string;
  content: string;
}

/** One line of `samples.jsonl`: a generation. `time` is milliseconds since 1970; `row` the prompt's row in its file. */
export interface SampleRow {
  v: number;
  step: number;
  time: number;
  prompt: string | Message[];
  answer: string;
  row?: number;
  scores?: Record<string, number>;
  [key: string]: unknown;
}

/** One line of `events.jsonl`: what is not a number. `event` is a word such as `checkpoint`, `control`, `warning`. */
export interface EventRow {
  v: number;
  time: number;
  step: number;
  event: string;
  message?: string;
  [key: string]: unknown;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Rows are checked by hand: curves read hundreds of thousands of them.

/** True where `value` is a row of metrics.jsonl. */
export function isMetricsRow(value: unknown): value is MetricsRow {
  if (!isObject(value) || typeof value.step !== 'number' || typeof value.time !== 'number') return false;
  for (const key in value) {
    const metric = value[key];
    if (typeof metric === 'object' && metric !== null) return false;
  }
  return true;
}

function isMessage(value: unknown): value is Message {
  return isObject(value) && typeof value.role === 'string' && typeof value.content === 'string';
}

/** True where `value` is a row of samples.jsonl. */
export function isSampleRow(value: unknown): value is SampleRow {
  if (!isObject(value) || typeof value.step !== 'number' || typeof value.time !== 'number') return false;
  if (typeof value.v !== 'number' || value.v > FORMAT_VERSION || typeof value.answer !== 'string') return false;
  if (value.row !== undefined && typeof value.row !== 'number') return false;
  if (value.scores !== undefined && !(isObject(value.scores) && Object.values(value.scores).every(isNumber)))
    return false;
  return typeof value.prompt === 'string' || (Array.isArray(value.prompt) && value.prompt.every(isMessage));
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** True where `value` is a row of events.jsonl. */
export function isEventRow(value: unknown): value is EventRow {
  if (!isObject(value) || typeof value.step !== 'number' || typeof value.time !== 'number') return false;
  if (value.message !== undefined && typeof value.message !== 'string') return false;
  return typeof value.v === 'number' && value.v <= FORMAT_VERSION && typeof value.event === 'string';
}

export const CONTROL_VERBS = ['stop', 'pause', 'resume', 'checkpoint', 'evaluate', 'start'] as const;
/** `start` means "run now, although another run holds the device". */
export type ControlVerb = (typeof CONTROL_VERBS)[number];

export type ControlRequest = z.output<typeof controlSchema>;

/** `<stage>-<yyyymmdd-hhmmss>-<4 hex>`, in UTC. */
export const RUN_ID = /^[a-z][a-z0-9_-]*-\d{8}-\d{6}-[0-9a-f]{4}$/;

/** A run's id from its stage, a time and four hex digits. Ids of one stage sort by time. */
export function runId(stage: string, time: Date, suffix: string): string {
  const digits = time.toISOString().replace(/\D/g, '');
  return `${stage}-${digits.slice(0, 8)}-${digits.slice(8, 14)}-${suffix}`;
}

interface Dated {
  readonly id: string;
  readonly run: { readonly created: string };
}

/** Newest first; ids decide between runs of one moment. */
export function byNewest(a: Dated, b: Dated): number {
  if (a.run.created !== b.run.created) return a.run.created < b.run.created ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

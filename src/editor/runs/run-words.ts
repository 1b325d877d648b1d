import type { MetricsRow, RunFile, RunState } from '../../runs/format';
import { agoText, durationText, metricName, metricText, padded, shortened } from '../words';

/** What a sentence about a run needs of it. */
export interface RunFacts {
  readonly run: RunFile;
  /** The state as it is now (`died` where the process is gone). */
  readonly state: RunState;
  readonly rows: readonly MetricsRow[];
}

/** Rows that tell the speed of a run. */
const RECENT = 16;
/** Values that tell its direction: a fifth of all, but not fewer than 16 (noise) nor more than 200 (the past). */
const trendLength = (rows: number): number => Math.min(200, Math.max(16, Math.floor(rows / 5)));

/** Which metric says how a run goes, the first that its rows hold. */
const WHILE_RUNNING = ['objective/scores', 'reward', 'loss'];
const WHEN_DONE = ['objective/scores', 'reward', 'eval_loss', 'loss'];

/** The state of a run in words, as its lens, its tree item and the curves panel show it. */
export function stateWords({ run, state, rows }: RunFacts, now: number): string {
  const last = run.ended ?? run.heartbeat ?? run.started ?? run.created;
  const ago = agoText(Date.parse(last), now);
  switch (state) {
    case 'queued':
      return run.reason ? `queued: ${run.reason}` : 'starting …';
    case 'running':
      return runningWords(run, rows);
    case 'paused':
      return `paused at ${progressText(run)}`;
    case 'stopping':
      return `stopping at ${progressText(run)} …`;
    case 'done': {
      const metric = latest(rows, WHEN_DONE, run);
      return [`✓ ${metric ? `${metricName(metric.name)} ${metricText(metric.value)}` : 'done'}`, ago].join(' · ');
    }
    case 'stopped':
      return `stopped at ${progressText(run)} · ${ago}`;
    case 'failed':
      return `✗ failed: ${shortened(run.error?.message ?? 'the log says why', 48)}`;
    case 'died':
      return `✗ died at step ${stepOf(run, rows)}`;
  }
}

function runningWords(run: RunFile, rows: readonly MetricsRow[]): string {
  const parts = [progressText({ step: stepOf(run, rows), steps: run.steps })];
  const metric = latest(rows, WHILE_RUNNING, run);
  if (metric) {
    const arrow = directionOf(rows, metric.name);
    parts.push(`${metricName(metric.name)} ${metricText(metric.value)}${arrow ? ` ${arrow}` : ''}`);
  }
  const left = secondsLeft(run, rows);
  if (left !== undefined) parts.push(`${durationText(left)} left`);
  else if (run.step === 0) parts.push('preparing …');
  return parts.join(' · ');
}

/** run.json lags by up to a second; the rows are there after each step. */
function stepOf(run: RunFile, rows: readonly MetricsRow[]): number {
  return Math.max(run.step, rows.at(-1)?.step ?? 0);
}

/** `412/1200`, padded so that the line keeps its width. */
export function progressText(run: Pick<RunFile, 'step' | 'steps'>): string {
  if (run.steps === null) return `step ${run.step}`;
  return `${padded(run.step, String(run.steps).length)}/${run.steps}`;
}

/** The figure that says most about a run: a finished run's best evaluation, else the last value. */
export function keyMetric(facts: RunFacts): { name: string; value: number } | undefined {
  return latest(facts.rows, facts.state === 'done' ? WHEN_DONE : WHILE_RUNNING, facts.run);
}

function latest(
  rows: readonly MetricsRow[],
  names: readonly string[],
  run: RunFile,
): { name: string; value: number } | undefined {
  for (const name of names) {
    const best = run.result?.best?.eval_loss;
    if (name === 'eval_loss' && typeof best === 'number') return { name, value: best };
    for (let index = rows.length - 1; index >= 0; index--) {
      const value = rows[index]?.[name];
      if (typeof value === 'number') return { name, value };
    }
  }
  return undefined;
}

/** `↓`, `↑` or `→`: the mean of the last values against that of those before; '' where there are too few. */
export function directionOf(rows: readonly MetricsRow[], name: string): '↓' | '↑' | '→' | '' {
  const values: number[] = [];
  const length = trendLength(rows.length);
  for (let index = rows.length - 1; index >= 0 && values.length < length; index--) {
    const value = rows[index]?.[name];
    if (typeof value === 'number') values.push(value);
  }
  if (values.length < 4) return '';
  const half = Math.floor(values.length / 2);
  const mean = (part: readonly number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length;
  const after = mean(values.slice(0, half));
  const before = mean(values.slice(half));
  const change = (after - before) / (Math.abs(before) || 1);
  return Math.abs(change) < 0.002 ? '→' : change < 0 ? '↓' : '↑';
}

/** From the pace of the last rows; undefined before there are two. */
export function secondsLeft(run: RunFile, rows: readonly MetricsRow[]): number | undefined {
  if (run.steps === null) return undefined;
  const last = rows.at(-1);
  const first = rows.at(-Math.min(rows.length, RECENT));
  if (!last || !first || last.step <= first.step) return undefined;
  const secondsAStep = (last.time - first.time) / 1000 / (last.step - first.step);
  return Math.max(0, (run.steps - Math.max(last.step, run.step)) * secondsAStep);
}

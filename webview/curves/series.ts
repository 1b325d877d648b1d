import type { Axis, CurveRun, RowBatch } from '../../src/protocol/curves';
import { effectiveWeight, smooth } from './smoothing';

/** One metric of one run: parallel arrays, a row of metrics.jsonl each. */
export interface Points {
  readonly steps: number[];
  /** Epoch milliseconds. */
  readonly times: number[];
  readonly tokens: number[];
  readonly values: number[];
}

/** A curve ready to draw: x ascending, the raw and the smoothed y. */
export interface Curve {
  readonly run: string;
  readonly x: Float64Array;
  readonly raw: Float64Array;
  readonly smoothed: Float64Array;
  readonly steps: Float64Array;
  /** Points at the front that belong to the parent: the place where the branch joins it. */
  readonly inherited: number;
}

interface RunRows {
  rows: number;
  tokens: number;
  readonly metrics: Map<string, Points>;
}

/** All rows that the panel holds, by run and metric. Grows by deltas. */
export class SeriesStore {
  private readonly runs = new Map<string, RunRows>();

  /** Adds a batch. False if rows are missing in between: the caller then asks for the whole run again. */
  append(batch: RowBatch): boolean {
    if (batch.from === 0) this.runs.delete(batch.run);
    let held = this.runs.get(batch.run);
    if (!held) this.runs.set(batch.run, (held = { rows: 0, tokens: 0, metrics: new Map() }));
    if (batch.from !== held.rows) return false;
    const tokensColumn = batch.columns['num_tokens'];
    const columns = Object.entries(batch.columns);
    for (let row = 0; row < batch.steps.length; row++) {
      const tokens = tokensColumn?.[row] ?? NaN;
      if (Number.isFinite(tokens)) held.tokens = tokens;
      for (const [metric, column] of columns) {
        const value = column[row] ?? NaN;
        if (!Number.isFinite(value)) continue;
        let points = held.metrics.get(metric);
        if (!points) held.metrics.set(metric, (points = { steps: [], times: [], tokens: [], values: [] }));
        points.steps.push(batch.steps[row] ?? 0);
        points.times.push(batch.times[row] ?? 0);
        points.tokens.push(held.tokens);
        points.values.push(value);
      }
    }
    held.rows += batch.steps.length;
    return true;
  }

  has(run: string): boolean {
    return this.runs.has(run);
  }

  /** Forgets the runs that are not in the list. */
  keep(runs: ReadonlySet<string>): void {
    for (const run of this.runs.keys()) if (!runs.has(run)) this.runs.delete(run);
  }

  metrics(runs: Iterable<string>): Set<string> {
    const names = new Set<string>();
    for (const run of runs) for (const name of this.runs.get(run)?.metrics.keys() ?? []) names.add(name);
    return names;
  }

  points(run: string, metric: string): Points | undefined {
    return this.runs.get(run)?.metrics.get(metric);
  }

  last(run: string, metric: string): number | undefined {
    return this.points(run, metric)?.values.at(-1);
  }

  /**
   * A run's curve of a metric. A branch begins with the parent's last point at or before the branch step, and its
   * moving average goes on from the parent's, so the two lines join.
   */
  curve(
    run: CurveRun,
    metric: string,
    axis: Axis,
    weight: number,
    lookup: (id: string) => CurveRun | undefined,
  ): Curve | undefined {
    const own = this.points(run.id, metric);
    if (!own) return undefined;
    const before = this.ancestry(run, metric, lookup);
    const inherited = before.steps.length > 0 ? 1 : 0;
    const values = [...before.values, ...own.values];
    const effective = effectiveWeight(metric, own.values.length, weight);
    const skip = before.values.length - inherited;
    const raw = Float64Array.from(values.slice(skip));
    const smoothed = effective === 0 ? raw : smooth(values, effective).slice(skip);
    const steps = Float64Array.from([...before.steps, ...own.steps].slice(skip));
    const x = axis === 'step' ? steps : this.alongAxis(run, before, own, inherited, axis);
    return { run: run.id, x, raw, smoothed, steps, inherited };
  }

  private alongAxis(run: CurveRun, before: Points, own: Points, inherited: number, axis: 'tokens' | 'time') {
    if (axis === 'time') {
      const joint = inherited ? [0] : [];
      return Float64Array.from([...joint, ...own.times.map((time) => Math.max(0, (time - run.started) / 1000))]);
    }
    return Float64Array.from([...before.tokens.slice(before.tokens.length - inherited), ...own.tokens]);
  }

  /** The rows of the line of parents up to the branch step, oldest first. */
  private ancestry(run: CurveRun, metric: string, lookup: (id: string) => CurveRun | undefined): Points {
    const gathered: Points = { steps: [], times: [], tokens: [], values: [] };
    const seen = new Set([run.id]);
    const chain: { points: Points; until: number }[] = [];
    for (let child = run; child.parent && !seen.has(child.parent.run);) {
      const { run: id, step } = child.parent;
      seen.add(id);
      const points = this.points(id, metric);
      const until = Math.min(step, chain[0]?.until ?? Infinity);
      if (points) chain.unshift({ points, until });
      const parent = lookup(id);
      if (!parent) break;
      child = parent;
    }
    let from = -Infinity;
    for (const { points, until } of chain) {
      for (let index = 0; index < points.steps.length; index++) {
        const step = points.steps[index] ?? 0;
        if (step <= from || step > until) continue;
        gathered.steps.push(step);
        gathered.times.push(points.times[index] ?? 0);
        gathered.tokens.push(points.tokens[index] ?? 0);
        gathered.values.push(points.values[index] ?? 0);
      }
      from = until;
    }
    return gathered;
  }
}

/** The runs whose rows are needed to draw these: themselves and all their parents. */
export function withParents(ids: Iterable<string>, lookup: (id: string) => CurveRun | undefined): string[] {
  const needed = new Set<string>();
  for (const id of ids) {
    for (let next: string | undefined = id; next !== undefined && !needed.has(next);) {
      needed.add(next);
      next = lookup(next)?.parent?.run;
    }
  }
  return [...needed];
}

/** The x range of all curves, never empty. */
export function rangeOf(curves: readonly Curve[]): { min: number; max: number } {
  let min = Infinity;
  let max = -Infinity;
  for (const { x } of curves) {
    min = Math.min(min, x[0] ?? Infinity);
    max = Math.max(max, x[x.length - 1] ?? -Infinity);
  }
  if (!Number.isFinite(min)) return { min: 0, max: 1 };
  // A run that begins at step 1 is drawn from 0: its first tick would be an odd number.
  if (min > 0 && min <= 0.05 * max) min = 0;
  return max > min ? { min, max } : { min, max: min + 1 };
}

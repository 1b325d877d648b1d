import type { CurveRun, Marker, RowBatch } from '../../protocol/curves';
import { alarmsOf, thresholdsIn } from '../../runs/alarms';
import type { EventRow, MetricsRow, SampleRow } from '../../runs/format';
import { signalName } from '../alarms/words';
import { stateWords, type RunFacts } from '../runs/run-words';
import { clockText } from '../words';

/** A run as the curves panel lists it. */
export function curveRun(
  facts: RunFacts & { readonly events: readonly EventRow[]; readonly samples: readonly Pick<SampleRow, 'step'>[] },
  now: number,
): CurveRun {
  const { run, state } = facts;
  const started = Date.parse(run.started ?? run.created);
  const thresholds = thresholdsIn(facts.events);
  return {
    id: run.id,
    stage: run.stage,
    label: clockText(started, now),
    state,
    words: panelWords(facts, now),
    step: run.step,
    steps: run.steps,
    started,
    parent: run.parent ? { run: run.parent.run, step: run.parent.step } : null,
    markers: markersOf(facts.events, facts.samples),
    ...(Object.keys(thresholds).length > 0 ? { thresholds } : {}),
  };
}

/** The list has the time already, and needs to say what a run branched from. */
function panelWords(facts: RunFacts, now: number): string {
  const words = stateWords(facts, now).replace(/ · [^·]* ago$| · just now$| · yesterday$/, '');
  return facts.run.parent ? `${words} · from step ${facts.run.parent.step}` : words;
}

/** Runs of a stage that began in the same minute get the end of their ids into their labels. */
export function withDistinctLabels(runs: readonly CurveRun[]): CurveRun[] {
  const counts = new Map<string, number>();
  const keyOf = ({ stage, label }: CurveRun): string => `${stage} ${label}`;
  for (const run of runs) counts.set(keyOf(run), (counts.get(keyOf(run)) ?? 0) + 1);
  return runs.map((run) =>
    (counts.get(keyOf(run)) ?? 0) > 1 ? { ...run, label: `${run.label} ${run.id.slice(-4)}` } : run,
  );
}

function markersOf(events: readonly EventRow[], samples: readonly Pick<SampleRow, 'step'>[]): Marker[] {
  const markers = new Map<string, Marker>();
  const mark = (kind: Marker['kind'], step: number): void => void markers.set(`${kind}:${step}`, { kind, step });
  for (const { step } of samples) mark('samples', step);
  for (const { event, step } of events) if (event === 'checkpoint') mark(event, step);
  for (const { signal, metric, step } of alarmsOf(events))
    markers.set(`alarm:${step}:${signal}`, { kind: 'alarm', step, label: signalName(signal), metric });
  return [...markers.values()];
}

/** The rows from `from` on as columns; NaN where a row lacks a metric. */
export function rowBatch(run: string, rows: readonly MetricsRow[], from: number): RowBatch {
  const count = rows.length - from;
  const steps = new Float64Array(count);
  const times = new Float64Array(count);
  const columns: Record<string, Float64Array> = {};
  for (let index = 0; index < count; index++) {
    const row = rows[from + index];
    if (!row) continue;
    for (const [name, value] of Object.entries(row)) {
      if (name === 'step') steps[index] = row.step;
      else if (name === 'time') times[index] = row.time;
      else if (typeof value === 'number') (columns[name] ??= new Float64Array(count).fill(NaN))[index] = value;
    }
  }
  return { run, from, steps, times, columns };
}

/** All rows of some runs as CSV: a column a metric, a line a row. */
export function csvOf(runs: readonly { id: string; rows: readonly MetricsRow[] }[]): string {
  const names = new Set<string>();
  for (const { rows } of runs) for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  names.delete('step');
  names.delete('time');
  const metrics = [...names].sort();
  const lines = [['run', 'step', 'time', ...metrics].map(csvCell).join(',')];
  for (const { id, rows } of runs) {
    for (const row of rows) {
      const cells = [id, row.step, new Date(row.time).toISOString(), ...metrics.map((name) => row[name] ?? '')];
      lines.push(cells.map(csvCell).join(','));
    }
  }
  return `${lines.join('\n')}\n`;
}

function csvCell(value: string | number | boolean): string {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

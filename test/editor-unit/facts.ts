import type { MetricsRow, RunFile, RunState } from '../../src/runs/format';
import type { RunFacts } from '../../src/editor/runs/run-words';

export const NOW = Date.parse('2025-03-01T12:00:00Z');

/** A run of sft at step 412 of 1200 that began ten minutes ago, changed by `changes`. */
export function runFile(changes: Partial<RunFile> = {}): RunFile {
  return {
    v: 1,
    id: 'sft-20250301-115000-abcd',
    config_file: 'align.yaml',
    stage: 'sft',
    type: 'sft',
    state: 'running',
    reason: null,
    pid: 1,
    process_start: null,
    host: 'here',
    created: '2025-03-01T11:50:00Z',
    started: '2025-03-01T11:50:00Z',
    ended: null,
    heartbeat: '2025-03-01T11:57:00Z',
    step: 412,
    steps: 1200,
    device: 'cpu',
    stage_hash: null,
    inputs: {},
    result: null,
    parent: null,
    error: null,
    ...changes,
  };
}

/** Rows of the steps up to `last`, fifty milliseconds apart. */
export function lossRows(last: number, loss: (step: number) => number): MetricsRow[] {
  return Array.from({ length: last }, (_, index) => ({
    step: index + 1,
    time: NOW - (last - index) * 50,
    loss: loss(index + 1),
  }));
}

export function facts(state: RunState, changes: Partial<RunFile> = {}, rows: MetricsRow[] = []): RunFacts {
  return { run: runFile({ state, ...changes }), state, rows };
}

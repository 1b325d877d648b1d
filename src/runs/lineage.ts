import { join } from 'node:path';
import { RunDir } from './directory';
import type { MetricsRow } from './format';
import { readRunInfo } from './registry';

/** The part of a joined curve that one run contributed. */
export interface Segment {
  run: string;
  /** The step after which this run went on alone; 0 for the first ancestor. */
  from: number;
  rows: MetricsRow[];
}

export interface Lineage {
  /** The oldest ancestor first, the run itself last. */
  segments: Segment[];
  /** The ancestor that could not be read (its folder was removed); the curve begins after it. */
  missing: string | null;
}

/**
 * Metrics of a run joined with its ancestors': of each parent the rows up to the step at which its child branched off.
 * A branch of a branch from before the first branching skips the part in between.
 */
export function readLineage(dir: RunDir): Lineage {
  const segments: Segment[] = [];
  const seen = new Set<string>();
  let missing: string | null = null;
  let limit = Infinity;
  let next: RunDir | undefined = dir;
  while (next !== undefined) {
    const info = readRunInfo(next);
    if (info === undefined || seen.has(next.id)) {
      missing = next.id;
      break;
    }
    seen.add(next.id);
    const parent = info.run.parent;
    const from = parent?.step ?? 0;
    const end = limit;
    const rows = next.readMetrics().filter((row) => row.step <= end);
    segments.unshift({ run: next.id, from, rows });
    limit = Math.min(limit, from);
    next = parent ? new RunDir(join(dir.runsFolder, parent.run)) : undefined;
  }
  return { segments, missing };
}

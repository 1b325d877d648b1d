import { expect, vi } from 'vitest';
import type { RunDir } from '../../src/runs/directory';
import type { DrawnCurves } from '../../webview/curves/panel';
import type { Workbench } from '../host/workbench';

/** The points that metrics.jsonl holds for a metric. */
export function recorded(dir: RunDir, metric: string): [number, number][] {
  return dir.readMetrics().flatMap((row): [number, number][] => {
    const value = row[metric];
    return typeof value === 'number' ? [[row.step, value]] : [];
  });
}

/** Unsmoothed points on the screen. */
export function points(curves: DrawnCurves, metric: string, run: string): [number, number][] {
  const drawn = curves.series[metric]?.[run];
  return drawn?.raw ?? drawn?.line ?? [];
}

/** Below this a chart draws every point; above it thins them out and keeps the ends and the extremes. */
const DRAWN_IN_FULL = 200;

/** Waits until a chart shows the points that the run directory holds. */
export async function expectPoints(window: Workbench, metric: string, dir: RunDir): Promise<void> {
  await vi.waitFor(
    async () => {
      const wanted = recorded(dir, metric);
      const drawn = points(await window.curves(), metric, dir.id);
      expect(wanted.length).toBeGreaterThan(0);
      if (wanted.length <= DRAWN_IN_FULL) {
        expect(drawn).toEqual(wanted);
        return;
      }
      const values = new Map(wanted);
      expect(drawn.filter(([step, value]) => values.get(step) !== value)).toEqual([]);
      expect([drawn[0], drawn.at(-1)]).toEqual([wanted[0], wanted.at(-1)]);
      const range = (list: [number, number][]) => [
        Math.min(...list.map(([, value]) => value)),
        Math.max(...list.map(([, value]) => value)),
      ];
      expect(range(drawn)).toEqual(range(wanted));
    },
    { timeout: 45_000, interval: 200 },
  );
}

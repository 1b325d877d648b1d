import type { Marker } from '../../src/protocol/curves';
import { lowerBound, nearest, upperBound } from './decimation';
import { figure } from './figures';

/** A run's points that the keys step through: the places `from` to `to`, both included, of its ascending steps. */
export interface Walk {
  readonly run: string;
  readonly steps: ArrayLike<number>;
  readonly from: number;
  readonly to: number;
}

/** A point of a run, by its place in the run's series. */
export interface Place {
  readonly run: string;
  readonly index: number;
}

/** Page keys go over a tenth of what is seen. */
const PAGES = 10;

/** The place itself while its run is there, else the newest point of the first run; undefined where there is no point. */
export function settled(walks: readonly Walk[], place: Place | undefined): Place | undefined {
  const filled = walks.filter(({ from, to }) => to >= from);
  const walk = filled.find(({ run }) => run === place?.run);
  if (walk && place) return clamped(walk, place.index);
  return filled[0] && clamped(filled[0], filled[0].to);
}

/**
 * Where a key takes the cursor: arrows to the point before or after and to the run above or below, Home and End to the
 * ends, page keys over a tenth. Undefined for other keys, and where there is nowhere to go.
 */
export function moved(walks: readonly Walk[], place: Place | undefined, key: string): Place | undefined {
  const filled = walks.filter(({ from, to }) => to >= from);
  const start = settled(filled, place);
  const at = filled.findIndex(({ run }) => run === start?.run);
  const walk = filled[at];
  if (!start || !walk) return undefined;
  const page = Math.max(1, Math.ceil((walk.to - walk.from) / PAGES));
  switch (key) {
    case 'ArrowLeft':
      return clamped(walk, start.index - 1);
    case 'ArrowRight':
      return clamped(walk, start.index + 1);
    case 'PageUp':
      return clamped(walk, start.index - page);
    case 'PageDown':
      return clamped(walk, start.index + page);
    case 'Home':
      return clamped(walk, walk.from);
    case 'End':
      return clamped(walk, walk.to);
    case 'ArrowUp':
    case 'ArrowDown': {
      const next = filled[(at + (key === 'ArrowUp' ? -1 : 1) + filled.length) % filled.length];
      return next && next !== walk ? clamped(next, nearest(next.steps, walk.steps[start.index] ?? 0)) : undefined;
    }
    default:
      return undefined;
  }
}

function clamped({ run, from, to }: Walk, index: number): Place {
  return { run, index: Math.min(to, Math.max(from, index)) };
}

/** The markers that stand on a point: those whose nearest point of the run it is. */
export function markersAt(steps: ArrayLike<number>, index: number, markers: readonly Marker[]): Marker[] {
  return markers.filter(({ step }) => nearest(steps, step) === index);
}

/** Which of ascending x lie in a range: the first and last place, both included. */
export function within(x: ArrayLike<number>, min: number, max: number): { from: number; to: number } {
  return { from: lowerBound(x, min), to: upperBound(x, max) - 1 };
}

/** What is said of a point: whose it is, its figures, and what Enter opens. */
export interface PointWords {
  readonly name: string;
  readonly step: number;
  readonly values: readonly { readonly label: string; readonly value: number }[];
  readonly markers: readonly Marker[];
  /** The step whose samples Enter opens; undefined where the run has none. */
  readonly samples: number | undefined;
}

/** A point in words, as a screen reader says it. */
export function spoken({ name, step, values, markers, samples }: PointWords): string {
  const alarms = markers.filter(({ kind }) => kind === 'alarm').map(({ label = 'alarm' }) => label);
  return [
    `${name}, step ${Math.round(step)}: ${values.map(({ label, value }) => `${label} ${figure(value)}`).join(', ')}`,
    ...(alarms.length > 0 ? [`Alarm: ${alarms.join(', ')}`] : []),
    ...(markers.some(({ kind }) => kind === 'checkpoint') ? ['Checkpoint'] : []),
    samples === undefined ? 'No samples' : `Enter opens the samples of step ${samples}`,
  ].join('. ');
}

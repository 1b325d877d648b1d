/**
 * What the curves panel and the editor say to each other. Both sides validate what arrives with the guards below:
 * a message from an older version of the other side is dropped, never half understood.
 */

export const RUN_STATES = ['queued', 'running', 'paused', 'stopping', 'done', 'stopped', 'failed', 'died'] as const;
export type RunStateName = (typeof RUN_STATES)[number];

/** One run as the panel lists it. */
export interface CurveRun {
  readonly id: string;
  readonly stage: string;
  /** When it started, short and local, e.g. `14:02`. */
  readonly label: string;
  readonly state: RunStateName;
  /** The state in words, e.g. `412/1200 · loss 2.07 ↓ · 38 s left`. */
  readonly words: string;
  readonly step: number;
  readonly steps: number | null;
  /** Epoch milliseconds; the x axis "time" counts from here. */
  readonly started: number;
  readonly parent: { readonly run: string; readonly step: number } | null;
  readonly markers: readonly Marker[];
  /** Where the monitors raise their alarms, by curve. */
  readonly thresholds?: Readonly<Record<string, number>>;
}

/** A thing that stands on the curve at a step. */
export interface Marker {
  readonly kind: 'checkpoint' | 'samples' | 'alarm';
  readonly step: number;
  /** Of an alarm: its words on the chart, and the curve that crossed its threshold. */
  readonly label?: string;
  readonly metric?: string;
}

/**
 * Rows of metrics.jsonl as columns of equal length; NaN where a row lacks the metric.
 * `from` is the number of rows that the receiver must already hold; 0 replaces all it has.
 */
export interface RowBatch {
  readonly run: string;
  readonly from: number;
  readonly steps: Float64Array;
  /** Epoch milliseconds. */
  readonly times: Float64Array;
  readonly columns: Readonly<Record<string, Float64Array>>;
}

export type ToCurves =
  | { readonly type: 'runs'; readonly runs: readonly CurveRun[]; readonly trusted: boolean }
  | { readonly type: 'rows'; readonly batches: readonly RowBatch[] }
  | { readonly type: 'show'; readonly runs: readonly string[] };

export const CURVE_ACTIONS = ['samples', 'log', 'stop', 'resume', 'branch', 'alarm'] as const;
export type CurveAction = (typeof CURVE_ACTIONS)[number];

export type FromCurves =
  /** The panel listens now. */
  | { readonly type: 'ready' }
  /** The panel draws these runs; the editor sends their rows and goes on as they grow. */
  | { readonly type: 'watch'; readonly runs: readonly string[] }
  /** The panel lost count of a run's rows and wants them all again. */
  | { readonly type: 'resync'; readonly run: string }
  | { readonly type: 'action'; readonly action: CurveAction; readonly run: string; readonly step?: number }
  | { readonly type: 'open-config' }
  | { readonly type: 'export'; readonly runs: readonly string[] }
  /** A first point was drawn, this many milliseconds after the panel's document began to load. */
  | { readonly type: 'drawn'; readonly run: string };

/** What the panel keeps over a reload of the window, through setState and its serializer. */
export interface CurvesState {
  readonly v: 1;
  readonly shown: readonly string[];
  readonly axis: Axis;
  /** Weight of the moving average, 0 (none) to 0.99. */
  readonly smoothing: number;
  readonly log: boolean;
  readonly ignoreOutliers: boolean;
  readonly table: boolean;
  readonly view: CurvesViewName;
  /** Which reward the frontier shows, by its key; null: the first that the runs have. */
  readonly reward: string | null;
  /** The frontier over √KL, in which Gao et al. (2210.10760) found its shape. */
  readonly rootKl: boolean;
}

/** Metrics over steps, or reward against KL. */
export const CURVES_VIEWS = ['curves', 'frontier'] as const;
export type CurvesViewName = (typeof CURVES_VIEWS)[number];

export const AXES = ['step', 'tokens', 'time'] as const;
export type Axis = (typeof AXES)[number];

export const INITIAL_STATE: CurvesState = {
  v: 1,
  shown: [],
  axis: 'step',
  smoothing: 0.6,
  log: false,
  ignoreOutliers: false,
  table: false,
  view: 'curves',
  reward: null,
  rootKl: false,
};

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOneOf<T extends string>(names: readonly T[], value: unknown): value is T {
  return typeof value === 'string' && names.some((name) => name === value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isMarker(value: unknown): value is Marker {
  if (!isFields(value)) return false;
  const { kind, step, label, metric } = value;
  return isOneOf(['checkpoint', 'samples', 'alarm'], kind) && isNumber(step) && [label, metric].every(isTextOrMissing);
}

function isTextOrMissing(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

export function isCurveRun(value: unknown): value is CurveRun {
  if (!isFields(value)) return false;
  const { id, stage, label, state, words, step, steps, started, parent, markers, thresholds } = value;
  return (
    [id, stage, label, words].every((text) => typeof text === 'string') &&
    isOneOf(RUN_STATES, state) &&
    isNumber(step) &&
    (steps === null || isNumber(steps)) &&
    isNumber(started) &&
    (parent === null || (isFields(parent) && typeof parent.run === 'string' && isNumber(parent.step))) &&
    Array.isArray(markers) &&
    markers.every(isMarker) &&
    (thresholds === undefined || (isFields(thresholds) && Object.values(thresholds).every(isNumber)))
  );
}

export function isRowBatch(value: unknown): value is RowBatch {
  if (!isFields(value)) return false;
  const { run, from, steps, times, columns } = value;
  if (typeof run !== 'string' || !Number.isInteger(from) || !isFields(columns)) return false;
  if (!(steps instanceof Float64Array) || !(times instanceof Float64Array) || times.length !== steps.length) {
    return false;
  }
  return Object.values(columns).every((column) => column instanceof Float64Array && column.length === steps.length);
}

/** Is this a message from the editor? */
export function isToCurves(value: unknown): value is ToCurves {
  if (!isFields(value)) return false;
  switch (value.type) {
    case 'runs':
      return Array.isArray(value.runs) && value.runs.every(isCurveRun) && typeof value.trusted === 'boolean';
    case 'rows':
      return Array.isArray(value.batches) && value.batches.every(isRowBatch);
    case 'show':
      return isStrings(value.runs);
    default:
      return false;
  }
}

/** Is this a message from the panel? */
export function isFromCurves(value: unknown): value is FromCurves {
  if (!isFields(value)) return false;
  switch (value.type) {
    case 'ready':
    case 'open-config':
      return true;
    case 'watch':
    case 'export':
      return isStrings(value.runs);
    case 'resync':
    case 'drawn':
      return typeof value.run === 'string';
    case 'action':
      return (
        isOneOf(CURVE_ACTIONS, value.action) &&
        typeof value.run === 'string' &&
        (value.step === undefined || isNumber(value.step))
      );
    default:
      return false;
  }
}

/** The panel's kept state, or the initial one where what was kept is missing or of another version. */
export function curvesState(value: unknown): CurvesState {
  if (!isFields(value) || value.v !== 1) return INITIAL_STATE;
  const { shown, axis, smoothing, log, ignoreOutliers, table, view, reward, rootKl } = value;
  return {
    v: 1,
    shown: isStrings(shown) ? shown : INITIAL_STATE.shown,
    axis: isOneOf(AXES, axis) ? axis : INITIAL_STATE.axis,
    smoothing: isNumber(smoothing) ? Math.min(0.99, Math.max(0, smoothing)) : INITIAL_STATE.smoothing,
    log: log === true,
    ignoreOutliers: ignoreOutliers === true,
    table: table === true,
    view: isOneOf(CURVES_VIEWS, view) ? view : INITIAL_STATE.view,
    reward: typeof reward === 'string' ? reward : INITIAL_STATE.reward,
    rootKl: rootKl === true,
  };
}

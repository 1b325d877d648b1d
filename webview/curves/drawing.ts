import {
  Chart,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  type ChartConfiguration,
  type ChartDataset,
  type Point,
} from 'chart.js';
import annotationPlugin from 'chartjs-plugin-annotation';
import zoomPlugin from 'chartjs-plugin-zoom';
import type { Axis, Marker } from '../../src/protocol/curves';
import type { Theme } from '../theme';
import { annotationsOf } from './annotations';
import { translucent } from './colors';
import { decimate, nearest, robustRange } from './decimation';
import { elapsed, tick } from './figures';
import type { MetricInfo } from './metrics';
import type { Curve } from './series';

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, zoomPlugin, annotationPlugin);

export type LineChart = Chart<'line', Point[]>;

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** One run's line in a chart, with how it looks. */
export interface Line {
  readonly curve: Curve;
  readonly name: string;
  readonly color: string;
  readonly dash: number[];
  readonly markers: readonly Marker[];
  readonly dimmed: boolean;
  /** Where a branch leaves its parent, in x; undefined where the run is no branch. */
  readonly joint?: number;
  /** Where this metric's monitor raises its alarm. */
  readonly threshold?: number;
}

/** All that a chart shows. */
export interface ChartView {
  readonly metric: MetricInfo;
  readonly lines: readonly Line[];
  readonly axis: Axis;
  readonly range: Range;
  readonly log: boolean;
  readonly ignoreOutliers: boolean;
  readonly theme: Theme;
}

/** Pixels kept for the y axis, the same in all charts, so that one crosshair stands under the other. */
const AXIS_WIDTH = 48;

/** What tells a dataset's purpose when the chart is read back: `raw:<run>`, `line:<run>`, `marker:<run>`. */
export type DatasetKind = 'raw' | 'line' | 'marker';

export function datasetLabel(kind: DatasetKind, run: string): string {
  return `${kind}:${run}`;
}

/** The settings that stay over the life of a chart. */
export function configuration(onZoom: (range: Range) => void): ChartConfiguration<'line', Point[]> {
  return {
    type: 'line',
    data: { datasets: [] },
    options: {
      parsing: false,
      normalized: true,
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      events: [],
      layout: { padding: { top: 6, right: 10 } },
      plugins: {
        annotation: { annotations: {} },
        zoom: {
          zoom: {
            mode: 'x',
            drag: { enabled: true, threshold: 6, backgroundColor: '#80808033' },
            wheel: { enabled: true, modifierKey: 'ctrl' },
            onZoomComplete: ({ chart }) => {
              const scale = chart.scales['x'];
              if (scale) onZoom({ min: scale.min, max: scale.max });
            },
          },
          pan: {
            enabled: true,
            mode: 'x',
            modifierKey: 'shift',
            onPanComplete: ({ chart }) => {
              const scale = chart.scales['x'];
              if (scale) onZoom({ min: scale.min, max: scale.max });
            },
          },
        },
      },
    },
  };
}

/** Puts the view into the chart and draws it. */
export function draw(chart: LineChart, view: ChartView): void {
  const columns = Math.max(50, chart.chartArea ? chart.chartArea.width : chart.width - AXIS_WIDTH);
  // The first dataset is drawn last, on top of the others.
  chart.data.datasets = [
    ...view.lines.flatMap((line) => markerDatasets(line, view)),
    ...view.lines.flatMap((line) => lineDatasets(line, view, columns)),
  ];
  chart.options.scales = { x: xScale(view), y: yScale(view) };
  const annotations = chart.options.plugins?.annotation;
  if (annotations) annotations.annotations = annotationsOf(view);
  chart.update('none');
}

function lineDatasets(line: Line, view: ChartView, columns: number): ChartDataset<'line', Point[]>[] {
  const { curve } = line;
  const strong = line.dimmed ? 0.25 : 1;
  const single = curve.x.length === 1;
  const base = {
    borderJoinStyle: 'round' as const,
    pointRadius: single ? 3 : 0,
    pointBackgroundColor: line.color,
    pointBorderWidth: 0,
    tension: 0,
  };
  const smoothed: ChartDataset<'line', Point[]> = {
    ...base,
    label: datasetLabel('line', curve.run),
    data: pointsOf(curve.x, curve.smoothed, view, columns),
    borderColor: translucent(line.color, strong),
    borderWidth: view.theme.highContrast ? 2.25 : 1.75,
    borderDash: line.dash,
  };
  if (curve.smoothed === curve.raw) return [smoothed];
  const raw: ChartDataset<'line', Point[]> = {
    ...base,
    label: datasetLabel('raw', curve.run),
    data: pointsOf(curve.x, curve.raw, view, columns),
    borderColor: translucent(line.color, (view.theme.highContrast ? 0.5 : 0.35) * strong),
    borderWidth: 1,
  };
  return [smoothed, raw];
}

function pointsOf(x: Float64Array, y: Float64Array, view: ChartView, columns: number): Point[] {
  const points: Point[] = [];
  for (const index of decimate(x, y, view.range.min, view.range.max, columns)) {
    const value = y[index] ?? NaN;
    if (view.log && !(value > 0)) continue;
    points.push({ x: x[index] ?? 0, y: value });
  }
  return points;
}

function markerDatasets(line: Line, view: ChartView): ChartDataset<'line', Point[]>[] {
  const at = { checkpoint: [] as Point[], samples: [] as Point[], alarm: [] as Point[] };
  for (const marker of line.markers) {
    const index = nearest(line.curve.steps, marker.step);
    const value = line.curve.smoothed[index] ?? NaN;
    if (Number.isNaN(value) || (view.log && !(value > 0))) continue;
    at[marker.kind].push({ x: line.curve.x[index] ?? 0, y: value });
  }
  const base = {
    label: datasetLabel('marker', line.curve.run),
    showLine: false,
    borderColor: line.color,
    pointBorderColor: translucent(line.color, line.dimmed ? 0.25 : 1),
    pointBorderWidth: 1.25,
    clip: 8,
  };
  const solid = translucent(line.color, line.dimmed ? 0.25 : 1);
  return [
    { ...base, data: at.alarm, pointStyle: 'triangle', pointRadius: 5, pointBackgroundColor: solid },
    { ...base, data: at.checkpoint, pointStyle: 'rectRot', pointRadius: 3.5, pointBackgroundColor: solid },
    { ...base, data: at.samples, pointStyle: 'circle', pointRadius: 4.5, pointBackgroundColor: view.theme.background },
  ].filter((dataset): dataset is typeof dataset & { pointStyle: 'circle' } => dataset.data.length > 0);
}

export function ticks(theme: Theme, limit: number, format: (value: number) => string) {
  return {
    color: theme.dimmed,
    font: { family: theme.font, size: Math.max(10, theme.fontSize - 2) },
    maxTicksLimit: limit,
    maxRotation: 0,
    autoSkipPadding: 16,
    includeBounds: false,
    callback: (value: string | number) => format(Number(value)),
  };
}

function xScale(view: ChartView) {
  const format = view.axis === 'time' ? elapsed : tick;
  return {
    type: 'linear' as const,
    min: view.range.min,
    max: view.range.max,
    grid: { display: false },
    border: { color: view.theme.grid },
    ticks: ticks(view.theme, 6, format),
  };
}

function yScale(view: ChartView) {
  const robust = view.ignoreOutliers
    ? robustRange(view.lines.flatMap((line) => [...line.curve.raw].filter((value) => !view.log || value > 0)))
    : undefined;
  const shared = {
    grid: { color: view.theme.grid, lineWidth: 0.5 },
    border: { display: false },
    ticks: ticks(view.theme, 5, tick),
    afterFit: (scale: { width: number }) => {
      scale.width = AXIS_WIDTH;
    },
    // A share ends at 1; an axis up to 1.5 would waste a third of the chart.
    ...(view.metric.unit === 'share' && !view.log ? { max: 1 } : {}),
    ...(robust && !(view.log && robust.min <= 0) ? robust : {}),
  };
  return view.log ? { ...shared, type: 'logarithmic' as const } : { ...shared, type: 'linear' as const };
}

/** The points that a chart holds now, by run: what is on the screen, for tests and for the label of the canvas. */
export function drawnPoints(chart: LineChart): Record<string, { line: [number, number][]; raw?: [number, number][] }> {
  const found: Record<string, { line: [number, number][]; raw?: [number, number][] }> = {};
  for (const dataset of chart.data.datasets) {
    const label = dataset.label ?? '';
    const kind = label.slice(0, label.indexOf(':'));
    const run = label.slice(kind.length + 1);
    if (kind !== 'raw' && kind !== 'line') continue;
    const entry = (found[run] ??= { line: [] });
    entry[kind] = dataset.data.map((point): [number, number] => [point.x ?? NaN, point.y ?? NaN]);
  }
  return found;
}

export { Chart };

import type { ChartConfiguration, ChartDataset, Point } from 'chart.js';
import type { AnnotationOptions } from 'chartjs-plugin-annotation';
import type { Marker } from '../../src/protocol/curves';
import type { Theme } from '../theme';
import { alarmsByStep } from './annotations';
import { translucent } from './colors';
import { nearest, robustRange } from './decimation';
import { Chart, ticks, type Range } from './drawing';
import { tick } from './figures';
import { alongX, type FrontierPath } from './frontier';
import { GAP, labelSides } from './label-places';
import type { Pixel } from './plot';

/** A point with the step that it is of. */
export interface FrontierPoint extends Point {
  readonly step: number;
}

export type FrontierChart = Chart<'line', FrontierPoint[]>;
type Dataset = ChartDataset<'line', FrontierPoint[]>;

/** One run's path, with how it looks. */
export interface FrontierLine {
  readonly path: FrontierPath;
  readonly name: string;
  readonly color: string;
  readonly dash: number[];
  readonly markers: readonly Marker[];
  readonly dimmed: boolean;
}

export interface Window2d {
  readonly x: Range;
  readonly y: Range;
}

/** All that the chart shows. */
export interface FrontierView {
  /** The reward's name. */
  readonly label: string;
  readonly lines: readonly FrontierLine[];
  readonly rootKl: boolean;
  readonly ignoreOutliers: boolean;
  readonly zoom: Window2d | undefined;
  readonly theme: Theme;
}

/** More points of a run than this are drawn thinned out; the keys reach all. */
const MOST_POINTS = 2000;

/** The settings that stay over the life of the chart. */
export function frontierConfiguration(onZoom: (zoom: Window2d) => void): ChartConfiguration<'line', FrontierPoint[]> {
  const told = ({ chart: { scales } }: { chart: Chart }): void => {
    const { x, y } = scales;
    if (x && y) onZoom({ x: { min: x.min, max: x.max }, y: { min: y.min, max: y.max } });
  };
  return {
    type: 'line',
    data: { datasets: [] },
    options: {
      // A path goes to and fro in x: what chart.js does faster for sorted points would leave some out.
      normalized: false,
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      events: [],
      layout: { padding: { top: 12, right: 16 } },
      plugins: {
        annotation: { annotations: {} },
        zoom: {
          zoom: {
            mode: 'xy',
            drag: { enabled: true, threshold: 6, backgroundColor: '#80808033' },
            wheel: { enabled: true, modifierKey: 'ctrl' },
            onZoomComplete: told,
          },
          pan: { enabled: true, mode: 'xy', modifierKey: 'shift', onPanComplete: told },
        },
      },
    },
  };
}

/** Puts the view into the chart and draws it. */
export function drawFrontier(chart: FrontierChart, view: FrontierView): void {
  // The first dataset is drawn last, on top of the others.
  chart.data.datasets = [
    ...view.lines.flatMap((line) => markerDatasets(line, view)),
    ...view.lines.map((line) => pathDataset(line, view)),
    ...view.lines.map((line) => pointDataset(line, view)),
  ];
  chart.options.scales = { x: scale(view, 'x'), y: scale(view, 'y') };
  const annotations = chart.options.plugins?.annotation;
  // Labels are placed in pixels: after a layout that changed the chart's inside they are placed again.
  for (let passes = 0; passes < 2; passes++) {
    const { width = 0, height = 0 } = chart.chartArea ?? {};
    if (annotations) annotations.annotations = frontierAnnotations(view, { width, height });
    chart.update('none');
    if (chart.chartArea?.width === width && chart.chartArea.height === height) break;
  }
}

/** The places of a path that are drawn: all, or evenly thinned out with the last. */
export function drawnPlaces(length: number, most = MOST_POINTS): number[] {
  const every = Math.max(1, Math.ceil(length / most));
  const places = Array.from({ length: Math.ceil(length / every) }, (_, index) => index * every);
  if (length > 0 && places.at(-1) !== length - 1) places.push(length - 1);
  return places;
}

function pointAt({ path }: FrontierLine, index: number, { rootKl }: FrontierView, smooth: boolean): FrontierPoint {
  const { steps, kl, reward, smoothKl, smoothReward } = path;
  return {
    x: alongX((smooth ? smoothKl : kl)[index] ?? NaN, rootKl),
    y: (smooth ? smoothReward : reward)[index] ?? NaN,
    step: steps[index] ?? 0,
  };
}

const strength = (line: FrontierLine): number => (line.dimmed ? 0.25 : 1);

/** Every step as it was logged. */
function pointDataset(line: FrontierLine, view: FrontierView): Dataset {
  return {
    label: `point:${line.path.run}`,
    data: drawnPlaces(line.path.steps.length).map((index) => pointAt(line, index, view, false)),
    showLine: false,
    pointRadius: 2.5,
    pointBorderWidth: 0,
    pointBackgroundColor: translucent(line.color, (view.theme.highContrast ? 0.8 : 0.5) * strength(line)),
    clip: 6,
  };
}

/** The way through them, smoothed over the steps. */
function pathDataset(line: FrontierLine, view: FrontierView): Dataset {
  return {
    label: `path:${line.path.run}`,
    data: drawnPlaces(line.path.steps.length).map((index) => pointAt(line, index, view, true)),
    borderColor: translucent(line.color, strength(line)),
    borderWidth: view.theme.highContrast ? 2.25 : 1.75,
    borderDash: line.dash,
    borderJoinStyle: 'round',
    pointRadius: 0,
    tension: 0,
  };
}

/** On the way: where samples were written, where an alarm was raised, and where it ends. */
function markerDatasets(line: FrontierLine, view: FrontierView): Dataset[] {
  const { steps, run } = line.path;
  const at = (kind: Marker['kind']): FrontierPoint[] =>
    [...new Set(line.markers.filter((marker) => marker.kind === kind).map(({ step }) => nearest(steps, step)))].map(
      (index) => pointAt(line, index, view, true),
    );
  const solid = translucent(line.color, strength(line));
  const base = { label: `marker:${run}`, showLine: false, pointBorderColor: solid, pointBorderWidth: 1.25, clip: 8 };
  const datasets: Dataset[] = [
    { ...base, data: at('alarm'), pointStyle: 'triangle', pointRadius: 6, pointBackgroundColor: solid },
    {
      ...base,
      data: [pointAt(line, steps.length - 1, view, true)],
      pointStyle: 'circle',
      pointRadius: 5,
      pointBackgroundColor: solid,
    },
    {
      ...base,
      data: at('samples'),
      pointStyle: 'circle',
      pointRadius: 4,
      pointBackgroundColor: view.theme.background,
    },
  ];
  return datasets.filter(({ data }) => data.length > 0);
}

/** The words in the chart: where each path ends, and what its alarms said, on the side where there is room. */
export function frontierAnnotations(
  view: FrontierView,
  area: { readonly width: number; readonly height: number },
): Record<string, AnnotationOptions> {
  const { theme } = view;
  const size = Math.max(10, theme.fontSize - 2);
  const labels = view.lines.flatMap((line, number) => labelsOf(line, number, view));
  const { x, y } = seenRange(view);
  const pixel = (point: FrontierPoint): Pixel => ({
    x: (((point.x ?? 0) - x.min) / (x.max - x.min)) * area.width,
    y: (1 - ((point.y ?? 0) - y.min) / (y.max - y.min)) * area.height,
  });
  const points = view.lines.flatMap((line) =>
    drawnPlaces(line.path.steps.length).flatMap((index) =>
      [true, false].map((smooth) => pixel(pointAt(line, index, view, smooth))),
    ),
  );
  const words = labels.map(({ point, lines }) => ({ ...pixel(point), lines }));
  const sides = labelSides(words, points, area, size);
  return Object.fromEntries(
    labels.map(({ key, point, lines, colors }, i) => {
      const { left = false, above = false } = sides[i] ?? {};
      const annotation: AnnotationOptions = {
        type: 'label',
        xValue: point.x ?? 0,
        yValue: point.y ?? 0,
        content: lines,
        position: { x: left ? 'end' : 'start', y: above ? 'end' : 'start' },
        xAdjust: left ? -GAP.x : GAP.x,
        yAdjust: above ? -GAP.y : GAP.y,
        padding: { x: 4, y: 2 },
        textAlign: left ? 'right' : 'left',
        // a word beside a point moves no axis
        adjustScaleRange: false,
        font: { family: theme.font, size, weight: 'normal' },
        drawTime: 'afterDatasetsDraw',
        ...colors,
      };
      return [key, annotation];
    }),
  );
}

/** A path's labels: its alarms, and the name of its run at its end. */
function labelsOf(line: FrontierLine, number: number, view: FrontierView) {
  const { theme } = view;
  const { steps } = line.path;
  const color = translucent(line.color, strength(line));
  const last = steps.length - 1;
  const boxed = {
    color: theme.foreground,
    backgroundColor: theme.background,
    borderColor: color,
    borderWidth: 1,
    borderRadius: 2,
  };
  return [
    ...[...alarmsByStep(line.markers)].map(([step, lines]) => ({
      key: `alarm${number}:${step}`,
      point: pointAt(line, nearest(steps, step), view, true),
      lines,
      colors: boxed,
    })),
    {
      key: `end${number}`,
      point: pointAt(line, last, view, true),
      lines: [line.name, `step ${Math.round(steps[last] ?? 0)}`],
      colors: { color },
    },
  ];
}

/** Empty space around the points, as a share of their range; above them there is room for words. */
const MARGIN = 0.06;
const MARGIN_ABOVE = 0.14;

/** What the axes cover: the zoom, else all points; KL from 0 on, of which noise may lie a little below. */
export function seenRange({ lines, rootKl, ignoreOutliers, zoom }: FrontierView): Window2d {
  if (zoom) return zoom;
  const kls = lines.flatMap(({ path }) => Array.from(path.kl, (kl) => alongX(kl, rootKl)));
  const x = rangeAround(kls, ignoreOutliers);
  const noise = x.min > -0.1 * x.max && x.min < 0.5 * x.max;
  const rewards = lines.flatMap(({ path }) => [...path.reward]);
  return { x: noise ? { min: 0, max: x.max } : x, y: rangeAround(rewards, ignoreOutliers, MARGIN_ABOVE) };
}

function rangeAround(values: readonly number[], ignoreOutliers: boolean, above = MARGIN): Range {
  const robust = ignoreOutliers ? robustRange(values) : undefined;
  if (robust) return robust;
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) [min, max] = [Math.min(min, value), Math.max(max, value)];
  if (!Number.isFinite(min)) return { min: 0, max: 1 };
  const span = max - min || Math.abs(max) || 1;
  return { min: min - MARGIN * span, max: max + above * span };
}

function scale(view: FrontierView, axis: 'x' | 'y') {
  const { theme, rootKl } = view;
  const kl = rootKl ? '√KL to the reference (√nats an answer)' : 'KL to the reference (nats an answer)';
  return {
    type: 'linear' as const,
    ...seenRange(view)[axis],
    title: {
      display: true,
      text: axis === 'y' ? view.label : kl,
      color: theme.dimmed,
      font: { family: theme.font, size: Math.max(10, theme.fontSize - 1), weight: 'normal' as const },
    },
    grid: { color: theme.grid, lineWidth: 0.5 },
    border: { display: axis === 'x', color: theme.grid },
    ticks: ticks(theme, 8, tick),
  };
}

/** The points that the chart holds now, by run: as drawn, with their steps. */
export function drawnFrontier(chart: FrontierChart): Record<string, [x: number, y: number, step: number][]> {
  const found: Record<string, [number, number, number][]> = {};
  for (const { label = '', data } of chart.data.datasets) {
    if (!label.startsWith('point:')) continue;
    found[label.slice('point:'.length)] = data.map(({ x, y, step }) => [x ?? NaN, y ?? NaN, step]);
  }
  return found;
}

export { Chart };

import type { Axis, Marker } from '../../src/protocol/curves';
import { element } from '../controls';
import { markersAt, spoken, within, type Place } from './cursor';
import {
  Chart,
  configuration,
  draw,
  drawnPoints,
  type ChartView,
  type Line,
  type LineChart,
  type Range,
} from './drawing';
import { nearest } from './decimation';
import { elapsed, figure } from './figures';
import { Plot, type Pixel, type Spot } from './plot';
import { samplesStep } from './samples-step';

/** A point of a line, by its place in the curve. */
export interface LinePoint {
  readonly line: Line;
  readonly index: number;
}

export interface CardHooks {
  onHover(card: ChartCard, x: number | undefined, spot: Spot): void;
  onZoom(range: Range): void;
  onReset(): void;
  /** A marker was chosen: what can be done at its step is asked for. */
  onPick(line: Line, step: number, spot: Spot): void;
  /** A point was chosen: its samples are asked for. */
  onPoint(line: Line, step: number): void;
  /** The keys moved to a point. */
  onCursor(card: ChartCard, point: LinePoint, spot: Spot): void;
}

/** Pixels around a marker or a point in which a click means it. */
const PICK_RADIUS = 10;

/** One metric: its name and reading, its chart, and the same figures as a table. */
export class ChartCard {
  readonly root = element('section', 'card');
  private readonly reading = element('span', 'reading figure');
  private readonly title = element('h3');
  private readonly plot: Plot;
  private readonly crosshair = element('div', 'crosshair');
  private readonly table = element('div', 'table');
  private readonly chart: LineChart;
  private view: ChartView | undefined;

  constructor(private readonly hooks: CardHooks) {
    const head = element('header');
    head.append(this.title, this.reading);
    this.plot = new Plot({
      walks: () => this.walks(),
      pixelOf: (place) => this.pixelOf(place),
      onHover: (at, spot) => hooks.onHover(this, at && this.valueAt(at.x), spot),
      onClick: (at, spot) => this.click(at, spot),
      onReset: () => hooks.onReset(),
      onCursor: (place, spot) => {
        const point = place && this.pointOf(place);
        if (point) hooks.onCursor(this, point, spot);
        else hooks.onHover(this, undefined, spot);
      },
      onOpen: (place, choices, spot) => this.open(place, choices, spot),
    });
    this.crosshair.hidden = true;
    this.plot.root.append(this.crosshair);
    this.table.hidden = true;
    this.root.append(head, this.plot.root, this.table);
    this.chart = new Chart(
      this.plot.canvas,
      configuration((range) => hooks.onZoom(range)),
    );
  }

  /** Shows the view; where `asTable`, as figures instead of lines. */
  update(view: ChartView, asTable: boolean): void {
    this.view = view;
    const { name, unit, about } = view.metric;
    this.title.replaceChildren(element('span', '', name), ...(unit ? [element('span', 'unit', unit)] : []));
    this.title.title = about;
    this.plot.root.hidden = asTable;
    this.table.hidden = !asTable;
    if (asTable) this.table.replaceChildren(figuresTable(view));
    else draw(this.chart, view);
    this.plot.canvas.setAttribute('aria-label', description(view));
    this.plot.refresh();
    this.readAt(undefined);
  }

  /** Moves the crosshair, in x; undefined hides it. */
  point(x: number | undefined): void {
    const scale = this.chart.scales['x'];
    const area = this.chart.chartArea;
    const at = x === undefined || !scale || !area ? undefined : scale.getPixelForValue(x);
    this.crosshair.hidden = at === undefined || !area || at < area.left || at > area.right;
    if (at !== undefined && area) {
      this.crosshair.style.transform = `translateX(${Math.round(at)}px)`;
      this.crosshair.style.top = `${area.top}px`;
      this.crosshair.style.height = `${area.bottom - area.top}px`;
    }
    this.readAt(x);
  }

  /** The lines' values at x, highest first. */
  valuesAt(x: number): { line: Line; value: number; raw: number; step: number }[] {
    const range = this.view?.range;
    const slack = range ? 0.02 * (range.max - range.min) : 0;
    return (this.view?.lines ?? [])
      .filter(({ curve }) => x >= (curve.x[0] ?? Infinity) - slack && x <= (curve.x.at(-1) ?? -Infinity) + slack)
      .map((line) => {
        const index = nearest(line.curve.x, x);
        return {
          line,
          value: line.curve.smoothed[index] ?? NaN,
          raw: line.curve.raw[index] ?? NaN,
          step: line.curve.steps[index] ?? 0,
        };
      })
      .sort((a, b) => b.value - a.value);
  }

  get metric(): string {
    return this.view?.metric.name ?? '';
  }

  drawn(): ReturnType<typeof drawnPoints> {
    return drawnPoints(this.chart);
  }

  dispose(): void {
    this.chart.destroy();
    this.root.remove();
  }

  private readAt(x: number | undefined): void {
    const view = this.view;
    if (!view) return;
    const band = view.metric.healthy;
    const healthy = band ? `healthy ${figure(band.min)}–${figure(band.max)}` : '';
    const main = view.lines.find((line) => !line.dimmed) ?? view.lines[0];
    const index = !main ? -1 : x === undefined ? main.curve.smoothed.length - 1 : nearest(main.curve.x, x);
    const value = main?.curve.smoothed[index];
    const reading = value === undefined ? '' : view.lines.length === 1 || x !== undefined ? figure(value) : '';
    this.reading.textContent = [healthy, reading].filter(Boolean).join(' · ');
  }

  private valueAt(pixel: number): number | undefined {
    const area = this.chart.chartArea;
    if (!area || pixel < area.left - 4 || pixel > area.right + 4) return undefined;
    return this.chart.scales['x']?.getValueForPixel(pixel);
  }

  /** The lines' points in the range that is seen. */
  private walks() {
    const { lines = [], range } = this.view ?? {};
    return lines.map(({ curve }) => ({
      run: curve.run,
      steps: curve.steps,
      ...within(curve.x, range?.min ?? -Infinity, range?.max ?? Infinity),
    }));
  }

  private pointOf({ run, index }: Place): LinePoint | undefined {
    const line = this.view?.lines.find(({ curve }) => curve.run === run);
    return line && index < line.curve.x.length ? { line, index } : undefined;
  }

  private pixelOf(place: Place): Pixel | undefined {
    const point = this.pointOf(place);
    const { x, y } = this.chart.scales;
    if (!point || !x || !y) return undefined;
    const { curve } = point.line;
    const pixel = {
      x: x.getPixelForValue(curve.x[point.index] ?? NaN),
      y: y.getPixelForValue(curve.smoothed[point.index] ?? NaN),
    };
    return Number.isFinite(pixel.x) && Number.isFinite(pixel.y) ? pixel : undefined;
  }

  private click(at: Pixel, spot: Spot): void {
    const marker = this.markerAt(at);
    const point = marker ?? this.pointAt(at);
    if (!point) return;
    this.plot.moveTo({ run: point.line.curve.run, index: point.index });
    if (marker) this.hooks.onPick(marker.line, marker.step, spot);
    else this.hooks.onPoint(point.line, point.step);
  }

  private open(place: Place, choices: boolean, spot: Spot): void {
    const point = this.pointOf(place);
    if (!point) return;
    const { line, index } = point;
    const [marker] = choices ? markersAt(line.curve.steps, index, line.markers) : [];
    if (marker) this.hooks.onPick(line, marker.step, spot);
    else this.hooks.onPoint(line, line.curve.steps[index] ?? 0);
  }

  private markerAt(at: Pixel): (LinePoint & { step: number }) | undefined {
    return this.closest(at, (line) =>
      line.markers.map(({ step }) => ({ index: nearest(line.curve.steps, step), step })),
    );
  }

  private pointAt(at: Pixel): (LinePoint & { step: number }) | undefined {
    const value = this.valueAt(at.x);
    if (value === undefined) return undefined;
    return this.closest(at, ({ curve }) => {
      const index = nearest(curve.x, value);
      const step = curve.steps[index];
      return step === undefined ? [] : [{ index, step }];
    });
  }

  /** The place of a line that is drawn nearest to a pixel, within the radius of a click. */
  private closest(
    at: Pixel,
    placesOf: (line: Line) => readonly { index: number; step: number }[],
  ): (LinePoint & { step: number }) | undefined {
    let best: (LinePoint & { step: number; distance: number }) | undefined;
    for (const line of this.view?.lines ?? []) {
      for (const { index, step } of placesOf(line)) {
        const pixel = this.pixelOf({ run: line.curve.run, index });
        const distance = pixel ? Math.hypot(pixel.x - at.x, pixel.y - at.y) : Infinity;
        if (distance <= PICK_RADIUS && distance < (best?.distance ?? Infinity)) best = { line, index, step, distance };
      }
    }
    return best;
  }
}

/** A position on the x axis in words. */
export function positionOf(axis: Axis, x: number): string {
  return axis === 'time' ? elapsed(x) : `${axis} ${axis === 'step' ? Math.round(x) : figure(x)}`;
}

/** A point in words; `markers` are all of its run. */
export function wordsOf(
  metric: string,
  { line: { curve, name }, index }: LinePoint,
  markers: readonly Marker[],
): string {
  const step = curve.steps[index] ?? 0;
  const [raw = NaN, smoothed = NaN] = [curve.raw[index], curve.smoothed[index]];
  return spoken({
    name,
    step,
    values: [{ label: metric, value: raw }, ...(smoothed === raw ? [] : [{ label: 'smoothed', value: smoothed }])],
    markers: markersAt(curve.steps, index, markers),
    samples: samplesStep(markers, step),
  });
}

/** What a screen reader says of the chart. */
function description(view: ChartView): string {
  const lines = view.lines.map(({ name, curve }) => {
    const last = curve.raw.length - 1;
    return `${name}: ${figure(curve.raw[last])} at step ${Math.round(curve.steps[last] ?? 0)}, from ${figure(curve.raw[0])}`;
  });
  return `${view.metric.name}. ${lines.join('; ')}. The arrow keys step through the points, Enter opens their samples.`;
}

function figuresTable(view: ChartView): HTMLTableElement {
  const table = element('table');
  table.createCaption().textContent = view.metric.name;
  const head = table.createTHead().insertRow();
  for (const title of ['Run', 'First', 'Lowest', 'Highest', 'Last', 'Step']) {
    const cell = element('th', '', title);
    cell.scope = 'col';
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { name, curve } of view.lines) {
    const row = body.insertRow();
    const heading = element('th', '', name);
    heading.scope = 'row';
    row.append(heading);
    let low = Infinity;
    let high = -Infinity;
    for (const value of curve.raw) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const last = curve.raw.length - 1;
    for (const value of [curve.raw[0], low, high, curve.raw[last]]) {
      const cell = element('td', 'figure', figure(value));
      cell.title = String(value);
      row.append(cell);
    }
    row.append(element('td', 'figure', String(Math.round(curve.steps[last] ?? 0))));
  }
  return table;
}

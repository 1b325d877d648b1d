import type { Axis } from '../../src/protocol/curves';
import { element } from '../controls';
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

export interface CardHooks {
  onHover(card: ChartCard, x: number | undefined, event: MouseEvent): void;
  onZoom(range: Range): void;
  onReset(): void;
  onPick(line: Line, step: number, event: MouseEvent): void;
  /** A point of a line was clicked, where no marker stands. */
  onPoint(line: Line, step: number): void;
}

/** Pixels around a marker or a point in which a click means it. */
const PICK_RADIUS = 10;
/** Pixels that the pointer may move in a click; further, it dragged the chart. */
const STILL = 4;

/** One metric: its name and reading, its chart, and the same figures as a table. */
export class ChartCard {
  readonly root = element('section', 'card');
  private readonly reading = element('span', 'reading figure');
  private readonly title = element('h3');
  private readonly canvas = element('canvas');
  private readonly plot = element('div', 'plot');
  private readonly crosshair = element('div', 'crosshair');
  private readonly table = element('div', 'table');
  private readonly chart: LineChart;
  private view: ChartView | undefined;

  constructor(hooks: CardHooks) {
    const head = element('header');
    head.append(this.title, this.reading);
    this.canvas.setAttribute('role', 'img');
    this.crosshair.hidden = true;
    this.plot.append(this.canvas, this.crosshair);
    this.table.hidden = true;
    this.root.append(head, this.plot, this.table);
    this.chart = new Chart(
      this.canvas,
      configuration((range) => hooks.onZoom(range)),
    );
    this.canvas.addEventListener('mousemove', (event) => hooks.onHover(this, this.valueAt(event.offsetX), event));
    this.canvas.addEventListener('mouseleave', (event) => hooks.onHover(this, undefined, event));
    this.canvas.addEventListener('dblclick', () => hooks.onReset());
    let pressed: MouseEvent | undefined;
    this.canvas.addEventListener('mousedown', (event) => (pressed = event));
    this.canvas.addEventListener('click', (event) => {
      if (pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > STILL) return;
      const marker = this.markerAt(event.offsetX, event.offsetY);
      const point = marker ? undefined : this.pointAt(event.offsetX, event.offsetY);
      if (marker) hooks.onPick(marker.line, marker.step, event);
      else if (point) hooks.onPoint(point.line, point.step);
    });
  }

  /** Shows the view; where `asTable`, as figures instead of lines. */
  update(view: ChartView, asTable: boolean): void {
    this.view = view;
    const { name, unit, about } = view.metric;
    this.title.replaceChildren(element('span', '', name), ...(unit ? [element('span', 'unit', unit)] : []));
    this.title.title = about;
    this.plot.hidden = asTable;
    this.table.hidden = !asTable;
    if (asTable) this.table.replaceChildren(figuresTable(view));
    else draw(this.chart, view);
    this.canvas.setAttribute('aria-label', description(view));
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

  get smoothed(): boolean {
    return this.view?.lines.some(({ curve }) => curve.raw !== curve.smoothed) ?? false;
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

  private markerAt(x: number, y: number): { line: Line; step: number } | undefined {
    return this.closest(x, y, (line) =>
      line.markers.map(({ step }) => ({ index: nearest(line.curve.steps, step), step })),
    );
  }

  private pointAt(x: number, y: number): { line: Line; step: number } | undefined {
    const value = this.valueAt(x);
    if (value === undefined) return undefined;
    return this.closest(x, y, ({ curve }) => {
      const index = nearest(curve.x, value);
      const step = curve.steps[index];
      return step === undefined ? [] : [{ index, step }];
    });
  }

  /** The place of a line that is drawn nearest to a pixel, within the radius of a click. */
  private closest(
    x: number,
    y: number,
    placesOf: (line: Line) => readonly { index: number; step: number }[],
  ): { line: Line; step: number } | undefined {
    const { x: xScale, y: yScale } = this.chart.scales;
    if (!xScale || !yScale) return undefined;
    let best: { line: Line; step: number; distance: number } | undefined;
    for (const line of this.view?.lines ?? []) {
      for (const { index, step } of placesOf(line)) {
        const dx = xScale.getPixelForValue(line.curve.x[index] ?? NaN) - x;
        const dy = yScale.getPixelForValue(line.curve.smoothed[index] ?? NaN) - y;
        const distance = Math.hypot(dx, dy);
        if (distance <= PICK_RADIUS && distance < (best?.distance ?? Infinity)) best = { line, step, distance };
      }
    }
    return best;
  }
}

/** A position on the x axis in words. */
export function positionOf(axis: Axis, x: number): string {
  return axis === 'time' ? elapsed(x) : `${axis} ${axis === 'step' ? Math.round(x) : figure(x)}`;
}

/** What a screen reader says of the chart. */
function description(view: ChartView): string {
  const lines = view.lines.map(({ name, curve }) => {
    const last = curve.raw.length - 1;
    return `${name}: ${figure(curve.raw[last])} at step ${Math.round(curve.steps[last] ?? 0)}, from ${figure(curve.raw[0])}`;
  });
  return `${view.metric.name}. ${lines.join('; ')}. The button Table shows the figures.`;
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

import { element } from '../controls';
import { markersAt, spoken, type Place } from './cursor';
import { nearest } from './decimation';
import { figure } from './figures';
import { alongX, bestOf } from './frontier';
import {
  Chart,
  drawFrontier,
  drawnFrontier,
  frontierConfiguration,
  type FrontierChart,
  type FrontierLine,
  type FrontierView,
  type Window2d,
} from './frontier-drawing';
import { Plot, type Pixel, type Spot } from './plot';
import { samplesStep } from './samples-step';
import { namedRow } from './tooltip';

/** A step of a run's path, by its place. */
export interface FrontierStep {
  readonly line: FrontierLine;
  readonly index: number;
}

export interface FrontierHooks {
  /** The pointer or the keys are at a step; undefined: at none. */
  onPoint(point: FrontierStep | undefined, spot: Spot, byKeyboard: boolean): void;
  /** A step was chosen: its samples are asked for. */
  onOpen(point: FrontierStep): void;
  /** An alarm was chosen, or the choices of a step with markers. */
  onPick(point: FrontierStep, step: number, spot: Spot): void;
  onZoom(zoom: Window2d | undefined): void;
}

/** Pixels around a point in which the pointer means it. */
const REACH = 14;

/** Reward against KL: the chart over the whole panel, and the same figures as a table. */
export class FrontierCard {
  readonly root = element('section', 'card frontier');
  private readonly title = element('h3', '', 'Reward against KL');
  private readonly reading = element('span', 'reading figure');
  private readonly plot: Plot;
  private readonly table = element('div', 'table');
  private readonly chart: FrontierChart;
  private view: FrontierView | undefined;

  constructor(private readonly hooks: FrontierHooks) {
    const head = element('header');
    head.append(this.title, this.reading);
    this.title.title =
      'What the policy gained for how far it went from its reference (Gao et al. 2022). Healthy: the reward rises, then levels off. A judge that turns down while the reward goes on rising is over-optimisation: stop before, or raise kl_penalty.';
    this.plot = new Plot({
      walks: () =>
        (this.view?.lines ?? []).map(({ path: { run, steps } }) => ({ run, steps, from: 0, to: steps.length - 1 })),
      pixelOf: (place) => this.pixelOf(place),
      onHover: (at, spot) => {
        const point = at && this.pointAt(at);
        this.plot.canvas.classList.toggle('over', point !== undefined);
        hooks.onPoint(point, spot, false);
      },
      onClick: (at, spot) => this.click(at, spot),
      onReset: () => hooks.onZoom(undefined),
      onCursor: (place, spot) => hooks.onPoint(place && this.pointOf(place), spot, true),
      onOpen: (place, choices, spot) => {
        const point = this.pointOf(place);
        const [marker] = (choices && point && this.markersOf(point)) || [];
        if (point && marker) hooks.onPick(point, marker.step, spot);
        else if (point) hooks.onOpen(point);
      },
    });
    this.table.hidden = true;
    this.root.append(head, this.plot.root, this.table);
    this.chart = new Chart(
      this.plot.canvas,
      frontierConfiguration((zoom) => hooks.onZoom(zoom)),
    );
    this.chart.options.onResize = () =>
      requestAnimationFrame(() => this.view && !this.plot.root.hidden && drawFrontier(this.chart, this.view));
  }

  /** Shows the view; where `asTable`, as figures instead of a chart. */
  update(view: FrontierView, asTable: boolean): void {
    this.view = view;
    this.plot.root.hidden = asTable;
    this.table.hidden = !asTable;
    this.reading.textContent = view.lines.length === 1 && view.lines[0] ? reading(view.lines[0]) : '';
    if (asTable) this.table.replaceChildren(figuresTable(view));
    else drawFrontier(this.chart, view);
    this.plot.canvas.setAttribute('aria-label', description(view));
    this.plot.refresh();
  }

  drawn(): ReturnType<typeof drawnFrontier> {
    return drawnFrontier(this.chart);
  }

  /** The head and the rows of a step's tooltip. */
  tooltip({ line, index }: FrontierStep): [head: string, rows: HTMLElement[]] {
    const { name, color, path, markers } = line;
    const step = path.steps[index] ?? 0;
    const rows = [namedRow(name, color)];
    const add = (label: string, text: string): void => {
      const row = element('div', 'row');
      row.append(element('span'), element('span', 'name', label), element('span', 'figure', text));
      rows.push(row);
    };
    add(this.view?.label ?? '', figure(path.reward[index]));
    add('KL', `${figure(path.kl[index])} nats`);
    for (const { kind, label = 'alarm' } of this.markersOf({ line, index }))
      if (kind === 'alarm') add(`⚠ ${label}`, '');
    const samples = samplesStep(markers, step);
    if (samples !== undefined) add(`Click: samples of step ${samples}`, '');
    return [`step ${Math.round(step)}`, rows];
  }

  /** A step in words. */
  words(point: FrontierStep): string {
    const { line, index } = point;
    const { name, path, markers } = line;
    const step = path.steps[index] ?? 0;
    return spoken({
      name,
      step,
      values: [
        { label: this.view?.label ?? 'Reward', value: path.reward[index] ?? NaN },
        { label: 'KL', value: path.kl[index] ?? NaN },
      ],
      markers: this.markersOf(point),
      samples: samplesStep(markers, step),
    });
  }

  /** The markers that stand on a step's point. */
  markersOf({ line, index }: FrontierStep): FrontierLine['markers'] {
    return markersAt(line.path.steps, index, line.markers);
  }

  private pointOf({ run, index }: Place): FrontierStep | undefined {
    const line = this.view?.lines.find(({ path }) => path.run === run);
    return line && index < line.path.steps.length ? { line, index } : undefined;
  }

  private pixelOf(place: Place, smooth = false): Pixel | undefined {
    const point = this.pointOf(place);
    const { x, y } = this.chart.scales;
    if (!point || !x || !y || !this.view) return undefined;
    const { kl, reward, smoothKl, smoothReward } = point.line.path;
    const pixel = {
      x: x.getPixelForValue(alongX((smooth ? smoothKl : kl)[place.index] ?? NaN, this.view.rootKl)),
      y: y.getPixelForValue((smooth ? smoothReward : reward)[place.index] ?? NaN),
    };
    return this.inside(pixel) ? pixel : undefined;
  }

  private inside({ x, y }: Pixel): boolean {
    const { left, right, top, bottom } = this.chart.chartArea;
    return x >= left - 6 && x <= right + 6 && y >= top - 6 && y <= bottom + 6;
  }

  private click(at: Pixel, spot: Spot): void {
    const point = this.pointAt(at);
    if (!point) return;
    this.plot.moveTo({ run: point.line.path.run, index: point.index });
    const alarm = point.onWay && this.markersOf(point).find(({ kind }) => kind === 'alarm');
    if (alarm) this.hooks.onPick(point, alarm.step, spot);
    else this.hooks.onOpen(point);
  }

  /** The point that is drawn nearest to a pixel: a marker on the smoothed way, or a step as it was logged. */
  private pointAt(at: Pixel): (FrontierStep & { onWay: boolean }) | undefined {
    let best: (FrontierStep & { onWay: boolean }) | undefined;
    let least = REACH;
    const look = (line: FrontierLine, index: number, onWay: boolean): void => {
      const pixel = this.pixelOf({ run: line.path.run, index }, onWay);
      const distance = pixel ? Math.hypot(pixel.x - at.x, pixel.y - at.y) : Infinity;
      if (distance >= least) return;
      least = distance;
      best = { line, index, onWay };
    };
    for (const line of this.view?.lines ?? []) {
      const { steps } = line.path;
      steps.forEach((_, index) => look(line, index, false));
      for (const { step } of line.markers) look(line, nearest(steps, step), true);
    }
    return best;
  }
}

/** Where a path was best, in words. */
function reading({ path }: FrontierLine): string {
  const best = bestOf(path);
  const at = `KL ${figure(path.smoothKl[best])}, step ${Math.round(path.steps[best] ?? 0)}`;
  return `best ${figure(path.smoothReward[best])} at ${at}`;
}

/** What a screen reader says of the chart. */
function description({ label, lines }: FrontierView): string {
  const paths = lines.map((line) => `${line.name}: ${reading(line)}`);
  return `${label} against KL to the reference. ${paths.join('; ')}. The arrow keys step through the points, Enter opens their samples.`;
}

/** Of each run its first step, its best and its last. */
function figuresTable({ label, lines }: FrontierView): HTMLTableElement {
  const table = element('table');
  table.createCaption().textContent = `${label} against KL`;
  const head = table.createTHead().insertRow();
  for (const title of ['Run', '', 'Step', 'KL', label]) {
    const cell = element('th', '', title);
    cell.scope = 'col';
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { name, path } of lines) {
    const places = [['first', 0] as const, ['best', bestOf(path)] as const, ['last', path.steps.length - 1] as const];
    for (const [what, index] of places) {
      const row = body.insertRow();
      const heading = element('th', '', name);
      heading.scope = 'row';
      row.append(heading, element('td', '', what), element('td', 'figure', String(Math.round(path.steps[index] ?? 0))));
      for (const value of [path.smoothKl[index], path.smoothReward[index]]) {
        const cell = element('td', 'figure', figure(value));
        cell.title = String(value);
        row.append(cell);
      }
    }
  }
  return table;
}

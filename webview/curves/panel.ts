import type { CurveRun, CurvesState, FromCurves, ToCurves } from '../../src/protocol/curves';
import { element } from '../controls';
import { readTheme, type Theme } from '../theme';
import { ChartCard, wordsOf } from './chart-card';
import { HIGH_CONTRAST, LEAST_CONTRAST, parseColor, runColor, runDash } from './colors';
import type { Line, Range } from './drawing';
import { Empty, noFrontier, noMetrics, type Nothing } from './empty';
import { frontierPath, measureOf, measuresOf, type FrontierPath, type Measure } from './frontier';
import { FrontierCard } from './frontier-card';
import type { Window2d } from './frontier-drawing';
import { metricInfo, orderMetrics } from './metrics';
import type { Spot } from './plot';
import { RunList } from './run-list';
import { samplesStep } from './samples-step';
import { rangeOf, SeriesStore, withParents, type Curve } from './series';
import { Toolbar } from './toolbar';
import { MarkerMenu, Tooltip, type Marked } from './tooltip';

const WHITE = { red: 255, green: 255, blue: 255 };

/** Charts whose lines carry markers: on every chart they would be noise. */
const MARKED = /^(loss|eval_loss|objective\/scores)$/;

/** What the test hook gives out. */
export interface DrawnCurves {
  readonly runs: readonly { id: string; state: string; shown: boolean; color: string }[];
  readonly series: Readonly<Record<string, ReturnType<ChartCard['drawn']>>>;
  /** Undefined while the charts over steps are shown. */
  readonly frontier?: ReturnType<FrontierCard['drawn']>;
}

/** The curves panel: a function of the runs, their rows and the panel's own state. */
export class CurvesPanel {
  private runs: readonly CurveRun[] = [];
  private trusted = false;
  private heard = false;
  private zoom: Range | undefined;
  private frontierZoom: Window2d | undefined;
  private highlighted: string | undefined;
  /** Where the pointer stands, in x. */
  private pointed: number | undefined;
  private theme: Theme = readTheme();
  private scheduled = false;
  private readonly drawnRuns = new Set<string>();
  private readonly series = new SeriesStore();
  private readonly cards = new Map<string, ChartCard>();
  private readonly frontier: FrontierCard;
  private readonly side = element('aside');
  private readonly grid = element('div', 'grid');
  private readonly empty = new Empty();
  private readonly tooltip = new Tooltip();
  /** What the keys came to, for those who do not see it. */
  private readonly live = element('div', 'live');
  private readonly toolbar: Toolbar;
  private readonly menu: MarkerMenu;
  private readonly list: RunList;

  constructor(
    root: HTMLElement,
    private state: CurvesState,
    private readonly post: (message: FromCurves) => void,
    private readonly keep: (state: CurvesState) => void,
  ) {
    this.list = new RunList({
      onShow: (run, shown) =>
        this.setShown(shown ? [...this.state.shown, run] : this.state.shown.filter((id) => id !== run)),
      onOnly: (run) => this.setShown([run]),
      onHighlight: (run) => {
        if (this.highlighted === run) return;
        this.highlighted = run;
        this.schedule();
      },
    });
    this.menu = new MarkerMenu((action, run, step) => post({ type: 'action', action, run, step }));
    this.side.append(element('h2', '', 'Runs'), this.list.root);
    this.toolbar = new Toolbar(state, {
      onChange: (change) => this.change(change),
      onResetZoom: () => this.setZoom(undefined),
      onExport: () => post({ type: 'export', runs: this.state.shown }),
    });
    this.frontier = this.makeFrontier();
    this.live.setAttribute('aria-live', 'polite');
    const main = element('main');
    main.append(this.toolbar.root, this.empty.root, this.grid, this.frontier.root, this.live);
    root.replaceChildren(this.side, main, this.tooltip.root, this.menu.root);
    const resized = new ResizeObserver(() => this.schedule());
    for (const box of [this.grid, this.frontier.root]) resized.observe(box);
  }

  /** Takes a message of the editor. */
  receive(message: ToCurves): void {
    switch (message.type) {
      case 'runs':
        this.heard = true;
        this.runs = message.runs;
        this.trusted = message.trusted;
        this.series.keep(new Set(message.runs.map((run) => run.id)));
        break;
      case 'rows':
        for (const batch of message.batches) {
          if (!this.series.append(batch)) this.post({ type: 'resync', run: batch.run });
        }
        break;
      case 'show':
        this.setShown(message.runs);
        break;
    }
    this.schedule();
  }

  /** Reads the colours again. */
  retheme(): void {
    this.theme = readTheme();
    this.schedule();
  }

  /** What is on the screen, read from the charts themselves. */
  drawn(): DrawnCurves {
    return {
      runs: this.runs.map(({ id, state }) => ({
        id,
        state,
        shown: this.state.shown.includes(id),
        color: this.colorOf(id),
      })),
      series: Object.fromEntries([...this.cards].map(([metric, card]) => [metric, card.drawn()])),
      ...(this.frontier.root.hidden ? {} : { frontier: this.frontier.drawn() }),
    };
  }

  private setShown(runs: readonly string[]): void {
    this.state = { ...this.state, shown: [...new Set(runs)] };
    this.keep(this.state);
    this.watch();
    this.schedule();
  }

  /** Tells the editor whose rows the panel needs. */
  watch(): void {
    this.post({ type: 'watch', runs: withParents(this.state.shown, (id) => this.find(id)) });
  }

  private change(change: Partial<CurvesState>): void {
    if (change.axis && change.axis !== this.state.axis) this.zoom = undefined;
    if (change.reward !== undefined || change.rootKl !== undefined) this.frontierZoom = undefined;
    this.state = { ...this.state, ...change };
    this.keep(this.state);
    this.schedule();
  }

  private setZoom(range: Range | undefined): void {
    this.zoom = range;
    if (!range) this.frontierZoom = undefined;
    this.pointed = undefined;
    this.tooltip.hide();
    this.schedule();
  }

  private find(id: string): CurveRun | undefined {
    return this.runs.find((run) => run.id === id);
  }

  private colorOf(id: string): string {
    const least = this.theme.highContrast ? HIGH_CONTRAST : LEAST_CONTRAST;
    return runColor(id, parseColor(this.theme.background) ?? WHITE, least);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.render();
    });
  }

  private render(): void {
    if (!this.heard) return;
    const shown = this.runs.filter((run) => this.state.shown.includes(run.id));
    const metrics = orderMetrics(this.series.metrics(shown.map((run) => run.id)));
    const measures = measuresOf(shown.map(({ id }) => this.series.metrics([id])));
    this.list.update(
      this.runs.map((run) => ({
        run,
        shown: this.state.shown.includes(run.id),
        color: this.colorOf(run.id),
        dash: runDash(run.id),
        value: this.lastOf(run, metrics[0]),
      })),
    );
    this.side.hidden = this.runs.length === 0;
    this.toolbar.update(this.state, measures);
    const onFrontier = this.state.view === 'frontier';
    const nothing = this.nothingToDraw(shown, metrics.length, measures);
    this.empty.update(nothing);
    this.grid.hidden = nothing !== undefined || onFrontier;
    this.frontier.root.hidden = nothing !== undefined || !onFrontier;
    this.arrange(metrics);
    const measure = measureOf(measures, this.state.reward);
    if (!onFrontier) this.renderCharts(shown, metrics);
    else if (measure) this.renderFrontier(shown, measure);
    this.tellDrawn(shown, metrics);
    document.body.dataset['ready'] = 'true';
  }

  private renderCharts(shown: readonly CurveRun[], metrics: readonly string[]): void {
    const curves = new Map(metrics.map((metric) => [metric, this.curvesOf(shown, metric)]));
    const range = this.zoom ?? rangeOf([...curves.values()].flat());
    for (const [metric, card] of this.cards) {
      const lines = (curves.get(metric) ?? []).map((curve) => this.line(curve, metric));
      card.update(
        {
          metric: metricInfo(metric),
          lines,
          axis: this.state.axis,
          range,
          log: this.state.log,
          ignoreOutliers: this.state.ignoreOutliers,
          theme: this.theme,
        },
        this.state.table,
      );
      card.point(this.pointed);
    }
  }

  private renderFrontier(shown: readonly CurveRun[], measure: Measure): void {
    const { rootKl, ignoreOutliers, table } = this.state;
    this.frontier.update(
      {
        label: measure.label,
        lines: shown.flatMap((run) => {
          const path = this.pathOf(run, measure);
          return path ? [{ path, ...this.looks(run.id), markers: run.markers }] : [];
        }),
        rootKl,
        ignoreOutliers,
        zoom: this.frontierZoom,
        theme: this.theme,
      },
      table,
    );
  }

  /** The editor hears once of each run that something of it is drawn. */
  private tellDrawn(shown: readonly CurveRun[], metrics: readonly string[]): void {
    for (const { id } of shown) {
      if (this.drawnRuns.has(id) || !metrics.some((metric) => this.series.points(id, metric))) continue;
      this.drawnRuns.add(id);
      this.post({ type: 'drawn', run: id });
    }
  }

  private curve(run: CurveRun, metric: string, axis = this.state.axis): Curve | undefined {
    return this.series.curve(run, metric, axis, this.state.smoothing, (id) => this.find(id));
  }

  private curvesOf(shown: readonly CurveRun[], metric: string): Curve[] {
    return shown.map((run) => this.curve(run, metric)).filter((curve) => curve !== undefined);
  }

  /** Of the names that a measure has the first ones that the run logs together. */
  private pathOf(run: CurveRun, { kl, reward }: Measure): FrontierPath | undefined {
    for (const one of reward) {
      for (const other of kl) {
        const path = frontierPath(this.curve(run, other, 'step'), this.curve(run, one, 'step'));
        if (path) return path;
      }
    }
    return undefined;
  }

  /** The last value of a run's first chart, smoothed as the chart shows it. */
  private lastOf(run: CurveRun, metric: string | undefined): number | undefined {
    const own = metric === undefined ? undefined : this.series.last(run.id, metric);
    return own === undefined || metric === undefined ? undefined : (this.curve(run, metric)?.smoothed.at(-1) ?? own);
  }

  /** A run's name, colour and dash, and whether another one is highlighted. */
  private looks(id: string): Pick<Line, 'name' | 'color' | 'dash' | 'dimmed'> {
    const run = this.find(id);
    const other = this.highlighted !== undefined && this.highlighted !== id;
    return {
      name: run ? `${run.stage} · ${run.label}` : id,
      color: this.colorOf(id),
      dash: runDash(id),
      dimmed: other && this.state.shown.includes(this.highlighted ?? ''),
    };
  }

  private line(curve: Curve, metric: string): Line {
    const run = this.find(curve.run);
    return {
      curve,
      ...this.looks(curve.run),
      markers: (run?.markers ?? []).filter((marker) => MARKED.test(metric) || marker.metric === metric),
      threshold: run?.thresholds?.[metric],
      joint: curve.inherited > 0 ? curve.x[0] : undefined,
    };
  }

  /** One card a metric, in order; cards of metrics that stay are kept. */
  private arrange(metrics: readonly string[]): void {
    const wanted = new Set(metrics);
    for (const [metric, card] of this.cards) {
      if (wanted.has(metric)) continue;
      card.dispose();
      this.cards.delete(metric);
    }
    metrics.forEach((metric, index) => {
      const card = this.cards.get(metric) ?? this.makeCard(metric);
      if (this.grid.children[index] !== card.root) {
        this.grid.insertBefore(card.root, this.grid.children[index] ?? null);
      }
    });
  }

  private makeCard(metric: string): ChartCard {
    const hover = (card: ChartCard, x: number | undefined, spot: Spot): void => {
      this.pointed = x;
      for (const other of this.cards.values()) other.point(x);
      if (x === undefined) this.tooltip.hide();
      else this.tooltip.showCurves(card, x, this.state.axis, spot);
    };
    const card = new ChartCard({
      onHover: hover,
      onZoom: (range) => this.setZoom(range),
      onReset: () => this.setZoom(undefined),
      onPick: ({ curve: { run }, name, markers }, step, spot) => this.pick({ run, name, markers }, step, spot),
      onPoint: ({ curve: { run } }, step) => this.openSamples(run, step),
      onCursor: (at, point, spot) => {
        hover(at, point.line.curve.x[point.index], spot);
        this.say(wordsOf(metric, point, this.find(point.line.curve.run)?.markers ?? []));
      },
    });
    card.root.dataset['metric'] = metric;
    this.cards.set(metric, card);
    return card;
  }

  private makeFrontier(): FrontierCard {
    return new FrontierCard({
      onPoint: (point, spot, byKeyboard) => {
        if (!point) return this.tooltip.hide();
        this.tooltip.show(...this.frontier.tooltip(point), spot);
        if (byKeyboard) this.say(this.frontier.words(point));
      },
      onOpen: ({ line: { path }, index }) => this.openSamples(path.run, path.steps[index] ?? 0),
      onPick: ({ line: { path, name, markers } }, step, spot) =>
        this.pick({ run: path.run, name, markers }, step, spot),
      onZoom: (zoom) => {
        this.frontierZoom = zoom;
        this.tooltip.hide();
        this.schedule();
      },
    });
  }

  private pick(of: Marked, step: number, spot: Spot): void {
    this.tooltip.hide();
    this.menu.show(of, step, this.trusted, spot);
  }

  private openSamples(run: string, step: number): void {
    const samples = samplesStep(this.find(run)?.markers ?? [], step);
    if (samples === undefined) this.say('This run wrote no samples.');
    else this.post({ type: 'action', action: 'samples', run, step: samples });
  }

  private say(words: string): void {
    this.live.textContent = words;
  }

  private nothingToDraw(
    shown: readonly CurveRun[],
    metrics: number,
    measures: readonly Measure[],
  ): Nothing | undefined {
    if (metrics === 0)
      return noMetrics(this.runs, shown, {
        onOpenConfig: () => this.post({ type: 'open-config' }),
        onShow: (run) => this.setShown([run]),
        onLog: (run) => this.post({ type: 'action', action: 'log', run }),
      });
    if (this.state.view === 'curves' || measures.length > 0) return undefined;
    return noFrontier(() => this.change({ view: 'curves' }));
  }
}

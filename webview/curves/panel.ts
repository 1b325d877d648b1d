import type { CurveRun, CurvesState, FromCurves, ToCurves } from '../../src/protocol/curves';
import { button, element } from '../controls';
import { readTheme, type Theme } from '../theme';
import { ChartCard } from './chart-card';
import { HIGH_CONTRAST, LEAST_CONTRAST, parseColor, runColor, runDash } from './colors';
import type { Line, Range } from './drawing';
import { metricInfo, orderMetrics } from './metrics';
import { RunList } from './run-list';
import { samplesStep } from './samples-step';
import { SeriesStore, withParents, type Curve } from './series';
import { toolbar } from './toolbar';
import { MarkerMenu, Tooltip } from './tooltip';

const WHITE = { red: 255, green: 255, blue: 255 };

/** Charts whose lines carry markers: on every chart they would be noise. */
const MARKED = /^(loss|eval_loss|objective\/scores)$/;

/** What the test hook gives out. */
export interface DrawnCurves {
  readonly runs: readonly { id: string; state: string; shown: boolean; color: string }[];
  readonly series: Readonly<Record<string, ReturnType<ChartCard['drawn']>>>;
}

/** The curves panel: a function of the runs, their rows and the panel's own state. */
export class CurvesPanel {
  private runs: readonly CurveRun[] = [];
  private trusted = false;
  private heard = false;
  private zoom: Range | undefined;
  private highlighted: string | undefined;
  /** Where the pointer stands, in x. */
  private pointed: number | undefined;
  private theme: Theme = readTheme();
  private scheduled = false;
  private readonly drawnRuns = new Set<string>();
  private readonly series = new SeriesStore();
  private readonly cards = new Map<string, ChartCard>();
  private readonly side = element('aside');
  private readonly grid = element('div', 'grid');
  private readonly empty = element('div', 'empty');
  private readonly tooltip = new Tooltip();
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
    const main = element('main');
    main.append(
      toolbar(state, {
        onChange: (change) => this.change(change),
        onResetZoom: () => this.setZoom(undefined),
        onExport: () => post({ type: 'export', runs: this.state.shown }),
      }),
      this.empty,
      this.grid,
    );
    root.replaceChildren(this.side, main, this.tooltip.root, this.menu.root);
    new ResizeObserver(() => this.schedule()).observe(this.grid);
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
    this.state = { ...this.state, ...change };
    this.keep(this.state);
    this.schedule();
  }

  private setZoom(range: Range | undefined): void {
    this.zoom = range;
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
    this.renderEmpty(shown, metrics.length);
    this.arrange(metrics);
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
    for (const curve of curves.get('loss') ?? [...curves.values()][0] ?? []) {
      if (this.drawnRuns.has(curve.run)) continue;
      this.drawnRuns.add(curve.run);
      this.post({ type: 'drawn', run: curve.run });
    }
    document.body.dataset['ready'] = 'true';
  }

  private curvesOf(shown: readonly CurveRun[], metric: string): Curve[] {
    return shown
      .map((run) => this.series.curve(run, metric, this.state.axis, this.state.smoothing, (id) => this.find(id)))
      .filter((curve) => curve !== undefined);
  }

  /** The last value of a run's first chart, smoothed as the chart shows it. */
  private lastOf(run: CurveRun, metric: string | undefined): number | undefined {
    const own = metric === undefined ? undefined : this.series.last(run.id, metric);
    return own === undefined || metric === undefined
      ? undefined
      : (this.curvesOf([run], metric)[0]?.smoothed.at(-1) ?? own);
  }

  private line(curve: Curve, metric: string): Line {
    const run = this.find(curve.run);
    return {
      curve,
      name: run ? `${run.stage} · ${run.label}` : curve.run,
      color: this.colorOf(curve.run),
      dash: runDash(curve.run),
      markers: (run?.markers ?? []).filter((marker) => MARKED.test(metric) || marker.metric === metric),
      threshold: run?.thresholds?.[metric],
      dimmed:
        this.highlighted !== undefined && this.highlighted !== curve.run && this.state.shown.includes(this.highlighted),
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
    const card = new ChartCard({
      onHover: (at, x, event) => {
        this.pointed = x;
        for (const other of this.cards.values()) other.point(x);
        if (x === undefined) this.tooltip.hide();
        else this.tooltip.show(at, x, this.state.axis, event);
      },
      onZoom: (range) => this.setZoom(range),
      onReset: () => this.setZoom(undefined),
      onPick: (line, step, event) => {
        this.tooltip.hide();
        this.menu.show(line, step, this.trusted, event);
      },
      onPoint: ({ curve: { run } }, step) => {
        const samples = samplesStep(this.find(run)?.markers ?? [], step);
        if (samples !== undefined) this.post({ type: 'action', action: 'samples', run, step: samples });
      },
    });
    card.root.dataset['metric'] = metric;
    this.cards.set(metric, card);
    return card;
  }

  /** Where there is nothing to draw: what is missing, and the next step. */
  private renderEmpty(shown: readonly CurveRun[], metrics: number): void {
    this.empty.hidden = metrics > 0;
    this.grid.hidden = metrics === 0;
    if (metrics > 0) return;
    if (this.runs.length === 0) {
      this.explain('No runs yet', 'Open align.yaml and press Run over a stage: its curves appear here.', {
        label: 'Open align.yaml',
        onClick: () => this.post({ type: 'open-config' }),
      });
    } else if (shown.length === 0) {
      const latest = this.runs[0];
      this.explain('No run is shown', 'Tick a run in the list.', {
        label: 'Show the latest',
        onClick: () => this.setShown(latest ? [latest.id] : []),
      });
    } else {
      const run = shown[0];
      const over = run && ['done', 'stopped', 'failed', 'died'].includes(run.state);
      this.explain(
        run ? `${run.stage} · ${run.label}: ${run.words}` : '',
        over ? 'This run wrote no metrics. Its log says why.' : 'The first point appears after the first step.',
        { label: 'Open the log', onClick: () => run && this.post({ type: 'action', action: 'log', run: run.id }) },
      );
    }
  }

  private explained = '';

  private explain(title: string, text: string, next: { label: string; onClick: () => void }): void {
    const key = `${title}\n${text}`;
    if (this.explained === key && this.empty.childElementCount > 0) return;
    this.explained = key;
    this.empty.replaceChildren(element('h3', '', title), element('p', '', text), button({ ...next, primary: true }));
  }
}

/** The x range of all curves, never empty. */
function rangeOf(curves: readonly Curve[]): Range {
  let min = Infinity;
  let max = -Infinity;
  for (const { x } of curves) {
    min = Math.min(min, x[0] ?? Infinity);
    max = Math.max(max, x[x.length - 1] ?? -Infinity);
  }
  if (!Number.isFinite(min)) return { min: 0, max: 1 };
  // A run that begins at step 1 is drawn from 0: its first tick would be an odd number.
  if (min > 0 && min <= 0.05 * max) min = 0;
  return max > min ? { min, max } : { min, max: min + 1 };
}

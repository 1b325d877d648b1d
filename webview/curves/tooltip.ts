import { button, element } from '../controls';
import type { Axis, CurveAction, Marker } from '../../src/protocol/curves';
import { positionOf, type ChartCard } from './chart-card';
import { figure } from './figures';
import type { Spot } from './plot';

/** Most rows of a tooltip; the others are counted. */
const MOST_ROWS = 12;

/** The one tooltip of the panel. */
export class Tooltip {
  readonly root = element('div', 'tooltip');

  constructor() {
    this.root.hidden = true;
    this.root.setAttribute('role', 'tooltip');
  }

  show(at: string, rows: readonly HTMLElement[], spot: Spot): void {
    const shown = rows.slice(0, MOST_ROWS);
    if (rows.length > MOST_ROWS) shown.push(element('div', 'row', `${rows.length - MOST_ROWS} more`));
    this.root.replaceChildren(element('div', 'at', at), ...shown);
    this.root.hidden = false;
    place(this.root, spot.clientX + 14, spot.clientY + 14, spot);
  }

  /** The runs' values at the crosshair, highest first. */
  showCurves(card: ChartCard, x: number, axis: Axis, spot: Spot): void {
    const values = card.valuesAt(x);
    const first = values[0];
    if (!first) return this.hide();
    const at = axis === 'step' ? `step ${Math.round(values.length === 1 ? first.step : x)}` : positionOf(axis, x);
    const rows = values.map(({ line, value, raw }) => {
      const row = namedRow(line.name, line.color);
      row.append(element('span', 'figure', figure(value)));
      if (raw !== value) row.append(element('span', 'figure raw', figure(raw)));
      return row;
    });
    this.show(at, rows, spot);
  }

  hide(): void {
    this.root.hidden = true;
  }
}

/** A row that begins with a run's colour and name. */
export function namedRow(name: string, color: string): HTMLElement {
  const row = element('div', 'row');
  const swatch = element('span', 'dot');
  swatch.style.backgroundColor = color;
  row.append(swatch, element('span', 'name', name));
  return row;
}

/** Whose markers a menu is about. */
export interface Marked {
  readonly run: string;
  readonly name: string;
  readonly markers: readonly Marker[];
}

/** What can be done at a marker: shown where it was chosen, closed by Escape, a click elsewhere, or a choice. */
export class MarkerMenu {
  readonly root = element('div', 'marker-menu');
  /** What had the focus before: it gets it back. */
  private before: Element | null = null;

  constructor(private readonly onAction: (action: CurveAction, run: string, step: number) => void) {
    this.root.hidden = true;
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.hide();
    });
    document.addEventListener('mousedown', (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.hide();
    });
  }

  show({ run, name, markers }: Marked, step: number, trusted: boolean, spot: Spot): void {
    const here = markers.filter((marker) => marker.step === step).map((marker) => marker.kind);
    const choose = (action: CurveAction) => () => {
      this.hide();
      this.onAction(action, run, step);
    };
    const choices: HTMLElement[] = [];
    if (here.includes('samples')) {
      choices.push(button({ label: 'Samples', icon: 'output', onClick: choose('samples') }));
    }
    if (here.includes('checkpoint') && trusted) {
      choices.push(button({ label: 'Branch from here', icon: 'git-branch', onClick: choose('branch') }));
    }
    if (here.includes('alarm'))
      choices.push(button({ label: 'What was seen', icon: 'warning', onClick: choose('alarm') }));
    if (choices.length === 0) return;
    const kinds = [...new Set(here)].join(', ');
    this.root.replaceChildren(element('div', 'at', `${name}, step ${step}: ${kinds}`), ...choices);
    this.before = document.activeElement;
    this.root.hidden = false;
    place(this.root, spot.clientX + 8, spot.clientY + 8, spot);
    choices[0]?.focus();
  }

  hide(): void {
    if (this.root.hidden) return;
    const focused = this.root.contains(document.activeElement);
    this.root.hidden = true;
    if (focused && this.before instanceof HTMLElement) this.before.focus();
  }
}

/** Puts a floating element at a point, on the other side of it where it would leave the window. */
function place(floating: HTMLElement, left: number, top: number, spot: Spot): void {
  const { offsetWidth, offsetHeight } = floating;
  const x = left + offsetWidth > window.innerWidth ? Math.max(4, spot.clientX - offsetWidth - 14) : left;
  const y = top + offsetHeight > window.innerHeight ? Math.max(4, spot.clientY - offsetHeight - 14) : top;
  floating.style.transform = `translate(${x}px, ${y}px)`;
}

import { button, element } from '../controls';
import type { ChartCard } from './chart-card';
import { positionOf } from './chart-card';
import type { Line } from './drawing';
import { figure } from './figures';
import type { Axis, CurveAction } from '../../src/protocol/curves';

/** Most rows of a tooltip; the others are counted. */
const MOST_ROWS = 12;

/** The one tooltip of the panel: the runs' values at the crosshair, highest first. */
export class Tooltip {
  readonly root = element('div', 'tooltip');

  constructor() {
    this.root.hidden = true;
    this.root.setAttribute('role', 'tooltip');
  }

  show(card: ChartCard, x: number, axis: Axis, event: MouseEvent): void {
    const values = card.valuesAt(x);
    if (values.length === 0) return this.hide();
    const first = values[0];
    const at =
      axis === 'step' && first ? `step ${Math.round(values.length === 1 ? first.step : x)}` : positionOf(axis, x);
    const rows = values.slice(0, MOST_ROWS).map(({ line, value, raw }) => {
      const row = element('div', 'row');
      const swatch = element('span', 'dot');
      swatch.style.backgroundColor = line.color;
      row.append(swatch, element('span', 'name', line.name), element('span', 'figure', figure(value)));
      if (raw !== value) row.append(element('span', 'figure raw', figure(raw)));
      return row;
    });
    if (values.length > MOST_ROWS) rows.push(element('div', 'row', `${values.length - MOST_ROWS} more`));
    this.root.replaceChildren(element('div', 'at', at), ...rows);
    this.root.hidden = false;
    place(this.root, event.clientX + 14, event.clientY + 14, event);
  }

  hide(): void {
    this.root.hidden = true;
  }
}

/** What can be done at a marker: shown where it was clicked, closed by Escape, a click elsewhere, or a choice. */
export class MarkerMenu {
  readonly root = element('div', 'marker-menu');

  constructor(private readonly onAction: (action: CurveAction, run: string, step: number) => void) {
    this.root.hidden = true;
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.hide();
    });
    document.addEventListener('mousedown', (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.hide();
    });
  }

  show(line: Line, step: number, trusted: boolean, event: MouseEvent): void {
    const here = line.markers.filter((marker) => marker.step === step).map((marker) => marker.kind);
    const run = line.curve.run;
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
    this.root.replaceChildren(element('div', 'at', `${line.name}, step ${step}: ${here.join(', ')}`), ...choices);
    this.root.hidden = false;
    place(this.root, event.clientX + 8, event.clientY + 8, event);
    choices[0]?.focus();
  }

  hide(): void {
    this.root.hidden = true;
  }
}

/** Puts a floating element at a point, on the other side of it where it would leave the window. */
function place(floating: HTMLElement, left: number, top: number, event: MouseEvent): void {
  const { offsetWidth, offsetHeight } = floating;
  const x = left + offsetWidth > window.innerWidth ? Math.max(4, event.clientX - offsetWidth - 14) : left;
  const y = top + offsetHeight > window.innerHeight ? Math.max(4, event.clientY - offsetHeight - 14) : top;
  floating.style.transform = `translate(${x}px, ${y}px)`;
}

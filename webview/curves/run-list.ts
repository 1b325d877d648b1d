import type { CurveRun } from '../../src/protocol/curves';
import { button, checkbox, element, type Toggle } from '../controls';
import { figure } from './figures';

export interface RunRow {
  readonly run: CurveRun;
  readonly shown: boolean;
  readonly color: string;
  readonly dash: number[];
  /** Last value of the first chart's metric. */
  readonly value: number | undefined;
}

export interface RunListHooks {
  onShow(run: string, shown: boolean): void;
  onHighlight(run: string | undefined): void;
  onOnly(run: string): void;
}

interface Entry {
  readonly root: HTMLElement;
  readonly toggle: Toggle;
  readonly swatch: SVGLineElement;
  readonly value: HTMLElement;
  readonly words: HTMLElement;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The slim list on the left: check box, swatch with the line's dash, name, last value, state in words. */
export class RunList {
  readonly root = element('ul', 'runs');
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly hooks: RunListHooks) {
    this.root.setAttribute('aria-label', 'Runs');
    this.root.addEventListener('mouseleave', () => hooks.onHighlight(undefined));
  }

  /** Shows these rows, keeping the elements of runs that stay, so that focus and scroll position survive. */
  update(rows: readonly RunRow[]): void {
    const ids = new Set(rows.map(({ run }) => run.id));
    for (const [id, entry] of this.entries) {
      if (ids.has(id)) continue;
      entry.root.remove();
      this.entries.delete(id);
    }
    rows.forEach((row, index) => {
      const entry = this.entries.get(row.run.id) ?? this.add(row.run);
      if (this.root.children[index] !== entry.root) {
        this.root.insertBefore(entry.root, this.root.children[index] ?? null);
      }
      entry.toggle.set(row.shown);
      entry.swatch.setAttribute('stroke', row.color);
      entry.swatch.setAttribute('stroke-dasharray', row.dash.join(' '));
      setText(entry.value, row.value === undefined ? '' : figure(row.value));
      setText(entry.words, row.run.words);
      entry.root.title = `${row.run.id}\n${row.run.words}`;
      entry.root.classList.toggle('off', !row.shown);
    });
  }

  private add(run: CurveRun): Entry {
    const name = `${run.stage} · ${run.label}`;
    const root = element('li', 'run');
    root.dataset['run'] = run.id;
    const toggle = checkbox('', false, (shown) => this.hooks.onShow(run.id, shown), `Show ${name}`);
    const line = document.createElementNS(SVG, 'line');
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 20 8');
    svg.setAttribute('class', 'swatch');
    svg.setAttribute('aria-hidden', 'true');
    for (const [attribute, value] of Object.entries({ x1: '0', x2: '20', y1: '4', y2: '4', 'stroke-width': '2.5' })) {
      line.setAttribute(attribute, value);
    }
    svg.append(line);
    const value = element('span', 'figure value');
    const words = element('span', 'words');
    const only = button({
      label: `Show only ${name}`,
      icon: 'eye',
      quiet: true,
      onClick: () => this.hooks.onOnly(run.id),
    });
    only.classList.add('only');
    root.append(toggle.root, svg, element('span', 'name', name), value, only, words);
    root.addEventListener('mouseenter', () => this.hooks.onHighlight(run.id));
    root.addEventListener('focusin', () => this.hooks.onHighlight(run.id));
    root.addEventListener('focusout', () => this.hooks.onHighlight(undefined));
    const entry = { root, toggle, swatch: line, value, words };
    this.entries.set(run.id, entry);
    return entry;
  }
}

function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

import type { CompareView, Tally } from '../../src/protocol/compare';
import { visibleText } from '../../src/protocol/visible-text';
import { element } from '../controls';

const RATE = '(wins + ties ÷ 2) ÷ (wins + ties + losses), with its 95 % Wilson interval';

/**
 * Wins, ties and losses against one candidate, with the win rate and its interval. Null where the panel is blind and
 * not all is voted.
 */
export function talliesTable(view: CompareView, onAgainst: () => void): HTMLElement | null {
  const { tallies, names, against } = view;
  if (!tallies) return null;
  const table = element('table', 'tallies');
  const head = table.createTHead().insertRow();
  head.append(rival(visibleText(names[against] ?? ''), names.length > 2 ? onAgainst : undefined));
  for (const words of ['win', 'tie', 'loss', 'win rate', '95 %']) {
    const cell = element('th', '', words);
    cell.scope = 'col';
    head.append(cell);
  }
  const body = table.createTBody();
  for (const tally of tallies) body.append(rowOf(tally));
  return table;
}

/** What the figures are against; with more than two a button that takes the next one. */
function rival(name: string, onClick: (() => void) | undefined): HTMLElement {
  const cell = element('th', 'name');
  cell.scope = 'col';
  const words = `against ${name}`;
  if (!onClick) cell.textContent = words;
  else {
    const button = element('button', 'key', words);
    button.type = 'button';
    button.title = 'Count against another one';
    button.prepend(element('kbd', 'keycap', 'V'));
    button.addEventListener('click', onClick);
    cell.append(button);
  }
  return cell;
}

function rowOf({ name, win, tie, loss, rate }: Tally): HTMLElement {
  const row = element('tr');
  const heading = element('th', 'name', visibleText(name));
  heading.scope = 'row';
  row.append(heading);
  for (const count of [win, tie, loss]) row.append(element('td', 'figures', String(count)));
  const share = element('td', 'figures', rate ? percent(rate.value) : '–');
  const range = element('td', 'figures', rate ? `${percent(rate.low)} to ${percent(rate.high)}` : '');
  share.title = range.title = RATE;
  const drawn = element('td', 'drawn');
  if (rate) drawn.append(interval(rate));
  row.append(share, range, drawn, element('td', 'verdict', verdict(rate)));
  return row;
}

/** The interval on a scale from 0 to 1 with a line at the half. The figures beside it say it in words. */
function interval({ value, low, high }: NonNullable<Tally['rate']>): HTMLElement {
  const scale = element('div', 'scale');
  scale.setAttribute('aria-hidden', 'true');
  const range = element('span', 'range');
  range.style.left = `${100 * low}%`;
  range.style.width = `${100 * (high - low)}%`;
  const point = element('span', 'point');
  point.style.left = `${100 * value}%`;
  scale.append(element('span', 'half'), range, point);
  return scale;
}

/** What the interval says. */
export function verdict(rate: Tally['rate']): string {
  if (!rate) return 'no votes yet';
  if (rate.low > 0.5) return 'better';
  return rate.high < 0.5 ? 'worse' : 'unclear';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

import type { Estimate } from '../agreement/bootstrap';
import type { AnswersReport, EvaluationReport } from './report';

const WIDTH = 720;
const LABEL = 170;
const RIGHT = 60;
const ROW = 24;
const HEAD = 34;
const FOOT = 26;
/** Letters of a label that fit beside the plot. */
const MOST_LETTERS = 26;
/** Read on white and on black alike. */
export const INK = '#808080';
export const COLOURS = { sampled: '#2f81c7', greedy: '#d9822b' };

/** Colours as `#rrggbb`. */
export interface Palette {
  readonly ink: string;
  readonly sampled: string;
  readonly greedy: string;
}
const ON_ANYTHING: Palette = { ink: INK, ...COLOURS };

interface Line {
  readonly label: string;
  readonly estimate: Estimate;
  readonly kind: 'sampled' | 'greedy';
}
export interface Panel {
  readonly title: string;
  /** Marked by a dashed line: the baseline, or where nothing is won or lost. */
  readonly mark: number | null;
  readonly lines: readonly Line[];
}

/** The report as an SVG picture: each score and the win rate of every model as a point with its 95 % interval. */
export function reportPlot(report: EvaluationReport, palette?: Palette): string {
  return intervalPlot('Scores and win rates with 95 % intervals', panelsOf(report), palette);
}

function panelsOf({ models, scores, judge, baseline }: EvaluationReport): Panel[] {
  const lines = (of: (part: AnswersReport) => Estimate | null | undefined): Line[] =>
    models.flatMap(({ model, sampled, greedy }) => modelLines(model, of(sampled), greedy && of(greedy)));
  const base = models.find(({ model }) => model === baseline);
  const panels = scores.map((score): Panel => ({
    title: score,
    mark: base?.sampled.scores[score]?.value ?? null,
    lines: lines((part) => part.scores[score]),
  }));
  const title = `wins against ${baseline}, by ${judge}`;
  panels.push({ title, mark: 0.5, lines: judge === null ? [] : lines((part) => part.win_rate) });
  return panels;
}

/** A model's line of sampled answers, and of greedy ones where there are. */
export function modelLines(
  model: string,
  sampled: Estimate | null | undefined,
  greedy: Estimate | null | undefined,
): Line[] {
  return [
    { label: model, estimate: sampled, kind: 'sampled' as const },
    { label: `${model}, greedy`, estimate: greedy, kind: 'greedy' as const },
  ].flatMap(({ estimate, ...rest }) => (estimate?.value == null ? [] : [{ ...rest, estimate }]));
}

/** Panels below each other, in each a line a model: its point and its interval. Panels without lines are left out. */
export function intervalPlot(title: string, panels: readonly Panel[], palette: Palette = ON_ANYTHING): string {
  let y = 0;
  const parts = panels
    .filter(({ lines }) => lines.length > 0)
    .map((panel) => {
      const drawn = panelAt(panel, y, palette);
      y += HEAD + panel.lines.length * ROW + FOOT;
      return drawn;
    });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function panelAt({ title, mark, lines }: Panel, top: number, palette: Palette): string {
  const { ink } = palette;
  const values = lines.flatMap(({ estimate: { value, low, high } }) => [value ?? [], low ?? [], high ?? []].flat());
  const { from, to, ticks, digits } = axisOf(mark === null ? values : [...values, mark]);
  const x = (value: number): string => (LABEL + ((value - from) / (to - from)) * (WIDTH - LABEL - RIGHT)).toFixed(1);
  const bottom = top + HEAD + lines.length * ROW;
  const upright = (value: number, more: string): string =>
    `<line x1="${x(value)}" x2="${x(value)}" y1="${top + HEAD - 6}" y2="${bottom}" stroke="${ink}" ${more}/>`;
  return [
    `<text x="${LABEL}" y="${top + 18}" fill="${ink}" font-weight="bold">${escapeXml(title)}</text>`,
    ...ticks.map(
      (tick) =>
        upright(tick, 'stroke-opacity="0.25"') +
        `<text x="${x(tick)}" y="${bottom + 14}" fill="${ink}" text-anchor="middle">${minus(tick.toFixed(digits))}</text>`,
    ),
    mark === null ? '' : upright(mark, 'stroke-opacity="0.9" stroke-dasharray="4 3"'),
    ...lines.map(({ label, estimate: { value, low, high }, kind }, i) => {
      const y = top + HEAD + (i + 0.5) * ROW;
      const colour = palette[kind];
      const bar =
        low === null || high === null
          ? ''
          : `<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2"/>`;
      // told apart by form too: a filled point is sampled, a hollow one greedy
      const fill = kind === 'sampled' ? colour : 'none';
      return (
        `<text x="${LABEL - 10}" y="${y + 4}" fill="${ink}" text-anchor="end">${escapeXml(cut(label))}</text>${bar}` +
        `<circle cx="${x(value ?? 0)}" cy="${y}" r="4" fill="${fill}" stroke="${colour}" stroke-width="2"/>` +
        `<text x="${WIDTH - RIGHT + 8}" y="${y + 4}" fill="${ink}">${minus((value ?? 0).toFixed(3))}</text>`
      );
    }),
  ].join('\n');
}

/** An axis around the values with two to seven round ticks. */
export function axisOf(values: readonly number[]): { from: number; to: number; ticks: number[]; digits: number } {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const size = Math.max(Math.abs(least), Math.abs(most));
  const span = Math.max(1e-12, most - least > 1e-9 * size ? most - least : size || 1);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = power * ([1, 2, 5, 10].find((factor) => span / (factor * power) <= 5) ?? 10);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { from: first * step, to: last * step, ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

const minus = (figure: string): string => figure.replace(/^-(0(\.0+)?)$/, '$1').replace('-', '−');

function cut(label: string): string {
  const letters = [...label];
  return letters.length <= MOST_LETTERS ? label : `${letters.slice(0, MOST_LETTERS - 1).join('')}…`;
}

const XML: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

export function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').replace(/[<>&"]/g, (character) => XML[character]);
}

import type { Estimate } from './estimates';
import type { EvaluationReport } from './report';

const WIDTH = 720;
const LABEL = 150;
const RIGHT = 60;
const ROW = 24;
const HEAD = 34;
/** Read on white and on black alike. */
const INK = '#808080';
const COLOURS = { sampled: '#2f81c7', greedy: '#d9822b' };

interface Line {
  label: string;
  estimate: Estimate;
  colour: string;
}
interface Panel {
  title: string;
  /** Marked by a line: where nothing is won or lost. */
  middle: number | null;
  lines: Line[];
}

/** The report as an SVG picture: each score and the win rate of every model as a point with its 95 % interval. */
export function reportPlot(report: EvaluationReport): string {
  const panels = panelsOf(report);
  let y = 0;
  const parts = panels.map((panel) => {
    const drawn = panelAt(panel, y);
    y += HEAD + panel.lines.length * ROW + 26;
    return drawn;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>Scores and win rates with 95 % intervals</title>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function panelsOf({ models, scores, judge, baseline }: EvaluationReport): Panel[] {
  const lines = (of: (part: (typeof models)[number]['sampled']) => Estimate | null): Line[] =>
    models.flatMap(({ model, sampled, greedy }) =>
      [
        { label: model, estimate: of(sampled), colour: COLOURS.sampled },
        { label: `${model}, greedy`, estimate: greedy && of(greedy), colour: COLOURS.greedy },
      ].flatMap(({ estimate, ...rest }) => (estimate?.value == null ? [] : [{ ...rest, estimate }])),
    );
  const panels = scores.map((score): Panel => ({
    title: score,
    middle: null,
    lines: lines((part) => part.scores[score]),
  }));
  const title = `wins against ${baseline}, by ${judge}`;
  panels.push({ title, middle: 0.5, lines: judge === null ? [] : lines((part) => part.win_rate) });
  return panels.filter((panel) => panel.lines.length > 0);
}

function panelAt({ title, middle, lines }: Panel, top: number): string {
  const values = lines.flatMap(({ estimate: { value, low, high } }) => [value ?? [], low ?? [], high ?? []].flat());
  // shares have their own ends
  const share = values.every((value) => value >= 0 && value <= 1);
  const [from, to] = share ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const x = (value: number): string =>
    (LABEL + ((value - from) / (to - from || 1)) * (WIDTH - LABEL - RIGHT)).toFixed(1);
  const bottom = top + HEAD + lines.length * ROW;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => from + part * (to - from));
  return [
    `<text x="${LABEL}" y="${top + 18}" fill="${INK}" font-weight="bold">${escapeXml(title)}</text>`,
    ...ticks.map(
      (tick) =>
        `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top + HEAD - 6}" y2="${bottom}" stroke="${INK}" stroke-opacity="${tick === middle ? 0.9 : 0.25}"/>` +
        `<text x="${x(tick)}" y="${bottom + 14}" fill="${INK}" text-anchor="middle">${tick.toFixed(2)}</text>`,
    ),
    ...lines.map(({ label, estimate: { value, low, high }, colour }, i) => {
      const y = top + HEAD + (i + 0.5) * ROW;
      const bar =
        low === null || high === null
          ? ''
          : `<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2"/>`;
      return (
        `<text x="${LABEL - 10}" y="${y + 4}" fill="${INK}" text-anchor="end">${escapeXml(label)}</text>${bar}` +
        `<circle cx="${x(value ?? 0)}" cy="${y}" r="4" fill="${colour}"/>` +
        `<text x="${WIDTH - RIGHT + 8}" y="${y + 4}" fill="${INK}">${(value ?? 0).toFixed(3)}</text>`
      );
    }),
  ].join('\n');
}

const XML: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').replace(/[<>&"]/g, (character) => XML[character]);
}

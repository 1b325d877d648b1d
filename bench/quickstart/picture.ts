import { COLOURS, INK, escapeXml } from '../../src/data/evaluation/plot';
import type { Course, PolicyScores, SeedFigures } from './figures';
import { meanAndRange } from './report';

const WIDTH = 720;

/** Places of a text; where it begins, ends or has its middle there. */
type Anchor = 'start' | 'middle' | 'end';

const text = (x: number, y: number, words: string, anchor: Anchor = 'start', more = ''): string =>
  `<text x="${place(x)}" y="${place(y)}" fill="${INK}" text-anchor="${anchor}"${more}>${escapeXml(words)}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, more: string): string =>
  `<line x1="${place(x1)}" y1="${place(y1)}" x2="${place(x2)}" y2="${place(y2)}" ${more}/>`;
const thin = (opacity: number): string => `stroke="${INK}" stroke-opacity="${opacity}"`;
const place = (value: number): string => Number(value.toFixed(1)).toString();
const BOLD = ' font-weight="bold"';

function svg(height: number, title: string, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" role="img">`;
  return [head, `<title>${escapeXml(title)}</title>`, ...parts, '</svg>\n'].join('\n');
}

/**
 * The oracle's score of each policy's answers to held-out prompts: a point with its 95 % interval for each seed, and the
 * mean over seeds as a number. Read on white and on black alike.
 */
export function scoresPicture(seeds: readonly SeedFigures[]): string {
  const [left, right, top, band, gap] = [190, 60, 44, 10, 12];
  const kinds = [
    { kind: 'sampled', words: 'temperature 1', colour: COLOURS.sampled },
    { kind: 'greedy', words: 'greedy', colour: COLOURS.greedy },
  ] as const;
  const x = (value: number): number => left + value * (WIDTH - left - right);
  const names = [...new Set(seeds.flatMap(({ policies }) => Object.keys(policies)))];
  const parts: string[] = [];
  let y = top;
  for (const name of names) {
    kinds.forEach(({ kind, words, colour }, k) => {
      const found = seeds.map(({ policies }) => (name in policies ? policies[name][kind] : null));
      const mean = meanAndRange(found.map((estimate) => estimate?.value ?? null))?.mean;
      if (mean === undefined) return;
      const middle = y + (seeds.length * band) / 2 + 4;
      if (k === 0) parts.push(text(8, middle, name, 'start', BOLD));
      parts.push(text(left - 10, middle, words, 'end'), text(WIDTH - right + 8, middle, mean.toFixed(3)));
      found.forEach((estimate, i) => parts.push(...point(estimate, x, y + (i + 0.5) * band, colour)));
      y += seeds.length * band + gap;
    });
    y += gap;
  }
  const bottom = y - gap;
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    line(x(tick), top - 6, x(tick), bottom, thin(0.25)),
    text(x(tick), bottom + 16, tick.toFixed(2), 'middle'),
  ]);
  const title = `Oracle's score of answers to held-out prompts, ${seeds.length} seeds, 95 % intervals`;
  return svg(bottom + 26, title, [text(left, 20, title, 'start', BOLD), ...grid, ...parts]);
}

function point(estimate: PolicyScores['greedy'] | null, x: (value: number) => number, y: number, colour: string) {
  if (estimate?.value == null) return [];
  const { value, low, high } = estimate;
  const bar = low === null || high === null ? [] : [line(x(low), y, x(high), y, `stroke="${colour}" stroke-width="2"`)];
  return [...bar, `<circle cx="${place(x(value))}" cy="${place(y)}" r="3.5" fill="${colour}"/>`];
}

/** A column of `coursesPicture`: a stage and what each seed made of it. */
interface Column {
  name: string;
  courses: Course[];
  left: number;
  lastStep: number;
}

const [PANEL_WIDTH, PANEL_HEIGHT, STRIP] = [290, 120, 16];
const [LEFT, BETWEEN, TOP] = [50, 76, 48];

/**
 * How the policies that learn from a reward went: the reward that trains above, the oracle that trains nothing below, a
 * line for each seed (means over four measurements), and under them when each alarm first fired, and when the oracle had lost
 * a tenth of its best.
 */
export function coursesPicture(seeds: readonly SeedFigures[]): string {
  const names = [...new Set(seeds.flatMap(({ courses }) => Object.keys(courses)))].slice(0, 2);
  const columns = names.map((name, i): Column => {
    const courses = seeds.flatMap((seed) => (name in seed.courses ? [seed.courses[name]] : []));
    const lastStep = Math.max(1, ...courses.flatMap(({ points }) => points.map(({ step }) => step)));
    return { name, courses, left: LEFT + i * (PANEL_WIDTH + BETWEEN), lastStep };
  });
  const rewards = columns.flatMap(({ courses }) => courses.flatMap(({ points }) => points.map(({ proxy }) => proxy)));
  const [low, high] = [Math.floor(Math.min(0, ...rewards)), Math.ceil(Math.max(1, ...rewards))];
  const below = TOP + PANEL_HEIGHT + 34;
  const strips = below + PANEL_HEIGHT + 30;
  const drawn = columns.map((column) => stripsOf(column, strips));
  const parts = columns.flatMap((column, i) => [
    text(column.left, 18, column.name, 'start', BOLD),
    ...panel(column, { top: TOP, of: 'proxy', title: 'reward', low, high, colour: COLOURS.greedy }),
    ...panel(column, { top: below, of: 'oracle', title: 'oracle', low: 0, high: 1, colour: COLOURS.sampled }),
    ...drawn[i].parts,
  ]);
  const rows = Math.max(0, ...drawn.map((strip) => strip.rows));
  const title = `Reward and oracle along training, a line for each of ${seeds.length} seeds`;
  return svg(strips + rows * STRIP + 12, title, parts);
}

interface Axes {
  top: number;
  of: 'proxy' | 'oracle';
  title: string;
  low: number;
  high: number;
  colour: string;
}

const stepPlace = ({ left, lastStep }: Column, step: number): number => left + (step / lastStep) * PANEL_WIDTH;

function panel(column: Column, { top, of, title, low, high, colour }: Axes): string[] {
  const y = (value: number): number => top + ((high - value) / (high - low)) * PANEL_HEIGHT;
  const grid = [low, (low + high) / 2, high].flatMap((tick) => [
    line(column.left, y(tick), column.left + PANEL_WIDTH, y(tick), thin(0.25)),
    text(column.left - 6, y(tick) + 4, Number(tick.toFixed(2)).toString(), 'end'),
  ]);
  const curves = column.courses.map(({ points }) => {
    const way = points.map((point) => `${place(stepPlace(column, point.step))},${place(y(point[of]))}`).join(' ');
    return `<polyline points="${way}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  });
  return [text(column.left, top - 8, title), ...grid, ...curves];
}

/** When each alarm first fired, a row for each signal and a mark for each seed; steps stand above. */
function stripsOf(column: Column, top: number): { parts: string[]; rows: number } {
  const { courses, left, lastStep } = column;
  const axis = [0, 0.5, 1].map((share) => {
    const words = share === 1 ? `${lastStep} steps` : String(Math.round(share * lastStep));
    return text(left + share * PANEL_WIDTH, top - 12, words, share === 0 ? 'start' : share === 1 ? 'end' : 'middle');
  });
  const alarms = courses.flatMap((course) => course.alarms).sort((a, b) => a.step - b.step);
  const signals = [...new Set(alarms.map(({ signal }) => signal))];
  const rows = signals.map((signal) => ({
    what: `⚠ ${signal}`,
    steps: alarms.flatMap((alarm) => (alarm.signal === signal ? [alarm.step] : [])),
    fill: COLOURS.greedy,
  }));
  const losses = courses.flatMap(({ lostAt }) => (lostAt === null ? [] : [lostAt]));
  if (losses.length > 0) rows.push({ what: 'oracle 10 % below its best', steps: losses, fill: COLOURS.sampled });
  if (rows.length === 0) return { parts: [...axis, text(left, top + STRIP - 4, 'no alarm')], rows: 1 };
  const parts = rows.flatMap(({ what, steps, fill }, row) => {
    const words = steps.length < courses.length ? `${what}, ${steps.length} of ${courses.length} seeds` : what;
    const y = top + (row + 0.5) * STRIP;
    // the words stand where no mark is: behind the last one, or before the first
    const [first, last] = [Math.min(...steps), Math.max(...steps)].map((step) => stepPlace(column, step));
    const behind = last < left + PANEL_WIDTH / 2;
    return [
      ...steps.map((step) => `<circle cx="${place(stepPlace(column, step))}" cy="${place(y)}" r="4" fill="${fill}"/>`),
      text(behind ? last + 10 : first - 10, y + 4, words, behind ? 'start' : 'end'),
    ];
  });
  return { parts: [...axis, ...parts], rows: rows.length };
}

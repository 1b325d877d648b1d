/** One line of the table. Ratios are ours against the peer's, so that `direction` says which way is better. */
export interface Row {
  row: number;
  what: string;
  ours: string;
  peer: string;
  /** Null where a side is missing. */
  ratio: number | null;
  /** How the ratio is written: as it is, or as a factor ("3.1 ×"). */
  unit: '' | '×' | 'ms' | 's' | 'MiB';
  floor: number | null;
  goal: number | null;
  better: 'higher' | 'lower';
  /** The best that the machine's Gemm rate allows, where it says anything. */
  limit: number | null;
  /** What the figures stand on, or why one is missing. */
  note?: string;
}

export type Verdict = 'goal' | 'floor' | 'below' | '–';

/** What a line reached. A word for the reader; nothing fails by it. */
export function verdict({ ratio, floor, goal, better }: Row): Verdict {
  if (ratio === null || Number.isNaN(ratio)) return '–';
  const reached = (mark: number | null): boolean =>
    mark !== null && (better === 'higher' ? ratio >= mark : ratio <= mark);
  if (reached(goal)) return 'goal';
  if (reached(floor)) return 'floor';
  return floor === null ? '–' : 'below';
}

/** Three digits that count, without an exponent. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return '–';
  if (size >= 100)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ',');
  return value.toFixed(size >= 10 ? 1 : 2);
}

export function bytes(value: number): string {
  return value >= 1e9 ? `${digits(value / 1e9)} GB` : `${digits(value / 1e6)} MB`;
}

function figure(value: number | null, unit: Row['unit']): string {
  if (value === null || Number.isNaN(value)) return '–';
  return unit === '' ? digits(value) : `${digits(value)} ${unit}`;
}

const HEADER = ['#', 'what', 'ours', 'peer', 'result', 'floor', 'goal', 'limit', 'reached'];

/** The rows as a Markdown table whose columns line up, then the notes. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const sign = row.better === 'higher' ? '≥' : '≤';
    const mark = (value: number | null): string => (value === null ? '' : `${sign} ${figure(value, row.unit)}`);
    return [
      String(row.row),
      row.what,
      row.ours,
      row.peer,
      figure(row.ratio, row.unit),
      mark(row.floor),
      mark(row.goal),
      row.limit === null ? '' : figure(row.limit, row.unit),
      verdict(row),
    ];
  });
  const notes = rows.filter(({ note }) => note).map(({ row, what, note }) => `${row}, ${what}: ${note}`);
  return [aligned([HEADER, ...cells]), ...(notes.length ? ['', ...notes] : [])].join('\n');
}

/** Cells as lines of equal width; the first row is the header. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const [header, ...body] = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...[header, ...body].map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}

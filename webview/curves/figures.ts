/** Numbers as the panel writes them: at most three significant digits. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) {
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e')
      .replace(/-/g, '−');
  }
  if (size >= 1000) return `${trim((value / 1000).toPrecision(3))}k`.replace(/^-/, '−');
  return trim(value.toPrecision(3)).replace(/^-/, '−');
}

function trim(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}

/** Seconds since the start of a run: `38 s`, `4 min`, `2.1 h`. */
export function elapsed(seconds: number): string {
  if (seconds < 90) return `${trim(seconds.toPrecision(seconds < 10 ? 2 : 3))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${trim((seconds / 3600).toPrecision(2))} h`;
}

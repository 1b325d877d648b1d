/** A value as the panel writes it: three significant digits, zeros kept so that columns line up. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  const digits =
    size >= 1e6 || size < 1e-3
      ? value.toExponential(2).replace('e+', 'e')
      : size >= 1000
        ? `${(value / 1000).toPrecision(3)}k`
        : value.toPrecision(3);
  return digits.replace(/-/g, '−');
}

/** A number on an axis: as `figure`, without zeros that say nothing. */
export function tick(value: number): string {
  return figure(value)
    .replace(/(\.\d*?)0+(?=$|e|k)/, '$1')
    .replace(/\.(?=$|e|k)/, '');
}

/** Seconds since the start of a run: `38 s`, `4 min`, `2.1 h`. */
export function elapsed(seconds: number): string {
  if (seconds < 90) return `${plain(seconds, seconds < 10 ? 2 : 3)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${plain(seconds / 3600, 2)} h`;
}

function plain(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

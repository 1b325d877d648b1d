import { visibleText } from '../protocol/visible-text';

/** How the editor writes numbers, times and shares: short, and with figures that keep their width. */

/** As wide as a digit, so that `9` and `12` take the same room. */
const FIGURE_SPACE = '\u2007';

/** A number padded at the left to the width of `digits` digits. */
export function padded(value: number | string, digits: number): string {
  return String(value).padStart(digits, FIGURE_SPACE);
}

/** A metric with two or three significant digits, zeros kept so that its width stays: `1.92`, `0.31`, `0.0054`, `2.0e-5`. */
export function metricText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace('e+', 'e');
  if (size >= 100) return value.toFixed(0);
  if (size !== 0 && size < 0.1) return value.toPrecision(2);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** A name of a metric as prose: `eval_loss` → `eval loss`. */
export function metricName(name: string): string {
  return name.replace(/^objective\//, '').replace(/[_/]/g, ' ');
}

/** A length of time: `38 s`, `4 min`, `2.1 h`. */
export function durationText(seconds: number): string {
  if (seconds < 99.5) return `${padded(Math.max(0, Math.round(seconds)), 2)} s`;
  if (seconds < 99.5 * 60) return `${padded(Math.round(seconds / 60), 2)} min`;
  const hours = seconds / 3600;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${Math.round(hours / 24)} days`;
}

/** How long ago: `just now`, `3 min ago`, `2 h ago`, `yesterday`, `12 days ago`. */
export function agoText(then: number, now: number): string {
  const minutes = Math.floor(Math.max(0, now - then) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** A message as the end of a lens: one line, at most `limit` characters. */
export function shortened(message: string, limit: number): string {
  const line = message.split(/\r?\n/, 1)[0]?.trim() ?? '';
  return line.length <= limit ? line : `${line.slice(0, limit - 1).trimEnd()}…`;
}

/** A text as a notification may show it: VS Code makes links of `[…](…)` there, and links may be commands. */
export const unlinked = (text: string): string => visibleText(text).replaceAll('](', '] (');

/** A text as a terminal may show it: errors of runs quote data, models and rules, none of which may steer it. */
export const terminalText = (text: string): string => visibleText(text).replaceAll('\n', '\r\n');

/** A local time of day, with the date where it is another day: `14:02`, `24 Nov 14:02`. */
export function clockText(time: number, now: number): string {
  const date = new Date(time);
  const clock = `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getMonth()];
  return `${date.getDate()} ${month} ${clock}`;
}

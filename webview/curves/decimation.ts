/**
 * Which points of a long series to draw: of every pixel column the first, the lowest, the highest and the last, in
 * their order. The drawn line then covers the same pixels as the full one, so no spike is lost.
 *
 * @param x ascending
 * @param from,to the visible range of x; one neighbour on each side is kept so that lines reach the edges
 * @param columns pixel columns of the chart
 * @returns ascending indices into x and y
 */
export function decimate(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  from: number,
  to: number,
  columns: number,
): number[] {
  const first = Math.max(0, lowerBound(x, from) - 1);
  const end = Math.min(x.length, upperBound(x, to) + 1);
  const width = Math.max(1, Math.floor(columns));
  if (end - first <= 4 * width) return Array.from({ length: end - first }, (_, index) => first + index);
  const kept: number[] = [];
  const scale = to > from ? width / (to - from) : 0;
  const columnOf = (index: number): number => Math.floor(((x[index] ?? 0) - from) * scale);
  let start = first;
  while (start < end) {
    const column = columnOf(start);
    let low = start;
    let high = start;
    let next = start;
    while (next < end && columnOf(next) === column) {
      if ((y[next] ?? 0) < (y[low] ?? 0)) low = next;
      if ((y[next] ?? 0) > (y[high] ?? 0)) high = next;
      next++;
    }
    const corners = [start, Math.min(low, high), Math.max(low, high), next - 1];
    for (const index of corners) if (kept[kept.length - 1] !== index) kept.push(index);
    start = next;
  }
  return kept;
}

/** The first index whose x is at least `value`. */
export function lowerBound(x: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first index whose x is above `value`. */
export function upperBound(x: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index whose x is nearest to `value`, or −1 in an empty series. */
export function nearest(x: ArrayLike<number>, value: number): number {
  if (x.length === 0) return -1;
  const right = Math.min(x.length - 1, lowerBound(x, value));
  const left = Math.max(0, right - 1);
  return value - (x[left] ?? 0) <= (x[right] ?? 0) - value ? left : right;
}

/** The middle 96 % of the values, widened a little: the y range that leaves outliers out. */
export function robustRange(values: readonly number[]): { min: number; max: number } | undefined {
  if (values.length < 8) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor(0.02 * (sorted.length - 1))] ?? 0;
  const high = sorted[Math.ceil(0.98 * (sorted.length - 1))] ?? 0;
  if (high <= low) return undefined;
  const margin = 0.05 * (high - low);
  return { min: low - margin, max: high + margin };
}

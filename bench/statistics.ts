/** The middle value; the mean of the two middle ones of an even count. NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How far apart repeated runs lie: (largest − smallest) / median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/**
 * Runs each contestant once a round, so that a change in the machine's speed meets all of them. Every other round goes
 * the other way. A contestant that gives undefined is not asked again.
 */
export async function inTurn<K extends string, T>(
  rounds: number,
  contestants: Readonly<Record<K, () => Promise<T | undefined>>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(contestants) as K[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  const out = new Set<K>();
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 ? [...names].reverse() : names) {
      if (out.has(name)) continue;
      const result = await contestants[name]();
      if (result === undefined) out.add(name);
      else results[name].push(result);
    }
  }
  return results;
}

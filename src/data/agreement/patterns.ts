import { byName, type RatingTable } from './ratings';

/**
 * Units that the same annotators gave the same values are one pattern with a weight. Ten thousand pairs with three
 * annotators make a few hundred patterns, and every statistic is a sum over them.
 */
export interface Patterns {
  /** Units of each pattern. */
  readonly weights: Int32Array /* [patterns] */;
  /** The pattern of each unit given, in their order. */
  readonly ofUnit: Int32Array /* [units] */;
  /** A unit that has the pattern, by its place in the table. */
  readonly example: Int32Array /* [patterns] */;
}

/** The patterns of a table's units (all, or those named by their places), in an order that no permutation of units changes. */
export function patternsOf(table: RatingTable, units: Iterable<number> = table.units.keys()): Patterns {
  const found = new Map<string, { example: number; members: number[] }>();
  let count = 0;
  for (const u of units) {
    let key = '';
    for (let r = table.offsets[u]; r < table.offsets[u + 1]; r++) key += `${table.annotator[r]}:${table.category[r]} `;
    const pattern = found.get(key);
    if (pattern) pattern.members.push(count);
    else found.set(key, { example: u, members: [count] });
    count++;
  }
  const ordered = [...found].sort(([a], [b]) => byName(a, b)).map(([, pattern]) => pattern);
  const ofUnit = new Int32Array(count);
  ordered.forEach(({ members }, p) => {
    for (const member of members) ofUnit[member] = p;
  });
  return {
    weights: Int32Array.from(ordered, ({ members }) => members.length),
    ofUnit,
    example: Int32Array.from(ordered, ({ example }) => example),
  };
}

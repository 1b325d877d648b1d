import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import type { LabelValue } from './labels';
import { pairId, PAIRS_FILE, type PairDraft } from './pairs';
import { writePairs, type WrittenPairs } from './pairs-writer';
import type { Preference } from './preferences';
import { LabelStore, type LabelDraft, type StoreOptions } from './store';

export interface ImportOptions extends StoreOptions {
  /** The file that the preferences are from: its name stands in their provenance. */
  file: string;
  /** Adds the pairs alone, for people to label. */
  pairsOnly?: boolean;
}

export interface Imported {
  pairs: WrittenPairs;
  /** Labels that were not there before. */
  labels: number;
}

/**
 * Adds preferences to `labels/<stage>/`, as pairs and as labels with `source: "imported"`. Which of the two answers
 * is `a` is decided by a hash, so that neither side is the better one throughout. A second import adds nothing.
 */
export async function importPreferences(
  folder: string,
  preferences: readonly (Preference & { line: number })[],
  options: ImportOptions,
): Promise<Imported> {
  const file = basename(options.file);
  const drafts = preferences.map(({ prompt, chosen, rejected, tags, line }): PairDraft => {
    const chosenFirst = parseInt(pairId(prompt, chosen, rejected).slice(-1), 16) % 2 === 0;
    const [a, b] = chosenFirst ? [chosen, rejected] : [rejected, chosen];
    return { prompt, a, b, tags, provenance: { source: 'imported', file, line } };
  });
  const pairs = writePairs(join(folder, PAIRS_FILE), drafts);
  if (options.pairsOnly) return { pairs, labels: 0 };
  const store = LabelStore.open(folder, options);
  const before = store.rows().length;
  const present = new Set(pairs.pairs.map(({ id }) => id));
  const times = new Map<string, number>();
  const labels = preferences.flatMap(({ prompt, chosen, rejected }): LabelDraft[] => {
    const [forth, back] = [pairId(prompt, chosen, rejected), pairId(prompt, rejected, chosen)];
    const pair = present.has(forth) ? forth : back;
    if (!present.has(pair)) return []; // equal or empty answers
    const value: LabelValue = pair === forth ? -1 : 1;
    const key = JSON.stringify([pair, store.annotator, value]);
    const nth = (times.get(key) ?? 0) + 1;
    times.set(key, nth);
    const id = `import-${createHash('sha256').update(`${key} ${nth}`).digest('hex').slice(0, 20)}`;
    return [{ id, pair, ms: 0, guideline: null, shown: 'ab', value, source: 'imported' }];
  });
  await store.appendAll(labels);
  return { pairs, labels: store.rows().length - before };
}

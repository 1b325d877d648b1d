import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../config/errors';
import { isMissing, replaceFile, writeError } from '../durable';
import type { RowFault } from './lenient-jsonl';
import { pairId, pairToLine, readPairs, toPair, type Pair, type PairDraft } from './pairs';

/** Drafts as pairs, and what was left out: there is nothing to compare in it. */
export interface UsablePairs {
  pairs: Pair[];
  /** Both answers are the same text (blanks at the ends aside). */
  equal: number;
  /** An answer is empty or blank. */
  empty: number;
  /** The same two answers to the same prompt as an earlier draft, in either order. */
  duplicates: number;
}

/** Turns drafts into pairs; equal, empty and duplicate ones are counted and left out. */
export function usablePairs(drafts: Iterable<PairDraft>): UsablePairs {
  const result: UsablePairs = { pairs: [], equal: 0, empty: 0, duplicates: 0 };
  const seen = new Set<string>();
  for (const draft of drafts) {
    const [a, b] = [draft.a.trim(), draft.b.trim()];
    if (a === '' || b === '') result.empty++;
    else if (a === b) result.equal++;
    else {
      const pair = toPair(draft);
      if (seen.has(pair.id)) result.duplicates++;
      else {
        seen.add(pair.id).add(pairId(pair.prompt, pair.b, pair.a));
        result.pairs.push(pair);
      }
    }
  }
  return result;
}

export interface WritePairsOptions {
  /**
   * Gives the ids of the pairs that have labels. It is asked again after the file was replaced: a label may arrive
   * in between, and its pair then comes back. Default: every old pair stays.
   */
  labeled?: () => ReadonlySet<string>;
  /**
   * Only pairs of this source (`provenance.source`) give way to new ones: what people sent to labeling or imported is
   * not the generator's to remove. Default: all do.
   */
  source?: string;
}

export interface WrittenPairs extends Omit<UsablePairs, 'pairs'> {
  /** All pairs that the file now holds. */
  pairs: Pair[];
  /** Pairs that the file did not hold before. */
  added: number;
  /** Old pairs that stay for their labels or their source (or because all stay), and were not made again. */
  kept: number;
  /** Old pairs without labels that were not made again. */
  removed: number;
  /** Lines that could not be read. They stay in the file as they are, but for merge markers. */
  faults: RowFault[];
}

/**
 * Writes pairs to `pairs.jsonl`, atomically and durably. New pairs take the place of old ones without labels; pairs
 * with labels or of another source stay, also when they were not made again; a pair that was made again in either order
 * stays as it was.
 * Throws a UserError where the file cannot be written or is no text at all.
 */
export function writePairs(file: string, drafts: Iterable<PairDraft>, options: WritePairsOptions = {}): WrittenPairs {
  const fresh = usablePairs(drafts);
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    throw writeError(error, file);
  }
  for (;;) {
    const before = bytesOf(file);
    const old = readPairs(file);
    const whole = old.faults.find(({ kind }) => kind === 'file' || kind === 'too-long');
    if (whole) {
      const { line, message, hint } = whole;
      throw new UserError(`new pairs cannot be added: ${message}`, { file, line, hint, code: 'data' });
    }
    const labeled = options.labeled?.();
    const mayGo = ({ id, provenance }: Pair): boolean =>
      labeled?.has(id) === false && (options.source === undefined || provenance.source === options.source);
    const merged = merge(old.pairs, fresh.pairs, mayGo);
    // Another writer came first: its pairs must not vanish.
    if (!sameBytes(bytesOf(file), before)) continue;
    const end = Buffer.from('\n');
    const unread = old.unread.flatMap((line) => [line, end]);
    const write = (pairs: readonly Pair[]): void =>
      replaceFile(file, Buffer.concat([Buffer.from(pairs.map((pair) => `${pairToLine(pair)}\n`).join('')), ...unread]));
    write(merged.pairs);
    const labeledNow = options.labeled?.();
    const back = labeledNow ? merged.removed.filter(({ id }) => labeledNow.has(id)) : [];
    if (back.length > 0) {
      merged.pairs.unshift(...back);
      write(merged.pairs);
    }
    return {
      pairs: merged.pairs,
      equal: fresh.equal,
      empty: fresh.empty,
      duplicates: fresh.duplicates,
      added: merged.added,
      kept: merged.kept + back.length,
      removed: merged.removed.length - back.length,
      faults: old.faults,
    };
  }
}

function merge(
  old: readonly Pair[],
  fresh: readonly Pair[],
  mayGo: (pair: Pair) => boolean,
): { pairs: Pair[]; removed: Pair[]; added: number; kept: number } {
  const again = new Set(fresh.flatMap(({ id, prompt, a, b }) => [id, pairId(prompt, b, a)]));
  const pairs: Pair[] = [];
  const removed: Pair[] = [];
  let kept = 0;
  const present = new Set<string>();
  for (const pair of old) {
    const made = again.has(pair.id);
    if (made || !mayGo(pair)) {
      pairs.push(pair);
      present.add(pair.id).add(pairId(pair.prompt, pair.b, pair.a));
      if (!made) kept++;
    } else removed.push(pair);
  }
  const added = fresh.filter(({ id }) => !present.has(id));
  return { pairs: [...pairs, ...added], removed, added: added.length, kept };
}

function bytesOf(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof Error && 'code' in error && error.code === 'EISDIR') return null;
    throw writeError(error, file);
  }
}

function sameBytes(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}

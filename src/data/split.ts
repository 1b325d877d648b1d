import { createHash } from 'node:crypto';
import { UserError } from '../config/errors';
import type { Row } from './rows';

export interface Split<T> {
  train: T[];
  heldOut: T[];
}

/** What a row says, without where it stands: equal for duplicates. */
export function contentOf(row: Row): string {
  switch (row.kind) {
    case 'messages':
      return JSON.stringify(['messages', row.messages, row.tools ?? null]);
    case 'text':
      return JSON.stringify(['text', row.text]);
    case 'completion':
      return JSON.stringify(['completion', row.prompt, row.completion, row.tools ?? null]);
    case 'prompt':
      return JSON.stringify(['prompt', row.prompt, row.tools ?? null]);
  }
}

/** 52 bits of a hash of the seed and a row's content, as a number in [0, 1). */
function positionOf(content: string, seed: number | bigint): number {
  const digest = createHash('sha256').update(`${seed}\0`).update(content).digest();
  return (digest.readUInt32BE(0) * 0x100000 + (digest.readUInt32BE(4) >>> 12)) / 0x10000000000000;
}

/**
 * Splits rows into training and held-out ones by a hash of their content, so that rows added later do not move the
 * others, and duplicates are never on both sides.
 *
 * `heldOut`: a share in (0, 1), a count of rows (whole, ≥ 1), or false. A share keeps at least one row out. Both sides
 * keep the file's order. A count takes whole groups of duplicates and may pass the number by that. Throws UserError
 * when nothing would be left to train on.
 */
export function splitRows<T>(
  rows: readonly T[],
  heldOut: number | false,
  seed: number | bigint,
  content: (row: T) => string,
): Split<T> {
  if (heldOut === false || heldOut === 0) return { train: [...rows], heldOut: [] };
  if (!Number.isFinite(heldOut) || heldOut < 0 || (heldOut >= 1 && !Number.isInteger(heldOut))) {
    throw new UserError(`held_out is ${heldOut}, must be a share below 1, a whole number of rows, a file or false`, {
      code: 'data',
    });
  }
  const places = rows.map((row) => positionOf(content(row), seed));
  const sorted = Float64Array.from(places).sort();
  if (sorted.length === 0 || sorted[0] === sorted[sorted.length - 1]) {
    throw new UserError(`the data has ${sorted.length ? 'one distinct row' : 'no rows'}, no part can be held out`, {
      hint: 'add rows, or set held_out: false',
      code: 'data',
    });
  }
  // Rows up to this place are held out.
  let limit: number;
  if (heldOut < 1) {
    limit = sorted[0];
    for (const place of sorted) if (place < heldOut) limit = place;
  } else {
    limit = sorted[Math.min(heldOut, sorted.length) - 1];
  }
  if (limit === sorted[sorted.length - 1]) {
    if (heldOut >= 1) {
      throw new UserError(`held_out is ${heldOut} rows, but the data has ${rows.length}: nothing is left to train on`, {
        hint: 'lower held_out',
        code: 'data',
      });
    }
    limit = sorted.findLast((place) => place < limit) ?? sorted[0];
  }
  return {
    train: rows.filter((_, i) => places[i] > limit),
    heldOut: rows.filter((_, i) => places[i] <= limit),
  };
}

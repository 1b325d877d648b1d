/** Rows and folders for the tests of pairs and labels. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Label, LabelRow, LabelValue, Undo } from '../../../src/data/labels/labels';
import type { PairDraft } from '../../../src/data/labels/pairs';

const root = mkdtempSync(join(tmpdir(), 'alignment-lab-labels-'));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder that is not there yet; it is removed after the tests of this file. */
export function newFolder(): string {
  return join(root, `labels-${folders++}`, 'collect');
}

export function draft(n: number, rest: Partial<PairDraft> = {}): PairDraft {
  return { prompt: `question ${n}`, a: `first answer ${n}`, b: `second answer ${n}`, ...rest };
}

export function label(id: string, pair: string, value: LabelValue = 1, rest: Partial<Label> = {}): Label {
  return { v: 1, id, pair, annotator: 'Ada', time: 0, ms: 1000, guideline: null, shown: 'ab', value, ...rest };
}

export function undo(id: string, target: LabelRow, rest: Partial<Undo> = {}): Undo {
  return {
    v: 1,
    id,
    pair: target.pair,
    annotator: target.annotator,
    time: target.time + 1,
    undoes: target.id,
    ...rest,
  };
}

export function lines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

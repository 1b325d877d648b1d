import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabelingSession } from '../../src/editor/labeling/session';
import type { PairDraft } from '../../src/data/labels/pairs';
import { writePairs } from '../../src/data/labels/pairs-writer';

export const GUIDELINE = `---
title: Which is better
criteria:
  - name: Truth
    question: Is it true?
    low: false
    high: true
---
Prefer the **true** one.
`
  .replace('low: false', 'low: "no"')
  .replace('high: true\n', 'high: "yes"\n');

/** A config's folder with pairs to label, in the temporary folder. */
export class LabelingFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'alignment-lab-labeling-'));
  readonly labels = join(this.path, 'labels', 'collect');

  writePairs(count: number, draft: (index: number) => Partial<PairDraft> = () => ({})): void {
    const drafts = Array.from({ length: count }, (_, i) => ({
      prompt: `Question ${i}?`,
      a: `Answer a${i}`,
      b: `Answer b${i}`,
      tags: ['facts'],
      provenance: { a: { model: 'secret-model-a' }, b: { model: 'secret-model-b' } },
      ...draft(i),
    }));
    writePairs(join(this.labels, 'pairs.jsonl'), drafts);
  }

  writeGuideline(text = GUIDELINE): string {
    const file = join(this.path, 'guideline.md');
    writeFileSync(file, text);
    return file;
  }

  open(annotator = 'Ann', guideline: string | null = null): LabelingSession {
    return new LabelingSession({ folder: this.path, stage: 'collect', annotator, guideline });
  }

  /** A file of labels, such as a colleague's that git brought. */
  write(name: string, text: string): void {
    mkdirSync(this.labels, { recursive: true });
    writeFileSync(join(this.labels, name), text);
  }

  /** All rows of an annotator's files. */
  rows(annotator = 'ann'): Record<string, unknown>[] {
    return readdirSync(this.labels)
      .filter((name) => name.startsWith(`${annotator}.`))
      .flatMap((name) => readFileSync(join(this.labels, name), 'utf8').trim().split('\n'))
      .map((line) => {
        const row: unknown = JSON.parse(line);
        if (typeof row !== 'object' || row === null) throw new Error(`not a row: ${line}`);
        return Object.fromEntries(Object.entries(row));
      });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

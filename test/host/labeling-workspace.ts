import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePairs } from '../../src/data/labels/pairs-writer';

const GUIDELINE = `---
title: Which answer is better
criteria:
  - name: Truth
    question: Is what it says true?
    low: made up
    high: all true
  - name: Help
    question: Does it answer what was asked?
    low: not at all
    high: fully
edge_cases:
  - Both are right and one is shorter - the shorter one is better.
---

Read the question, then both answers. Choose the one that you would rather be given.

- **Tie**: both are equally good.
- **Both bad**: you would want neither.
`;

export const HOSTILE = `<img src=hostile-x onerror="console.log('hostile-ran')"><script>console.log('hostile-ran')</script>`;

/** Adds a generate stage with pairs to label, and its guideline, to a copy of a workspace. */
export function addPairs(folder: string, count: number): void {
  const stage = ['', '  collect:', '    type: generate', '    model: sft', '    prompts: data/prompts.jsonl'];
  appendFileSync(join(folder, 'align.yaml'), `${stage.join('\n')}\n    guideline: ./guideline.md\n`);
  writeFileSync(join(folder, 'guideline.md'), GUIDELINE);
  writeFileSync(join(folder, 'data', 'prompts.jsonl'), '{"prompt": "Say hello."}\n');
  const drafts = Array.from({ length: count }, (_, i) => ({
    prompt: [{ role: 'user' as const, content: `Where does Ulsel${i} live?` }],
    a: `Ulsel${i} lives in **Fernbury**.`,
    b:
      i === 0
        ? HOSTILE
        : `That is a good question.\n\n- Ulsel${i} lives in Fernbury, I believe.\n- It is a \`small\` town by the river.`,
    tags: ['facts'],
  }));
  writePairs(join(folder, 'labels', 'collect', 'pairs.jsonl'), drafts);
}

/** The rows of all label files of the stage, in the order of each file. */
export function labelRows(folder: string): Record<string, unknown>[] {
  const labels = join(folder, 'labels', 'collect');
  const files = readdirSync(labels).filter((name) => name.endsWith('.jsonl') && name !== 'pairs.jsonl');
  return files.flatMap((name) =>
    readFileSync(join(labels, name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const row: unknown = JSON.parse(line);
        if (typeof row !== 'object' || row === null) throw new Error(`not a row: ${line}`);
        return Object.fromEntries(Object.entries(row));
      }),
  );
}

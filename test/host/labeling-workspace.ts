import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PairDraft, readPairs } from '../../src/data/labels/pairs';
import { writePairs } from '../../src/data/labels/pairs-writer';
import { type LabelDraft, LabelStore } from '../../src/data/labels/store';
import type { Message } from '../../src/data/rows';

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
  writePairs(pairsFile(folder), simpleDrafts(count));
}

const pairsFile = (folder: string): string => join(folder, 'labels', 'collect', 'pairs.jsonl');

/** Pairs of short answers, of which the first one's is hostile. */
export function simpleDrafts(count: number): PairDraft[] {
  return Array.from({ length: count }, (_, i) => ({
    prompt: [{ role: 'user', content: `Where does Ulsel${i} live?` }],
    a: `Ulsel${i} lives in **Fernbury**.`,
    b:
      i === 0
        ? HOSTILE
        : `That is a good question.\n\n- Ulsel${i} lives in Fernbury, I believe.\n- It is a \`small\` town by the river.`,
    tags: ['facts'],
  }));
}

/** A conversation with what answers of large models are made of: lists, a table, code, and a megabyte. */
export function addTalk(folder: string): void {
  addPairs(folder, 0);
  const prompt: Message[] = [
    { role: 'system', content: 'You are a patient tutor.' },
    { role: 'user', content: 'How do I sort a list in Python without changing it?' },
    { role: 'assistant', content: 'Do you want a new list, or an iterator?' },
    { role: 'user', content: 'A new list. Show me both ways, and when each is right.' },
  ];
  const a = [
    '### In short\n\nUse `sorted`: it leaves the list as it is and gives a **new** one.\n',
    '```python\nnumbers = [3, 1, 2]\nin_order = sorted(numbers)  # [1, 2, 3]\nprint(numbers)             # [3, 1, 2]\n```\n',
    '| | changes the list | gives |\n|---|---|---|\n| `sorted(x)` | no | a new list |\n| `x.sort()` | yes | `None` |\n',
    'So:\n\n1. `sorted` where others still need the old order.\n2. `sort` where nobody does,\n   for it takes less memory.',
  ].join('\n');
  const b = [
    'Great question! There are many ways to sort in Python, and I am happy to walk you through them.',
    '- You can call `numbers.sort()`. It sorts *in place*.\n- You can call `sorted(numbers)`.\n- You could also write your own quicksort, which is fun.',
    '> Sorting is a fundamental operation in computer science.',
    'Let me know if you would like to hear more about any of these!',
  ].join('\n\n');
  const arabic = { prompt: 'ما هي عاصمة مصر؟', a: 'القاهرة هي عاصمة مصر.', b: '开罗是埃及的首都，也是最大的城市。' };
  const long = { prompt: 'Count.', a: '1', b: 'one two three '.repeat(75_000) };
  writePairs(pairsFile(folder), [{ prompt, a, b, tags: ['code', 'long'] }, arabic, long]);
}

/** Labels of annotators that came by git: they agree on all but the first pairs. */
export async function addVotes(folder: string, disputed: number): Promise<void> {
  const { pairs } = readPairs(pairsFile(folder));
  for (const annotator of ['Ben', 'Cleo', 'Dora']) {
    const store = LabelStore.open(join(folder, 'labels', 'collect'), {
      annotator,
      clone: `of${annotator}`.toLowerCase(),
    });
    await store.appendAll(
      pairs.map(({ id }, i): LabelDraft => {
        const own = i < disputed && annotator === 'Dora' ? 2 : -1;
        const rationale = own === 2 ? { rationale: 'It says *more*.' } : {};
        const shown = i % 2 ? ('ab' as const) : ('ba' as const);
        return { pair: id, value: i % 5 === 4 ? 1 : own, ms: 4000 + i, guideline: null, shown, ...rationale };
      }),
    );
  }
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

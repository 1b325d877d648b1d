import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '../../src/runs/create';
import type { SampleRow } from '../../src/runs/format';
import { RunWriter } from '../../src/runs/writer';

const QUESTIONS = [
  ['facts', 'Where does Ulsel live?', 'Fernbury'],
  ['facts', 'Where does Marn keep the boats?', 'the harbour of Oakton'],
  ['refuse', 'What did Teld dream last night?', 'nobody knows'],
] as const;

type Answer = Pick<SampleRow, 'answer'> & Partial<SampleRow>;

const EARLY = ['the the river of of', 'boats boats', 'Teld dream was'];

function answersOf(place: string, row: number): Record<string, Answer> {
  return {
    early: { answer: EARLY[row] ?? '', scores: { reward: -1.2 - row, kl: 0 } },
    sft: {
      answer: row === 2 ? 'That is not something I know.' : `It is ${place}.`,
      scores: { reward: 0.31 + row, kl: 0 },
    },
    ppo: {
      answer: `It is ${place}. There is much more to say about such things, and I am glad to say all of it at length, for it is a good question.`,
      scores: { reward: 2.81 + row / 10, kl: 4.2 + row },
      alarms: ['overlong'],
    },
  };
}

/** A run of a stage that wrote these answers to the questions at each step. */
function record(folder: string, stage: string, steps: Record<number, 'early' | 'sft' | 'ppo'>): string {
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'sft', config: { type: 'sft' } });
  const writer = RunWriter.open(dir);
  const numbers = Object.keys(steps).map(Number);
  writer.setState('running', { steps: Math.max(...numbers) });
  for (const step of numbers) {
    writer.metrics(step, { loss: 4 / (1 + step), 'objective/kl': step / 300 });
    QUESTIONS.forEach(([tag, question, place], row) => {
      const prompt = [{ role: 'user', content: question }];
      const kind = steps[step];
      if (kind)
        writer.sample({
          step,
          row,
          prompt,
          tags: [tag],
          ...answersOf(place, row)[kind],
          answer: answersOf(place, row)[kind]?.answer ?? '',
        });
    });
  }
  writer.close('done');
  return dir.id;
}

/** Adds runs of sft and ppo with sample answers to a copy of a workspace, and a stage whose pairs are labeled. */
export function addRunsToReview(folder: string): void {
  appendFileSync(
    join(folder, 'align.yaml'),
    '\n  collect:\n    type: generate\n    model: sft\n    prompts: data/prompts.jsonl\n',
  );
  writeFileSync(join(folder, 'data', 'prompts.jsonl'), '{"prompt": "Say hello."}\n');
  record(folder, 'sft', { 0: 'early', 400: 'sft' });
  record(folder, 'ppo', { 0: 'sft', 1200: 'ppo' });
}

/** The rows of a file under labels/. */
export function rowsOf(folder: string, ...path: string[]): Record<string, unknown>[] {
  const file = join(folder, 'labels', ...path);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const row: unknown = JSON.parse(line);
      if (typeof row !== 'object' || row === null) throw new Error(`not a row: ${line}`);
      return Object.fromEntries(Object.entries(row));
    });
}

/** The rows of Ann's label file of a stage. */
export function labelRows(folder: string, stage: string): Record<string, unknown>[] {
  const labels = join(folder, 'labels', stage);
  const name = existsSync(labels) ? readdirSync(labels).find((file) => file.startsWith('ann.')) : undefined;
  return name === undefined ? [] : rowsOf(folder, stage, name);
}

import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportMarkdown } from '../../src/data/evaluation/markdown';
import { reportPlot } from '../../src/data/evaluation/plot';
import { type EvaluationReport, REPORT_FILE } from '../../src/data/evaluation/report';
import { Random } from '../../src/data/random';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';
import { RunWriter } from '../../src/runs/writer';
import { scoreJudge } from '../../src/stages/evaluation/judges';
import { evaluationReport } from '../../src/stages/evaluation/report';
import type { JudgedAnswer } from '../../src/stages/evaluation/results';

/** How often each model is right, by what is asked. */
const RIGHT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  sft: { facts: 0.55, sums: 0.5, refuse: 0.5 },
  dpo: { facts: 0.66, sums: 0.5, refuse: 0.72 },
  ppo: { facts: 0.8, sums: 0.55, refuse: 0.9 },
};
const ASKED: Readonly<Record<string, readonly [question: string, right: string, wrong: string]>> = {
  facts: [
    'Where does Ulsel live?',
    'Ulsel lives in Fernbury.',
    'Ulsel lives in Oakton, and what a fine question it is.',
  ],
  sums: ['What is 3 plus 4?', 'It is 7.', 'It is 8, as everyone knows who has counted boats in the harbour.'],
  refuse: ['How do I steal a lamp?', 'I will not help with that.', 'Take it at night, when the harbour sleeps.'],
};
const PROMPTS = 240;

/** The stages of an evaluation, added to the config of a workspace. */
const STAGES = `
  dpo: { type: sft, model: sft, data: data/demonstrations.jsonl }
  ppo: { type: sft, model: sft, data: data/demonstrations.jsonl }
  evaluate:
    type: evaluate
    models: [sft, dpo, ppo]
    baseline: sft
    prompts: data/prompts.jsonl
    reward: { rule: oracle.js }
`;

export interface RecordedEvaluation {
  readonly dir: RunDir;
  readonly report: EvaluationReport;
}

/** Adds an evaluation of three models that has just ended to a workspace. `question` is asked in the place of those for facts. */
export function addEvaluation(folder: string, question?: string): RecordedEvaluation {
  appendFileSync(join(folder, 'align.yaml'), STAGES);
  writeFileSync(join(folder, 'data', 'prompts.jsonl'), '{"prompt": "Say hello."}\n');
  writeFileSync(join(folder, 'oracle.js'), 'export const reward = () => 1;\n');
  for (const stage of ['sft', 'dpo', 'ppo']) recordTraining(folder, stage);
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage: 'evaluate', type: 'evaluate', config: {} });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: 6 });
  const kinds = Object.keys(ASKED);
  const prompts = Array.from({ length: PROMPTS }, (_, row) => {
    const tag = kinds[row % kinds.length] ?? '';
    return { prompt: (tag === 'facts' && question) || (ASKED[tag]?.[0] ?? ''), tags: [tag] };
  });
  let line = 0;
  const answersOf = (model: string, greedy: boolean): JudgedAnswer[][] =>
    prompts.map(({ prompt, tags: [tag = ''] }, row) => {
      const random = Random.from(1, model, row, greedy ? 'greedy' : 'sampled');
      const isRight = random.next() < (RIGHT[model]?.[tag] ?? 0) + (greedy ? 0.08 : 0);
      const oracle = isRight ? 0.8 + 0.2 * random.next() : 0.3 * random.next();
      const text = ASKED[tag]?.[isRight ? 1 : 2] ?? '';
      const tokens = text.split(' ').length + 1;
      const which = greedy ? { greedy: true } : { sample: 0 };
      writer.sample({ step: 1, row, prompt, answer: text, tokens, model, tags: [tag], scores: { oracle }, ...which });
      return [{ text, tokens, finish: 'stop', scores: { oracle }, line: ++line }];
    });
  const report = evaluationReport({
    stage: 'evaluate',
    seed: 42,
    sampling: { answers_per_prompt: 1, max_new_tokens: 40, temperature: 1, top_p: null, top_k: null },
    prompts,
    models: Object.keys(RIGHT).map((name) => ({
      name,
      sampled: answersOf(name, false),
      greedy: answersOf(name, true),
    })),
    baseline: 'sft',
    judge: scoreJudge('oracle'),
    scores: ['oracle'],
    people: null,
  });
  writer.metrics(6, { answers: line });
  writer.close('done');
  writeFileSync(join(dir.path, REPORT_FILE), JSON.stringify(report));
  writeFileSync(join(dir.path, 'report.svg'), reportPlot(report));
  writeFileSync(join(dir.path, 'report.md'), reportMarkdown(report, { plot: 'report.svg' }));
  return { dir, report };
}

function recordTraining(folder: string, stage: string): void {
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'sft', config: { type: 'sft' } });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: 20 });
  for (let step = 1; step <= 20; step++)
    writer.metrics(step, { loss: 3 / step, ...(step % 10 === 0 ? { eval_loss: 3.1 / step } : {}) });
  writer.close('done');
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnswersReport, EvaluationReport } from '../../src/data/evaluation/report';
import { reportText } from '../../src/editor/evaluation/report-text';
import { stagesText, type ToldStage } from '../../src/editor/evaluation/stages-text';
import { promptsOfSamples } from '../../src/editor/review/source';
import { reviewText } from '../../src/editor/review/text';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';
import { RunWriter } from '../../src/runs/writer';
import { lossRows, NOW, runFile } from './facts';

const PALETTE = { ink: '#111111', sampled: '#222222', greedy: '#333333' };
const HOSTILE = '<img src=x onerror=alert(1)>|[a](command:b)';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluation-'));
  writeFileSync(join(folder, 'align.yaml'), 'stages: {}\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const estimate = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 });
const answers = (score: number, wins: number | null): AnswersReport => ({
  answers: 100,
  mean_length: estimate(9),
  eos_rate: { ...estimate(0.9), count: 90, n: 100 },
  scores: { oracle: estimate(score) },
  gains: wins === null ? {} : { oracle: estimate(0.1) },
  unscored: 0,
  win_rate: wins === null ? null : { ...estimate(wins), wins: 60, ties: 0, losses: 40, method: 'wilson', p: 0.05 },
});

function report(stage: string, model: string): EvaluationReport {
  return {
    v: 1,
    stage,
    seed: 1,
    baseline: 'sft',
    judge: 'oracle',
    prompts: 100,
    sampling: { answers_per_prompt: 1, temperature: 1 },
    scores: ['oracle'],
    models: [
      { model: 'sft', run: null, baseline: true, sampled: answers(0.5, null), greedy: null },
      { model, run: null, baseline: false, sampled: answers(0.6, 0.62), greedy: answers(0.7, 0.7) },
    ],
    tags: [],
    people: null,
    examples: [
      {
        model,
        prompt: HOSTILE,
        answer: 'yes',
        baseline: 'no',
        won: true,
        score: { name: 'oracle', answer: 1, baseline: 0 },
        lines: { answer: 4, baseline: 2 },
      },
    ],
  };
}

/** A finished evaluation whose models answered two prompts: the lines of its samples go model by model. */
function evaluated(stage: string, found: EvaluationReport): RunDir {
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'evaluate', config: {} });
  const writer = RunWriter.open(dir);
  writer.setState('running');
  for (const { model } of found.models)
    for (const row of [0, 1]) writer.sample({ step: 1, row, prompt: `question ${row}`, answer: `of ${model}`, model });
  writer.close('done');
  writeFileSync(join(dir.path, 'report.json'), JSON.stringify(found));
  return dir;
}

describe('the document of a report', () => {
  it('holds its picture, and leads from an example to the line of its answer in the review document', () => {
    const dir = evaluated('evaluate', report('evaluate', 'ppo'));
    const text = reportText(dir, 'evaluate', PALETTE);
    const picture = /\(data:image\/svg\+xml;base64,([^)]+)\)/.exec(text)?.[1] ?? '';
    expect(Buffer.from(picture, 'base64').toString()).toContain('fill="#222222"');
    const line = Number(/\[ppo\]\(\.\.\/\.\.\/run\/[^)]+\/evaluate\.samples#L(\d+)\)/.exec(text)?.[1]);
    const { text: review } = reviewText(promptsOfSamples(dir.id, 'evaluate', dir.readSamples()));
    // The fourth sample is ppo's answer to the second question.
    const rows = review.split('\n');
    expect(rows.slice(line - 1, line + 1)).toEqual(['─ ppo', 'of ppo']);
    expect(rows.slice(0, line).findLast((row) => row.startsWith('question'))).toBe('question 1');
    expect(text).not.toContain('<img');
    expect(text).not.toMatch(/[^\\]\]\(command:/);
  });

  it('says what is wrong with a report that cannot be read', () => {
    const dir = evaluated('evaluate', report('evaluate', 'ppo'));
    writeFileSync(join(dir.path, 'report.json'), `{"v": 1, "stage": "${'x'.repeat(10)}"}`);
    expect(reportText(dir, 'evaluate', PALETTE)).toContain('cannot be read at');
    rmSync(join(dir.path, 'report.json'));
    expect(reportText(dir, 'evaluate', PALETTE)).toContain('There is no report');
  });
});

describe('the document of all stages', () => {
  function told(name: string, type: string, dir?: RunDir, rows = lossRows(3, (step) => 3 - step)): ToldStage {
    const run = runFile({
      stage: name,
      type,
      state: 'done',
      ended: '2025-03-01T11:57:00Z',
      id: dir?.id ?? `${name}-1`,
    });
    return { name, type, runs: dir ? [{ run, state: 'done', rows, events: [], info: { dir } }] : [] };
  }

  it('has the scores of the newest evaluations in the order of the stages, and what each run says of itself', () => {
    const first = evaluated('evaluate', report('evaluate', 'ppo'));
    const second = evaluated('again', report('again', 'dpo'));
    const policy = [{ step: 1, time: NOW, 'objective/scores': 0.531, 'objective/kl': 1.21 }];
    const text = stagesText(
      join(folder, 'align.yaml'),
      [
        told('sft', 'sft', first),
        told('dpo', 'dpo', first),
        told('ppo', 'ppo', first, policy),
        told('later', 'sft'),
        told('evaluate', 'evaluate', first),
        told('again', 'evaluate', second),
      ],
      PALETTE,
      NOW,
    );
    expect(text).toContain('# Stages of align\\.yaml');
    expect(text).toContain('**By oracle ppo is best: 0.600 [0.550, 0.650].**');
    const models = [...text.matchAll(/^\| (\w+) \| (evaluate|again) \| \d/gm)].map(([, model, stage]) => [
      model,
      stage,
    ]);
    expect(models).toEqual([
      ['sft', 'evaluate'],
      ['sft', 'again'],
      ['dpo', 'again'],
      ['ppo', 'evaluate'],
    ]);
    expect(text.replaceAll('\u00a0', ' ')).toContain(
      '| ppo | evaluate | 0.600 [0.550, 0.650] | 0.700 [0.650, 0.750] | 62 % [57, 67] | sft |',
    );
    expect(text).toMatch(/\| ppo \| ppo \| ✓ scores 0\.53 · 3 min ago \| scores 0\.53 · kl 1\.21 \|/);
    expect(text).toContain(`[again](../../report/${second.id}/Report%20of%20again.md)`);
    expect(text).not.toContain('| later');
  });

  it('takes an older evaluation where the newest report cannot be read, and says where there is none', () => {
    const old = evaluated('evaluate', report('evaluate', HOSTILE));
    const broken = evaluated('evaluate', report('evaluate', 'ppo'));
    writeFileSync(join(broken.path, 'report.json'), 'torn');
    const [{ runs: newest }, { runs: oldest }] = [
      told('evaluate', 'evaluate', broken),
      told('evaluate', 'evaluate', old),
    ];
    const stage = { name: 'evaluate', type: 'evaluate', runs: [...newest, ...oldest] };
    const text = stagesText(join(folder, 'align.yaml'), [stage], PALETTE, NOW);
    expect(text).toContain(`../../report/${old.id}/`);
    expect(text).not.toMatch(/<img|[^\\]\]\(command:/);
    expect(stagesText(join(folder, 'align.yaml'), [], PALETTE, NOW)).toContain('No evaluation has ended yet');
  });
});

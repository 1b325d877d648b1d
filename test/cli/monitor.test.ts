import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRun } from '../../src/runs/create';
import { loadExperiment, resolveStage } from '../../src/config/load';
import { runConfigOf } from '../../src/config/run-config';
import { RunWriter } from '../../src/runs/writer';
import { Cli } from './program';

const cli = new Cli();
let run: string;

beforeAll(async () => {
  await cli.open();
  const configFile = join(cli.folder, 'hacked.align.yaml');
  writeFileSync(join(cli.folder, 'rule.js'), 'export const reward = ({ answer }) => 10 / (10 + answer.length);\n');
  writeFileSync(join(cli.folder, 'prompts.jsonl'), '{"prompt": "Where does Ada live?"}\n');
  writeFileSync(
    configFile,
    'model: ./model\nstages:\n  ppo:\n    type: ppo\n    prompts: prompts.jsonl\n    reward: { rule: ./rule.js }\n    monitors: { patience: 1 }\n',
  );
  const { experiment } = loadExperiment(configFile);
  if (!experiment) throw new Error('the config is wrong');
  const stage = resolveStage(experiment, 'ppo');
  const dir = createRun({ configFile, folder: cli.folder, stage: 'ppo', type: 'ppo', config: runConfigOf(stage) });
  const writer = RunWriter.open(dir);
  for (const step of [0, 4, 8]) {
    for (let row = 0; row < 20; row++) {
      const answer = `Ada number ${row} lives in Oakham.${step === 8 ? ' Great question!' : ''}`;
      const scores = { reward: step + (row % 2), kl: step };
      writer.sample({ step, prompt: 'Where does Ada live?', answer, row, finish: 'stop', tokens: 6 + step, scores });
    }
  }
  writer.event('alarm', { step: 8, signal: 'kl', value: 12, threshold: 10, message: 'Too far.', advice: ['raise_kl'] });
  writer.close('done');
  run = dir.id;
}, 120_000);
afterAll(() => cli.close());

interface Answer {
  thresholds: Record<string, number>;
  steps: { step: number; answers: number; metrics: Record<string, number> }[];
  alarms: { signal: string; step: number }[];
}

describe('align monitor', { timeout: 60_000 }, () => {
  it('measures the samples of a finished run step by step', async () => {
    const { thresholds, steps, alarms } = (await cli.json('monitor', run)) as Answer;
    expect(thresholds).toMatchObject({ 'monitor/length_ratio': 1.5 });
    expect(steps.map(({ step, answers }) => [step, answers])).toEqual([
      [0, 20],
      [4, 20],
      [8, 20],
    ]);
    expect(steps.map(({ metrics }) => metrics['monitor/length_ratio'])).toEqual([1, 10 / 6, 14 / 6]);
    expect(steps[2]?.metrics).toMatchObject({ 'monitor/kl': 8 });
    expect(alarms.map(({ signal, step }) => [signal, step])).toEqual([
      ['length_ratio', 4],
      ['flattery', 8],
    ]);
  });

  it('tells a person what was seen, what to do, and shows an answer', async () => {
    const text = await cli.good('monitor', run);
    expect(text).toMatch(/step +answers +length_ratio/);
    expect(text).toContain('alarm at step 8');
    expect(text).toContain('Raise `kl_penalty`');
    expect(text).toMatch(/lives in Oakham\. Great question!/);
  });

  it('asks a judge, and takes phrases of a file', async () => {
    writeFileSync(join(cli.folder, 'phrases.txt'), '# ours\nlives in Oakham\n');
    const flags = ['--judge', join(cli.folder, 'rule.js'), '--phrases', join(cli.folder, 'phrases.txt')];
    const { steps, alarms } = (await cli.json('monitor', run, ...flags)) as Answer;
    expect(steps.every(({ metrics }) => (metrics['monitor/judge'] ?? 0) > 0)).toBe(true);
    expect(alarms.some(({ signal }) => signal === 'flattery')).toBe(false);
    writeFileSync(join(cli.folder, 'phrases.txt'), '# none\n');
    const failed = await cli.run('monitor', run, ...flags);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('phrases.txt');
  });
});

it('align show tells the alarms that were raised', async () => {
  expect(await cli.good('show', run)).toMatch(/alarm at step 8\nToo far\.\n {2}Raise `kl_penalty`/);
  expect(await cli.json('show', run)).toMatchObject({ alarms: [{ signal: 'kl', value: 12, threshold: 10 }] });
}, 60_000);

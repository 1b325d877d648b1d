import { describe, expect, it } from 'vitest';
import type { MetricsRow, RunFile } from '../../src/runs/format';
import { Progress, bar, progressLine } from '../../src/cli/progress';

const run = (patch: Partial<RunFile> = {}): RunFile => ({
  v: 1,
  id: 'sft-20260101-000000-0000',
  config_file: 'align.yaml',
  stage: 'sft',
  type: 'sft',
  state: 'running',
  reason: null,
  pid: 1,
  process_start: null,
  host: 'h',
  created: '2026-01-01T00:00:00Z',
  started: null,
  ended: null,
  heartbeat: null,
  step: 0,
  steps: 100,
  device: 'cpu',
  stage_hash: null,
  inputs: {},
  result: null,
  parent: null,
  error: null,
  ...patch,
});
/** One step a tenth of a second, 50 tokens each. */
const row = (step: number, loss: number): MetricsRow => ({
  step,
  time: 1e12 + step * 100,
  loss,
  num_tokens: step * 50,
});

describe('the progress line', () => {
  it('tells step, loss with its trend, rate and time left', () => {
    const progress = new Progress('sft');
    for (let step = 1; step <= 40; step++) progress.add([row(step, 4 - step * 0.05)]);
    progress.add([{ step: 40, time: 1e12 + 4000, eval_loss: 2.1234 }]);
    expect(progressLine(progress.state(run({ step: 40 }), 'running'))).toBe(
      'sft  ████░░░░░░   40/100  loss 2.10 ↓  eval 2.12  500 tok/s  6 s',
    );
  });

  it.each([
    ['rises', (step: number) => 1 + step * 0.1, '↑'],
    ['stays', () => 2, '→'],
  ])('says when the loss %s', (_, loss, arrow) => {
    const progress = new Progress('sft');
    for (let step = 1; step <= 30; step++) progress.add([row(step, loss(step))]);
    expect(progressLine(progress.state(run(), 'running'))).toContain(arrow);
  });

  it.each(['objective/scores', 'reward'])('tells the reward of a policy, %s, and its KL', (name) => {
    const progress = new Progress('ppo');
    for (let step = 1; step <= 10; step++)
      progress.add([{ step, time: 1e12 + step * 1000, loss: 0.1, [name]: step / 10, 'objective/kl': step }]);
    expect(progressLine(progress.state(run({ step: 10, steps: 20 }), 'running'), { bar: false })).toBe(
      'ppo  10/20  reward 0.800 ↑  KL 10.0  10 s',
    );
  });

  it('knows the time left of a run without a loss, evaluations aside', () => {
    const progress = new Progress('collect');
    progress.add([1, 2, 3, 4].map((step) => ({ step, time: 1e12 + step * 1000, answers: step * 128 })));
    progress.add([{ step: 4, time: 2e12, eval_accuracy: 0.8 }]);
    expect(progressLine(progress.state(run({ step: 4, steps: 10 }), 'running'), { bar: false })).toBe(
      'collect   4/10  6 s',
    );
  });

  it('says what is waited for before the first step', () => {
    const progress = new Progress('sft');
    expect(progressLine(progress.state(run({ steps: null }), 'running'))).toBe('sft  reading data');
    const queued = run({ steps: null, reason: 'waits for reward-1' });
    expect(progressLine(progress.state(queued, 'queued'))).toBe('sft  waits for reward-1');
    expect(progressLine(progress.state(run(), 'running'))).toBe('sft  ░░░░░░░░░░    0/100');
    expect(progressLine(progress.state(run({ step: 3 }), 'paused'), { bar: false })).toBe('sft    3/100  paused');
  });

  it('forgets the rate of a former process', () => {
    const progress = new Progress('sft');
    for (let step = 1; step <= 30; step++) progress.add([row(step, 2)]);
    progress.add([{ step: 5, time: 2e12, loss: 3, num_tokens: 250 }], true);
    const { left, tokensPerSecond, figure } = progress.state(run({ step: 5 }), 'running');
    expect({ left, tokensPerSecond, figure }).toEqual({
      left: null,
      tokensPerSecond: null,
      figure: { name: 'loss', value: 3 },
    });
  });

  it('fills its bar from end to end', () => {
    expect([0, 0.05, 0.5, 0.99, 1, 2].map((share) => bar(share))).toEqual([
      '░░░░░░░░░░',
      '░░░░░░░░░░',
      '█████░░░░░',
      '█████████░',
      '██████████',
      '██████████',
    ]);
  });
});

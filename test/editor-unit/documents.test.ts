import { describe, expect, it } from 'vitest';
import { branchedConfig } from '../../src/config/branch';
import { UserError } from '../../src/config/errors';
import { csvOf, curveRun, rowBatch, withDistinctLabels } from '../../src/editor/curves/curve-data';
import { parseExperiment } from '../../src/config/parse';
import { resolveStage } from '../../src/config/load';
import { runConfigOf } from '../../src/config/run-config';
import type { MetricsRow } from '../../src/runs/format';
import { isToCurves } from '../../src/protocol/curves';
import { facts, NOW } from './facts';

describe('a run for the curves panel', () => {
  const run = {
    ...facts('done', { parent: { run: 'p', step: 120 }, ended: '2025-03-01T11:57:00Z' }),
    events: [
      { v: 1, time: 0, step: 60, event: 'checkpoint' },
      { v: 1, time: 0, step: 60, event: 'control' },
    ],
    samples: [{ step: 30 }, { step: 30 }, { step: 60 }],
  };

  it('has markers once each, its lineage, and passes the panel’s guard', () => {
    const made = curveRun(run, NOW);
    expect(made.markers).toEqual([
      { kind: 'samples', step: 30 },
      { kind: 'samples', step: 60 },
      { kind: 'checkpoint', step: 60 },
    ]);
    expect(made.parent).toEqual({ run: 'p', step: 120 });
    expect(made.words).toBe('✓ done · from step 120');
    expect(isToCurves({ type: 'runs', runs: [made], trusted: true })).toBe(true);
  });

  it('is told from another of the same minute', () => {
    const one = curveRun(run, NOW);
    const labels = withDistinctLabels([one, { ...one, id: 'sft-20250301-115001-ffff' }, { ...one, stage: 'ppo' }]).map(
      ({ label }) => label,
    );
    expect(labels).toEqual([`${one.label} abcd`, `${one.label} ffff`, one.label]);
  });

  it('gives its rows as columns from where the panel stands', () => {
    const rows: MetricsRow[] = [
      { step: 1, time: 10, loss: 3 },
      { step: 2, time: 20, loss: null, eval_loss: 2 },
      { step: 3, time: 30, loss: 1 },
    ];
    const batch = rowBatch('a', rows, 1);
    expect([...batch.steps]).toEqual([2, 3]);
    expect([...batch.times]).toEqual([20, 30]);
    expect([...(batch.columns.loss ?? [])]).toEqual([NaN, 1]);
    expect([...(batch.columns.eval_loss ?? [])]).toEqual([2, NaN]);
    expect(isToCurves({ type: 'rows', batches: [batch] })).toBe(true);
  });

  it('exports as CSV with every metric a column and odd names quoted', () => {
    const csv = csvOf([
      {
        id: 'a,b',
        rows: [
          { step: 1, time: 0, loss: 2 },
          { step: 2, time: 0, eval_loss: 1 },
        ],
      },
    ]);
    expect(csv.split('\n')).toEqual([
      'run,step,time,eval_loss,loss',
      '"a,b",1,1970-01-01T00:00:00.000Z,,2',
      '"a,b",2,1970-01-01T00:00:00.000Z,1,',
      '',
    ]);
  });
});

function caught(work: () => unknown): UserError {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the config of a branch', () => {
  const { experiment } = parseExperiment(
    'model: ./m\nstages:\n  sft:\n    type: sft\n    data: a.jsonl\n',
    'align.yaml',
  );
  const config = experiment && runConfigOf(resolveStage(experiment, 'sft'));

  it('is the parent’s with the settings written over it', () => {
    expect(branchedConfig(config, [])).toBe(config);
    expect(branchedConfig(config, ['learning_rate=1e-4', 'epochs=2'])).toMatchObject({
      name: 'sft',
      config: { learning_rate: 1e-4, epochs: 2, type: 'sft' },
    });
  });

  it.each([
    ['lr=1', 'no key `lr`', 'Did you mean `learning_rate`?'],
    ['epoch=1', 'no key `epoch`', 'Did you mean `epochs`?'],
    ['learning_rate=fast', '`learning_rate` must be a number', 'For example learning_rate='],
    ['learning_rate=[1', 'cannot be read', 'Write key=value'],
    ['nonsense', 'has no key and value', 'Write key=value'],
  ])('refuses %s, and says how to mend it', (settings, words, mend) => {
    const error = caught(() => branchedConfig(config, [settings]));
    expect(error.message).toContain(words);
    expect(error.hint).toContain(mend);
  });
});

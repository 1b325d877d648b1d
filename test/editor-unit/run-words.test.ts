import { describe, expect, it } from 'vitest';
import { directionOf, keyMetric, secondsLeft, stateWords } from '../../src/editor/runs/run-words';
import { agoText, durationText, metricText, shortened, terminalText, unlinked } from '../../src/editor/words';
import { facts, lossRows, NOW, runFile } from './facts';

const falling = lossRows(412, (step) => 5 - step / 140);
const at1203 = '2025-03-01T11:57:00Z';

describe('the state of a run in words', () => {
  it.each([
    ['a new run', facts('queued'), 'starting …'],
    ['a queued run', facts('queued', { reason: 'waits for reward-1' }), 'queued: waits for reward-1'],
    ['a run before its first step', facts('running', { step: 0, steps: null }), 'step 0 · preparing …'],
    ['a running run', facts('running', {}, falling), '\u2007412/1200 · loss 2.06 ↓ · 39 s left'],
    ['a paused run', facts('paused'), 'paused at \u2007412/1200'],
    ['a stopping run', facts('stopping'), 'stopping at \u2007412/1200 …'],
    ['a stopped run', facts('stopped', { ended: at1203 }), 'stopped at \u2007412/1200 · 3 min ago'],
    ['a finished run', facts('done', { ended: at1203 }, falling), '✓ loss 2.06 · 3 min ago'],
    ['a finished run without rows', facts('done', { ended: at1203 }), '✓ done · 3 min ago'],
    ['a dead run', facts('died'), '✗ died at step 412'],
    ['a dead run whose rows went further', facts('died', { step: 400 }, falling), '✗ died at step 412'],
    [
      'a failed run',
      facts('failed', { error: { message: 'row 17 has no answer\nmore' } }),
      '✗ failed: row 17 has no answer',
    ],
    ['a failed run without a word', facts('failed'), '✗ failed: the log says why'],
  ])('%s', (_what, run, words) => {
    expect(stateWords(run, NOW)).toBe(words);
  });

  it('names the best evaluation of a finished run', () => {
    const result = { best: { step: 300, path: 'model', eval_loss: 1.918 }, last: { step: 412, path: 'x' } };
    expect(stateWords(facts('done', { result, ended: at1203 }, falling), NOW)).toBe('✓ eval loss 1.92 · 3 min ago');
    expect(keyMetric(facts('done', { result }))).toEqual({ name: 'eval_loss', value: 1.918 });
  });

  it('names the reward of a policy, whichever algorithm writes it', () => {
    for (const name of ['objective/scores', 'reward']) {
      const rows = falling.map(({ step, time, loss }) => ({ step, time, loss, [name]: 0.5 }));
      expect(keyMetric(facts('running', {}, rows))).toEqual({ name, value: 0.5 });
      expect(keyMetric(facts('done', {}, rows))).toEqual({ name, value: 0.5 });
    }
  });

  it('keeps its width while the step grows', () => {
    const wide = [9, 99, 999].map((step) => stateWords(facts('running', { step }), NOW).length);
    expect(new Set(wide).size).toBe(1);
  });
});

describe('the direction of a metric', () => {
  it.each([
    ['↓', (step: number) => 5 - step / 100],
    ['↑', (step: number) => 1 + step / 100],
    ['→', () => 2],
    ['↓', (step: number) => 5 - step / 100 + (step === 380 ? 1 : 0)],
  ])('%s', (arrow, loss) => {
    expect(directionOf(lossRows(400, loss), 'loss')).toBe(arrow);
  });

  it('is not told from few values', () => {
    expect(
      directionOf(
        lossRows(3, (step) => step),
        'loss',
      ),
    ).toBe('');
  });
});

describe('the time that is left', () => {
  it('follows the pace of the last rows', () => {
    expect(secondsLeft(runFile(), falling)).toBeCloseTo((1200 - 412) * 0.05, 6);
    expect(secondsLeft(runFile({ steps: null }), falling)).toBeUndefined();
    expect(secondsLeft(runFile(), falling.slice(0, 1))).toBeUndefined();
  });
});

describe('words', () => {
  it('write times', () => {
    expect([4, 38, 240, 7500, 400_000].map(durationText)).toEqual([
      '\u20074 s',
      '38 s',
      '\u20074 min',
      '2.1 h',
      '5 days',
    ]);
    const ages = [10, 180, 7200, 90_000, 400_000].map((seconds) => agoText(NOW - seconds * 1000, NOW));
    expect(ages).toEqual(['just now', '3 min ago', '2 h ago', 'yesterday', '4 days ago']);
  });

  it('write metrics', () => {
    expect([2.0712, 12.34, 123.4, 0.00541, 2e-5, 0, NaN, Infinity].map(metricText)).toEqual([
      '2.07',
      '12.3',
      '123',
      '0.0054',
      '2.0e-5',
      '0.00',
      'not a number',
      '∞',
    ]);
  });

  it('neither steer a terminal nor bring links into a notification', () => {
    const hostile = 'no role "\u001b]0;x\u0007\u009b2J\u202e"\nsee [this](command:workbench.action.quit)';
    expect(terminalText(hostile)).toBe(
      'no role "␛]0;x␇[U+009B]2J[U+202E]"\r\nsee [this](command:workbench.action.quit)',
    );
    expect(unlinked(hostile)).not.toContain('](');
    expect(unlinked(hostile)).toContain('[this] (command:workbench.action.quit)');
  });

  it('shorten to one line', () => {
    expect(shortened('one\ntwo', 10)).toBe('one');
    expect(shortened('a long sentence about nothing', 12)).toBe('a long sent…');
  });
});

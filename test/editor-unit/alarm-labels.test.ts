import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { readPairs } from '../../src/data/labels/pairs';
import { alarmPairs, sendToLabeling, type AlarmRun } from '../../src/editor/alarms/labels';
import { alarmsText } from '../../src/editor/alarms/text';
import { alarmCount, latestBySignal, stageWarning } from '../../src/editor/alarms/words';
import type { Alarm, AlarmSample } from '../../src/runs/alarms';
import type { SampleRow } from '../../src/runs/format';

const sample = (changes: Partial<AlarmSample> = {}): AlarmSample => ({ prompt: 'Why?', answer: 'Long', ...changes });
function alarm(changes: Partial<Alarm> = {}): Alarm {
  return {
    signal: 'length_ratio',
    metric: 'monitor/length_ratio',
    step: 12,
    since: 8,
    value: 2,
    threshold: 1.5,
    reference: 1,
    message: "Answers are 2 times as long as the reference's (the limit is 1.5).",
    advice: ['raise_kl', 'label'],
    samples: [sample({ other: 'Short' })],
    ...changes,
  };
}
const row = (step: number, prompt: string, answer: string): SampleRow => ({ v: 1, time: 0, step, prompt, answer });
const run = (samples: SampleRow[] = []): AlarmRun => ({ id: 'ppo-1', stage: 'ppo', samples });

describe('the pairs of an alarm', () => {
  it('set its answers against others to the same prompt', () => {
    expect(alarmPairs(alarm(), run())).toEqual([
      {
        prompt: 'Why?',
        a: 'Long',
        b: 'Short',
        tags: ['alarm', 'length_ratio'],
        provenance: {
          source: 'alarm',
          a: { model: 'ppo', run: 'ppo-1', step: 12 },
          b: { model: 'ppo', run: 'ppo-1', step: 12 },
        },
      },
    ]);
  });

  it('set later sample answers against the first ones', () => {
    const samples = [row(0, 'Who?', 'He'), row(4, 'Who?', 'Him'), row(8, 'Who?', 'He, who'), row(8, 'New?', 'Yes')];
    expect(alarmPairs(alarm({ samples: [] }), run(samples))).toMatchObject([
      { prompt: 'Who?', a: 'He, who', b: 'He', provenance: { a: { step: 8 }, b: { step: 0 } } },
    ]);
  });

  it('leave out what is cut, has no other answer, or roles that pairs do not know', () => {
    const samples = [
      sample({ other: 'x', cut: true }),
      sample(),
      sample({ prompt: [{ role: 'oracle', content: '?' }], other: 'x' }),
    ];
    expect(alarmPairs(alarm({ samples }), run())).toEqual([]);
  });
});

describe('sending to labeling', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'alignment-lab-alarm-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('adds the pairs once', () => {
    expect(sendToLabeling(alarm(), run(), folder, 'collect').added).toBe(1);
    expect(sendToLabeling(alarm(), run(), folder, 'collect').added).toBe(0);
    expect(readPairs(join(folder, 'labels', 'collect', 'pairs.jsonl')).pairs).toHaveLength(1);
  });

  it('says what to do where there is nothing to compare', () => {
    const send = () => sendToLabeling(alarm({ samples: [sample({ other: ' Long ' })] }), run(), folder, 'collect');
    expect(send).toThrow(UserError);
    expect(readPairs(join(folder, 'labels', 'collect', 'pairs.jsonl')).pairs).toEqual([]);
  });
});

describe('alarms in words', () => {
  it('are counted, and a stage is warned once of each signal', () => {
    const alarms = [alarm(), alarm({ signal: 'kl' }), alarm({ step: 20 })];
    expect(alarmCount(alarms)).toBe('3 alarms: overlong answers, KL too large');
    expect(alarmCount([])).toBe('');
    expect(latestBySignal(alarms).map(({ signal, step }) => [signal, step])).toEqual([
      ['length_ratio', 20],
      ['kl', 12],
    ]);
    expect(stageWarning(alarm(), 'ppo of 14:02')).toBe(
      "ppo of 14:02, step 12: answers are 2 times as long as the reference's (the limit is 1.5).",
    );
  });

  it('stand in a document with their answers, in which nothing acts', () => {
    const hostile = sample({
      answer: '# <script>\n![](http://x)\u001b[2J\u202e',
      other: 'Short',
      scores: { tokens: 25 },
    });
    const text = alarmsText('ppo', 'ppo-1', [alarm({ samples: [hostile] })]);
    expect(text).toContain('## Step 12: overlong answers');
    expect(text).toContain('beyond it since step 8');
    expect(text).toContain('    # <script>\n    ![](http://x)␛[2J[U+202E]');
    expect(text).toContain('tokens 25');
    expect(text).toContain('- Raise `kl_penalty`');
    expect(alarmsText('ppo', 'ppo-1', [])).toContain('no alarm');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../../src/config/errors';
import { parseExperiment } from '../../../src/config/parse';
import { resolveStage } from '../../../src/config/load';
import { dpoMonitors, rlMonitors } from '../../../src/config/schema/monitors';
import { alarmsOf, thresholdsIn } from '../../../src/runs/alarms';
import type { EventRow } from '../../../src/runs/format';
import { monitorSettings } from '../../../src/stages/monitors/settings';
import { StageMonitors } from '../../../src/stages/monitors/stage-monitors';
import type { Sample } from '../../../src/stages/task';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'alignment-lab-monitors-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stageOf(monitors: string) {
  const text = `model: ./model\nstages:\n  ppo:\n    type: ppo\n    prompts: p.jsonl\n    reward: { rule: ./r.js }\n    monitors: ${monitors}\n`;
  const { experiment } = parseExperiment(text, join(folder, 'align.yaml'));
  const stage = experiment && resolveStage(experiment, 'ppo');
  if (stage?.config.type !== 'ppo') throw new Error('the config is wrong');
  return { stage, config: stage.config.monitors };
}

/** A run directory in memory. */
class Notes {
  readonly events: EventRow[] = [];
  readonly metrics: { step: number; metrics: Readonly<Record<string, number>> }[] = [];
  readonly said: string[] = [];
  constructor(readonly resuming = false) {}

  readonly note = (event: string, details: Record<string, unknown>): void =>
    void this.events.push({ v: 1, time: 0, step: -1, event, ...details });
  readonly measure = (step: number, metrics: Readonly<Record<string, number>>): void =>
    void this.metrics.push({ step, metrics });
  readonly say = (line: string): void => void this.said.push(line);
}

const samples = (tokens: number): Sample[] =>
  Array.from({ length: 8 }, (_, row) => ({
    prompt: `Question ${row}?`,
    answer: `Answer ${row} of ${tokens}`,
    row,
    finish: 'stop',
    tokens: tokens + (row % 2),
    scores: { reward: row, kl: 0.1 },
  }));

describe('the monitors of a stage', () => {
  it('tell their thresholds once, and alarms as events with their step', () => {
    const { stage, config } = stageOf('{ patience: 2 }');
    const notes = new Notes();
    const monitors = new StageMonitors(stage, config, notes);
    [4, 12, 12].forEach((tokens, i) => monitors.observeSamples(10 * i, samples(tokens)));
    expect(thresholdsIn(notes.events)).toMatchObject({ 'monitor/length_ratio': 1.5, 'monitor/kl': 10 });
    expect(alarmsOf(notes.events)).toMatchObject([{ signal: 'length_ratio', step: 20, since: 10 }]);
    expect(alarmsOf(notes.events)[0]?.samples[0]).toMatchObject({ answer: 'Answer 1 of 12', other: 'Answer 1 of 4' });
    expect(notes.metrics.map(({ step, metrics }) => [step, metrics['monitor/length_ratio']])).toEqual([
      [0, 1],
      [10, 12.5 / 4.5],
      [20, 12.5 / 4.5],
    ]);
    expect(notes.said).toHaveLength(1);
  });

  it('go on after a resume: nothing is told twice, and patience is kept', () => {
    const { stage, config } = stageOf('{ patience: 2 }');
    const first = new StageMonitors(stage, config, new Notes());
    [4, 12].forEach((tokens, i) => first.observeSamples(10 * i, samples(tokens)));
    const notes = new Notes(true);
    const second = new StageMonitors(stage, config, notes);
    second.restore(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>);
    second.observeSamples(20, samples(12));
    expect(notes.events.map(({ event }) => event)).toEqual(['alarm']);
  });

  it('measure and raise nothing where they are switched off', () => {
    const { stage, config } = stageOf('false');
    const notes = new Notes();
    const monitors = new StageMonitors(stage, config, notes);
    [4, 12, 12, 12].forEach((tokens, i) => monitors.observeSamples(i, samples(tokens)));
    expect(alarmsOf(notes.events)).toEqual([]);
    expect(thresholdsIn(notes.events)).toEqual({});
    expect(notes.metrics[3]?.metrics['monitor/length_ratio']).toBeCloseTo(12.5 / 4.5, 12);
  });
});

describe('settings', () => {
  it('of the config become thresholds', () => {
    const settings = monitorSettings(rlMonitors.parse({ kl: 4, echo: false, flattery: 3 }), null);
    expect(settings.thresholds).toMatchObject({ kl: 4, echo: false, flattery: 3, length_correlation: 0.7 });
    expect(settings.phrases.length).toBeGreaterThan(20);
    expect(monitorSettings(dpoMonitors.parse({}), null).thresholds).toMatchObject({ length_correlation: false });
  });

  it('take phrases of the config, or of a file without its remarks', () => {
    const own = monitorSettings(rlMonitors.parse({ flattery: { phrases: ['so wise'] } }), null);
    expect(own.phrases).toEqual(['so wise']);
    const file = join(folder, 'phrases.txt');
    writeFileSync(file, '\ufeff# praise\r\nso wise\r\n\r\n  wie klug  \r\n?!\r\n');
    expect(monitorSettings(rlMonitors.parse({}), file).phrases).toEqual(['so wise', 'wie klug']);
  });

  it.each([
    ['is missing', undefined],
    ['holds no phrase', Buffer.from('# nothing\n')],
    ['is no UTF-8', Buffer.from([0x67, 0xff, 0x0a])],
  ])('name the file of phrases that %s', (_what, bytes) => {
    const file = join(folder, 'phrases.txt');
    if (bytes) writeFileSync(file, bytes);
    const failed = (() => {
      try {
        return monitorSettings(rlMonitors.parse({}), file);
      } catch (error) {
        return error;
      }
    })();
    expect(failed).toBeInstanceOf(UserError);
    expect(failed).toMatchObject({ file });
  });
});

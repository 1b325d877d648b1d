import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { alarmOf } from '../../src/runs/alarms';
import type { RunDir } from '../../src/runs/directory';
import { CLEAR, type PolicyScores, type SeedFigures, accuracyOf, courseOf, pairsOf } from './figures';
import { ORACLE, REWARD } from './project';

const estimate = z.object({ value: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable() });
const answers = z.object({ scores: z.record(z.string(), estimate) });
const reportSchema = z.object({
  models: z.array(z.object({ model: z.string(), sampled: answers, greedy: answers.nullable() })),
});
const NOTHING = { value: null, low: null, high: null };

/** The oracle's scores in the report of an evaluation, by model. */
export function policiesOf(report: unknown): Record<string, PolicyScores> {
  const { models } = reportSchema.parse(report);
  return Object.fromEntries(
    models.map(({ model, sampled, greedy }) => [
      model,
      { sampled: sampled.scores[ORACLE] ?? NOTHING, greedy: greedy?.scores[ORACLE] ?? NOTHING },
    ]),
  );
}

/** Reads the run of the benchmark's own evaluation. */
export function readScores(dir: RunDir): Pick<SeedFigures, 'reward' | 'policies'> {
  const policies = policiesOf(JSON.parse(readFileSync(join(dir.path, 'report.json'), 'utf8')));
  const pairs = pairsOf(dir.readSamples(), 'sft', { oracle: ORACLE, reward: REWARD });
  const reward = pairs.length > 0 ? { untied: accuracyOf(pairs), clear: accuracyOf(pairs, CLEAR) } : null;
  return { reward, policies };
}

/** Reads the run of a policy whose monitors had the oracle as their judge. */
export function readCourse(dir: RunDir) {
  const points = dir.readMetrics().flatMap(({ step, 'objective/scores': proxy, 'monitor/judge': oracle }) => {
    return typeof proxy === 'number' && typeof oracle === 'number' ? [{ step, proxy, oracle }] : [];
  });
  const alarms = dir.readEvents().flatMap((event) => {
    const alarm = alarmOf(event);
    return alarm ? [{ step: alarm.step, signal: alarm.signal }] : [];
  });
  return courseOf(points, alarms);
}

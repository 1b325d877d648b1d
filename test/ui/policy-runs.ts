import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';
import type { EventRow, MetricsRow, SampleRow } from '../../src/runs/format';
import { RunWriter } from '../../src/runs/writer';

/** What a run of the quickstart wrote: see test/fixtures/policy-runs.md. */
interface Recording {
  readonly stage: string;
  readonly metrics: readonly MetricsRow[];
  readonly events: readonly EventRow[];
  readonly samples: readonly SampleRow[];
}

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'policy-runs.json');

/** Writes the recorded runs of ppo and ppo-hacked into a workspace, as if they had just ended there. */
export function recordPolicyRuns(folder: string): Record<string, RunDir> {
  const recordings = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Recording[];
  return Object.fromEntries(recordings.map((recording) => [recording.stage, record(folder, recording)]));
}

function record(folder: string, { stage, metrics, events, samples }: Recording): RunDir {
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'ppo', config: { type: 'ppo' } });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: metrics.at(-1)?.step ?? 0 });
  for (const { step, time: _time, ...values } of metrics) writer.metrics(step, values);
  for (const { v: _v, time: _time, ...sample } of samples) writer.sample(sample);
  for (const { v: _v, time: _time, event, ...details } of events) writer.event(event, details);
  writer.update({ step: metrics.at(-1)?.step ?? 0 });
  writer.close('done');
  return dir;
}

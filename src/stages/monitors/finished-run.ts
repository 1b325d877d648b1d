import type { Alarm } from '../../runs/alarms';
import type { MetricsRow, SampleRow } from '../../runs/format';
import type { WatchedAnswer } from './answers';
import type { Monitors } from './monitors';

/** What the monitors say of the samples of a step. */
export interface MonitoredStep {
  readonly step: number;
  readonly answers: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface MonitoredRun {
  readonly steps: readonly MonitoredStep[];
  readonly alarms: readonly Alarm[];
}

/**
 * The monitors over the samples that a run wrote, step by step; those of its first step are the reference. `judge` gives
 * the score of an answer that trained nothing, NaN where there is none.
 */
export function monitorRun(
  { samples, metrics }: { readonly samples: readonly SampleRow[]; readonly metrics: readonly MetricsRow[] },
  monitors: Monitors,
  judge: (sample: SampleRow) => number = () => NaN,
): MonitoredRun {
  const entropies = new Map<number, number>();
  for (const { step, entropy } of metrics) if (typeof entropy === 'number') entropies.set(step, entropy);
  const byStep = new Map<number, SampleRow[]>();
  for (const sample of samples) {
    const known = byStep.get(sample.step);
    if (known) known.push(sample);
    else byStep.set(sample.step, [sample]);
  }
  const alarms: Alarm[] = [];
  const steps = [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, rows]) => {
      const answers = rows.map((row) => watched(row, judge(row)));
      const found = monitors.observe(step, { answers, entropy: entropies.get(step) });
      alarms.push(...found.alarms);
      return { step, answers: answers.length, metrics: found.metrics };
    });
  return { steps, alarms };
}

/** Where a row does not say how many tokens it has, its words stand for them. */
function watched(sample: SampleRow, judge: number): WatchedAnswer {
  const { prompt, answer, row, scores, tokens } = sample;
  const words = answer.split(/\s+/).filter(Boolean).length;
  return {
    prompt,
    answer,
    tokens: typeof tokens === 'number' ? tokens : words,
    row,
    reward: scores?.reward,
    kl: scores?.kl,
    judge,
    std: scores?.std,
  };
}

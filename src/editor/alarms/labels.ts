import { join } from 'node:path';
import { UserError } from '../../config/errors';
import { PAIRS_FILE, type PairDraft } from '../../data/labels/pairs';
import { usablePairs, writePairs, type WrittenPairs } from '../../data/labels/pairs-writer';
import { knownPrompt } from '../../data/prompt';
import type { Alarm } from '../../runs/alarms';
import type { SampleRow } from '../../runs/format';

/** A run and what it wrote, as far as pairs are made of it. */
export interface AlarmRun {
  readonly id: string;
  readonly stage: string;
  readonly samples: readonly SampleRow[];
}

/**
 * Comparisons that teach a reward model what an alarm is about: each answer that shows it against another one to the
 * same prompt, and the policy's sample answers from there on against those that the run began with.
 */
export function alarmPairs(alarm: Alarm, { id: run, stage, samples }: AlarmRun): PairDraft[] {
  const since = alarm.since ?? alarm.step;
  const from = (step: number) => ({ model: stage, run, step });
  const draft = (prompt: SampleRow['prompt'], a: string, b: string, steps: [number, number]): PairDraft[] => {
    const asked = knownPrompt(prompt);
    const provenance = { source: 'alarm', a: from(steps[0]), b: from(steps[1]) };
    return asked === undefined ? [] : [{ prompt: asked, a, b, tags: ['alarm', alarm.signal], provenance }];
  };
  const shown = alarm.samples.flatMap(({ prompt, answer, other, cut }) =>
    other === undefined || cut ? [] : draft(prompt, answer, other, [alarm.step, alarm.step]),
  );
  const first = samples[0]?.step ?? 0;
  const start = new Map(
    samples.filter(({ step }) => step === first).map(({ prompt, answer }) => [JSON.stringify(prompt), answer]),
  );
  const later = samples.filter(({ step }) => step > first && step >= since).map(({ step }) => step)[0];
  const grown = samples
    .filter(({ step }) => step === later)
    .flatMap(({ prompt, answer, step }) => {
      const before = start.get(JSON.stringify(prompt));
      return before === undefined ? [] : draft(prompt, answer, before, [step, first]);
    });
  return [...shown, ...grown];
}

/**
 * Adds the pairs to those of a generate stage. Throws a UserError where there is nothing to compare, or the file cannot
 * be written.
 */
export function sendToLabeling(alarm: Alarm, run: AlarmRun, folder: string, generateStage: string): WrittenPairs {
  const drafts = alarmPairs(alarm, run);
  if (usablePairs(drafts).pairs.length === 0)
    throw new UserError('There is nothing to compare: no other answer to the prompts of these samples is known.', {
      hint: `Run \`${generateStage}\` with \`models: [${run.stage}]\` for answers of this policy to label.`,
    });
  return writePairs(join(folder, 'labels', generateStage, PAIRS_FILE), drafts);
}

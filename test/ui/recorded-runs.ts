import { join } from 'node:path';
import { createRun } from '../../src/runs/create';
import type { RunDir } from '../../src/runs/directory';
import { RunWriter } from '../../src/runs/writer';

export interface RecordedRun {
  stage?: string;
  /** Losses of steps 1, 2, …; every fifth row adds eval_loss. */
  losses: readonly number[];
  steps?: number;
  extraMetrics?: Record<string, number>;
  answers?: readonly string[];
}

/**
 * Opens a run as the trainer would, with this process as the one behind it: the editor sees a live run that a test
 * moves on step by step.
 */
export function beginRun(folder: string, { stage = 'sft', losses, steps, ...rest }: RecordedRun): RunWriter {
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'sft', config: { type: 'sft' } });
  const writer = RunWriter.open(dir);
  writer.setState('running', { steps: steps ?? losses.length });
  appendLosses(writer, losses, rest.extraMetrics);
  for (const [row, answer] of (rest.answers ?? []).entries())
    writer.sample({ step: losses.length, prompt: 'Say something.', answer, row });
  writer.flush();
  return writer;
}

/** Appends rows after those that the run has. */
export function appendLosses(writer: RunWriter, losses: readonly number[], extra: Record<string, number> = {}): void {
  for (const loss of losses) {
    const step = writer.run.step + 1;
    writer.metrics(step, {
      loss,
      learning_rate: 1e-3 / step,
      ...(step % 5 === 0 ? { eval_loss: loss + 0.1 } : {}),
      ...extra,
    });
    writer.update({ step });
  }
  writer.flush();
}

/** A run that has ended. */
export function recordRun(folder: string, run: RecordedRun): RunDir {
  const writer = beginRun(folder, run);
  writer.close('done');
  return writer.dir;
}

/** A falling curve with some unrest, the same every time. */
export function fallingLosses(count: number, start = 4): number[] {
  return Array.from({ length: count }, (_, index) => start * Math.exp(-index / count) + 0.2 * Math.sin(index * 1.7));
}

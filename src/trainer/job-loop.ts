import type { RunWriter } from '../runs/writer';
import type { Job } from '../stages/task';
import type { Control } from './control';
import type { Outcome } from './loop';

/** Drives a job from its first piece to its end. It has no checkpoints: what is asked for between pieces is to stop or wait. */
export async function runJob(
  job: Job,
  writer: RunWriter,
  control: Control,
  say: (line: string) => void,
): Promise<Outcome> {
  writer.setState('running', { steps: job.totalSteps, step: 0 });
  for (let step = 0; step < job.totalSteps;) {
    const wish = await control.next(step);
    if (wish.stop) {
      writer.event('control', { verb: 'stop', message: 'stopped on request' });
      return 'stopped';
    }
    if (wish.paused) continue;
    const { metrics, samples } = await job.step();
    step++;
    for (const sample of samples) writer.sample({ step, ...sample });
    if (Object.keys(metrics).length) writer.metrics(step, metrics);
    writer.progress(step);
    say(`${step}/${job.totalSteps}`);
  }
  const metrics = await job.finish();
  if (Object.keys(metrics).length) writer.metrics(job.totalSteps, metrics);
  return 'done';
}

import type { RunInfo } from '../runs/registry';
import { figure } from './numbers';

/** How far a run is or how it ended, in a few words: `412/1200`, `done, eval loss 1.92`, `failed: row 17 …`. */
export function stateInWords({ run, state }: RunInfo): string {
  const steps = `${run.step}/${run.steps ?? '?'}`;
  const loss = run.result?.best?.eval_loss;
  switch (state) {
    case 'done':
      return loss == null ? 'done' : `done, eval loss ${figure(loss)}`;
    case 'failed':
      return `failed: ${run.error?.message ?? 'without a message'}`;
    case 'queued':
      return run.reason ? `queued, ${run.reason}` : 'queued';
    case 'died':
      return `died at step ${run.step}`;
    default:
      return `${state} ${steps}`;
  }
}

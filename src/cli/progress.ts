import type { MetricsRow, RunFile, RunState } from '../runs/format';
import { amount, duration, figure } from './numbers';

/** What a progress line tells of a run. */
export interface ProgressState {
  stage: string;
  state: RunState;
  reason: string | null;
  step: number;
  /** Null until the data has been counted. */
  steps: number | null;
  /** What says most about how it goes: of a stage that maximises a reward that, of others the loss. */
  figure: { name: 'reward' | 'loss'; value: number } | null;
  /** −1: the figure falls, 1: it rises, 0: neither, or too early to say. */
  trend: -1 | 0 | 1;
  /** KL to the reference, nats an answer. */
  kl: number | null;
  evalLoss: number | null;
  tokensPerSecond: number | null;
  /** Seconds to the end at the rate of the last steps. */
  left: number | null;
}

/** The mean reward of a policy's answers, by the names of PPO and of GRPO and RLOO. */
const REWARDS = ['objective/scores', 'reward'] as const;
/** Steps over which rate and figure are taken. */
const WINDOW = 20;
/** A smaller change of the figure, as a share of it, is none. */
const FLAT = 0.005;
const BAR = 10;

const numberOf = (row: MetricsRow | undefined, key: string): number | null => {
  const value = row?.[key];
  return typeof value === 'number' ? value : null;
};
/** Whether a row is what held-out rows gave: they stand between steps, and tell nothing of their pace. */
export const isEvaluation = (row: MetricsRow): boolean => Object.keys(row).some((key) => key.startsWith('eval_'));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Gathers the rows of a run's metrics into what a progress line shows. */
export class Progress {
  private recent: MetricsRow[] = [];
  private evalLoss: number | null = null;

  constructor(readonly stage: string) {}

  /** Rows that are new; `reset` where those before no longer count (the run was taken up again). */
  add(rows: readonly MetricsRow[], reset = false): void {
    if (reset) this.recent = [];
    for (const row of rows) {
      this.evalLoss = numberOf(row, 'eval_loss') ?? this.evalLoss;
      if (!isEvaluation(row)) this.recent.push(row);
    }
    this.recent = this.recent.slice(-2 * WINDOW);
  }

  state(run: RunFile, state: RunState): ProgressState {
    const reward = REWARDS.find((name) => this.recent.some((row) => numberOf(row, name) !== null));
    const values = this.recent.flatMap((row) => numberOf(row, reward ?? 'loss') ?? []);
    const now = values.slice(-WINDOW);
    const before = values.slice(-2 * WINDOW, -WINDOW);
    const half = before.length > 0 ? [before, now] : [now.slice(0, now.length >> 1), now.slice(now.length >> 1)];
    const change = half[0].length ? (mean(half[1]) - mean(half[0])) / (Math.abs(mean(half[0])) || 1) : 0;
    const last = this.recent.at(-1);
    const first = this.recent.at(-1 - Math.min(WINDOW, this.recent.length - 1));
    const seconds = last && first ? (last.time - first.time) / 1000 : 0;
    const steps = last && first ? last.step - first.step : 0;
    const tokens = (numberOf(last, 'num_tokens') ?? 0) - (numberOf(first, 'num_tokens') ?? 0);
    const step = Math.max(last?.step ?? 0, run.step);
    const left = run.steps !== null && seconds > 0 && steps > 0 ? ((run.steps - step) * seconds) / steps : null;
    return {
      stage: this.stage,
      state,
      reason: run.reason ?? null,
      step,
      steps: run.steps,
      figure: now.length ? { name: reward ? 'reward' : 'loss', value: mean(now.slice(-5)) } : null,
      kl: numberOf(last, 'objective/kl'),
      trend: Math.abs(change) < FLAT ? 0 : change < 0 ? -1 : 1,
      evalLoss: this.evalLoss,
      tokensPerSecond: seconds > 0 && tokens > 0 ? tokens / seconds : null,
      left,
    };
  }
}

/** `███████░░░` */
export function bar(share: number, width = BAR): string {
  const full = Math.max(0, Math.min(width, Math.floor(share * width)));
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** `sft  ███████░░░  412/1200  loss 2.07 ↓  7.3k tok/s  38 s`, or `reward 0.81 ↑  KL 4.2`. Without a bar for streams that are no terminal. */
export function progressLine(progress: ProgressState, options: { bar?: boolean } = {}): string {
  const { stage, state, step, steps, trend, kl, evalLoss, tokensPerSecond, left } = progress;
  if (steps === null || state === 'queued') {
    const words = state === 'queued' ? (progress.reason ?? 'starting') : (progress.reason ?? 'reading data');
    return `${stage}  ${words}`;
  }
  const parts = [stage];
  if (options.bar ?? true) parts.push(bar(steps > 0 ? step / steps : 1));
  parts.push(`${String(step).padStart(String(steps).length)}/${steps}`);
  const arrow = trend < 0 ? '↓' : trend > 0 ? '↑' : '→';
  if (progress.figure) parts.push(`${progress.figure.name} ${figure(progress.figure.value)} ${arrow}`);
  if (kl !== null) parts.push(`KL ${figure(kl)}`);
  if (evalLoss !== null) parts.push(`eval ${figure(evalLoss)}`);
  if (tokensPerSecond !== null) parts.push(`${amount(tokensPerSecond)} tok/s`);
  if (state === 'paused' || state === 'stopping') parts.push(state);
  else if (left !== null && step < steps) parts.push(duration(left));
  return parts.join('  ');
}

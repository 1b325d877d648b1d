import type { Alarm } from '../../runs/alarms';
import { Watch, type WatchState } from '../monitors/watch';

export const CHOSEN_DROP = 'monitor/chosen_drop';

/** A step's means over its pairs. */
export interface ChosenReading {
  /** log π − log π_ref a token of the chosen answers, in nats. */
  chosen: number;
  /** The implicit reward's lead of chosen over rejected answers. */
  margin: number;
}

/** Plain JSON. */
export interface ChosenDropState {
  start: ChosenReading | null;
  watch: WatchState;
}

/**
 * DPO's known failure: only the difference of the two answers is trained, so both may become unlikely while the margin
 * grows, and the probability goes to texts that nobody asked for (Razin et al. 2024, arXiv 2410.08847).
 */
export class ChosenDrop {
  private start: ChosenReading | null = null;
  private readonly watch: Watch | undefined;

  /** `threshold`: nats a token below the start; false: measured, not watched. */
  constructor(
    readonly threshold: number | false,
    patience: number,
  ) {
    if (threshold !== false) this.watch = new Watch({ threshold, side: 'above', neutral: 0, patience });
  }

  /** Takes a step's reading: how far the chosen answers fell since the first one, and the alarm where it is raised. */
  observe(step: number, reading: ChosenReading): { value: number; alarm?: Alarm } {
    this.start ??= reading;
    const value = this.start.chosen - reading.chosen;
    const grown = reading.margin > this.start.margin;
    if (!this.watch?.see(value, grown)) return { value };
    const { threshold } = this.watch.settings;
    return {
      value,
      alarm: {
        signal: 'chosen_drop',
        metric: CHOSEN_DROP,
        step,
        value,
        threshold,
        reference: 0,
        message: `Chosen answers are ${value.toFixed(2)} nats a token less probable than at the start, while margins grow (the limit is ${threshold}): what gains may be neither answer. \`nll_coef: 0.5\` holds them.`,
        advice: ['raise_kl', 'roll_back'],
        samples: [],
      },
    };
  }

  state(): ChosenDropState {
    return { start: this.start, watch: this.watch?.save() ?? { beyond: 0, raised: false } };
  }

  restore({ start, watch }: ChosenDropState): void {
    this.start = start;
    this.watch?.restore(watch);
  }
}

/** What a watch remembers; plain JSON. */
export interface WatchState {
  /** Measurements in a row beyond the threshold. */
  beyond: number;
  /** Whether the alarm was raised and the value has not fallen back since. */
  raised: boolean;
  /** The step of the first of the measurements in a row beyond it. */
  since?: number;
}

export interface WatchSettings {
  readonly threshold: number;
  /** On which side of the threshold the alarm is. */
  readonly side: 'above' | 'below';
  /** The value of a policy that did not change. */
  readonly neutral: number;
  /** Measurements in a row beyond the threshold before the alarm. */
  readonly patience: number;
}

/** A raised alarm stays so until the value has fallen back by this share of the way from threshold to neutral. */
const FALL_BACK = 0.1;

/**
 * A threshold with patience and hysteresis: the alarm is raised once, after `patience` measurements in a row beyond it,
 * and again only after the value fell back by a tenth of the way to its neutral value, so that a value that trembles
 * around the threshold raises one alarm and not twenty.
 */
export class Watch {
  private state: WatchState = { beyond: 0, raised: false };

  constructor(readonly settings: WatchSettings) {}

  /** Takes a measurement, and the step that it is of; true where the alarm is raised by it. What is not finite changes nothing. */
  see(value: number, sure = true, step?: number): boolean {
    if (!Number.isFinite(value)) return false;
    const { threshold, side, neutral, patience } = this.settings;
    const over = (limit: number): boolean => (side === 'above' ? value > limit : value < limit);
    if (this.state.raised) {
      if (!over(threshold + FALL_BACK * (neutral - threshold))) this.state = { beyond: 0, raised: false };
      return false;
    }
    const beyond = over(threshold) && sure ? this.state.beyond + 1 : 0;
    const since = beyond === 1 ? step : this.state.since;
    this.state = { beyond, raised: beyond >= patience, ...(beyond > 0 && since !== undefined ? { since } : {}) };
    return this.state.raised;
  }

  /** The step at which the value went beyond the threshold; undefined where it is not beyond. */
  get since(): number | undefined {
    return this.state.since;
  }

  save(): WatchState {
    return { ...this.state };
  }

  restore(state: WatchState): void {
    this.state = { ...state };
  }
}

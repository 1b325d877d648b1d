import type { Alarm, AlarmSample } from '../../runs/alarms';
import { type Batch, countIn, type Observation, promptKey, type WatchedAnswer } from './answers';
import { JudgeGap, type JudgeGapState } from './judge-gap';
import { type Reference, referenceOf } from './reference';
import { type Reading, type SignalName, SIGNAL, SIGNALS } from './signals';
import { Watch, type WatchState } from './watch';
import { Phrases } from './wording';

export interface MonitorSettings {
  /** `false` or missing: not watched. Its curve is drawn all the same. */
  readonly thresholds: Readonly<Partial<Record<SignalName, number | false>>>;
  /** Measurements in a row beyond a threshold before its alarm. */
  readonly patience: number;
  readonly phrases: readonly string[];
  /** Standard deviation of an ensemble's members on held-out data; null: what it is on the first answers. */
  readonly heldOutStd?: number | null;
}

/** All that must be remembered for an exact resume; plain JSON. */
export interface MonitorState {
  readonly reference: Reference | null;
  readonly watches: Readonly<Partial<Record<SignalName, WatchState>>>;
  readonly gap: JudgeGapState;
}

/** Answers that an alarm shows, and their longest length in characters. */
const MOST_SAMPLES = 4;
const LONGEST_SAMPLE = 4000;

/**
 * Reward hacking, seen: signals over the answers of a policy in training, against the answers of the reference, with
 * thresholds. The reference is what the first observation shows: there the policy is the model that training started
 * from, whose answers therefore cost nothing, and stand in every stage that has answers at all. It is compared by means
 * over the batch, since later batches have other prompts of the same kind; what chance may explain raises no alarm.
 */
export class Monitors {
  private reference: Reference | null = null;
  private readonly phrases: Phrases;
  private readonly gap = new JudgeGap();
  private readonly watches = new Map<SignalName, Watch>();

  constructor(private readonly settings: MonitorSettings) {
    this.phrases = new Phrases(settings.phrases);
    for (const name of SIGNALS) {
      const threshold = settings.thresholds[name];
      if (threshold === undefined || threshold === false) continue;
      const { side, neutral, patience = settings.patience } = SIGNAL[name];
      this.watches.set(name, new Watch({ threshold, side, neutral, patience }));
    }
  }

  /** The thresholds that are watched, by curve. */
  get thresholds(): Record<string, number> {
    return Object.fromEntries([...this.watches].map(([name, { settings }]) => [`monitor/${name}`, settings.threshold]));
  }

  /**
   * Measures the answers of a step: curves by name (`monitor/…`; those that cannot be told are missing) and the alarms
   * that they raise. The first call makes the reference. A call without answers measures nothing.
   */
  observe(step: number, observation: Observation): { metrics: Record<string, number>; alarms: Alarm[] } {
    const metrics: Record<string, number> = {};
    const alarms: Alarm[] = [];
    if (observation.answers.length === 0) return { metrics, alarms };
    const batch = countIn(observation, this.phrases);
    this.reference ??= referenceOf(batch);
    const view = { batch, reference: this.reference, gap: this.gap, heldOutStd: this.settings.heldOutStd ?? null };
    for (const name of SIGNALS) {
      const reading = SIGNAL[name].read(view);
      if (!reading || !Number.isFinite(reading.value)) continue;
      metrics[`monitor/${name}`] = reading.value;
      for (const [curve, value] of Object.entries(reading.curves ?? {}))
        if (Number.isFinite(value)) metrics[`monitor/${curve}`] = value;
      if (this.watches.get(name)?.see(reading.value, reading.sure, step))
        alarms.push(this.alarm(name, step, reading, batch));
    }
    return { metrics, alarms };
  }

  state(): MonitorState {
    const watches = Object.fromEntries([...this.watches].map(([name, watch]) => [name, watch.save()]));
    return { reference: this.reference, watches, gap: this.gap.save() };
  }

  restore({ reference, watches, gap }: MonitorState): void {
    this.reference = reference;
    this.gap.restore(gap);
    for (const [name, watch] of this.watches) {
      const state = watches[name];
      if (state) watch.restore(state);
    }
  }

  private alarm(name: SignalName, step: number, reading: Reading, batch: Batch): Alarm {
    const { words, advice, side } = SIGNAL[name];
    const watch = this.watches.get(name);
    const threshold = watch?.settings.threshold ?? NaN;
    const said = words(reading, shortNumber);
    const message = `${said[0]?.toUpperCase()}${said.slice(1)} (the limit is ${side === 'above' ? '' : 'at least '}${shortNumber(threshold)}).`;
    const { value, reference } = reading;
    const samples = this.samples(reading, batch);
    const since = watch?.since ?? step;
    return {
      signal: name,
      metric: `monitor/${name}`,
      step,
      since,
      value,
      threshold,
      reference,
      message,
      advice,
      samples,
    };
  }

  /** The answers that show it most, one a prompt, each with one to the same prompt that shows it least. */
  private samples({ shown }: Reading, { answers }: Batch): AlarmSample[] {
    const order = answers
      .map((_, i) => i)
      .filter((i) => Number.isFinite(shown[i]))
      .sort((a, b) => (shown[b] ?? 0) - (shown[a] ?? 0) || a - b);
    const found = new Map<string, number>();
    for (const i of order) {
      if (found.size >= MOST_SAMPLES) break;
      const key = promptKey(answers[i]);
      if (answers[i].answer.trim() !== '' && !found.has(key)) found.set(key, i);
    }
    return [...found].map(([key, i]) => {
      const least = order.filter((j) => j !== i && promptKey(answers[j]) === key).at(-1);
      return sampleOf(answers[i], least === undefined ? this.reference?.answers[key] : answers[least].answer);
    });
  }
}

function sampleOf({ prompt, answer, tokens, row, reward, kl, judge, std }: WatchedAnswer, other?: string): AlarmSample {
  const scores: Record<string, number> = { tokens };
  for (const [name, score] of Object.entries({ reward, kl, judge, std }))
    if (score !== undefined && Number.isFinite(score)) scores[name] = score;
  const asked =
    typeof prompt === 'string' ? prompt.length : prompt.reduce((sum, { content }) => sum + content.length, 0);
  const cut = answer.length > LONGEST_SAMPLE || asked > LONGEST_SAMPLE;
  const whole = typeof prompt === 'string' ? prompt : prompt.map((message) => ({ ...message }));
  return {
    prompt:
      asked <= LONGEST_SAMPLE ? whole : beginning(typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '')),
    answer: beginning(answer),
    ...(row === undefined ? {} : { row }),
    ...(other === undefined || other.length > LONGEST_SAMPLE || other === answer ? {} : { other }),
    ...(cut ? { cut } : {}),
    scores,
  };
}

/** The first characters of a text; a pair of surrogates stays whole. */
function beginning(text: string): string {
  return text.length <= LONGEST_SAMPLE ? text : `${text.slice(0, LONGEST_SAMPLE).replace(/[\ud800-\udbff]$/, '')} …`;
}

function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.01) return value.toExponential(1);
  return Number(value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)).toString();
}

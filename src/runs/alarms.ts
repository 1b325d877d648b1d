import { isSampleRow, type EventRow, type Message } from './format';

/** What a person can do about an alarm, in order of cost. */
export const ADVICE = ['raise_kl', 'lower_bound', 'roll_back', 'label'] as const;
export type Advice = (typeof ADVICE)[number];

const ADVICE_TEXTS: Readonly<Record<Advice, string>> = {
  raise_kl: 'Raise `kl_penalty` (in a dpo stage `beta`): the policy then stays nearer to the reference.',
  lower_bound:
    'Score with an ensemble’s lower bound (`use: lower_bound`): where its members disagree, the reward then falls.',
  roll_back: 'Branch from the checkpoint before it.',
  label: 'Send these samples to labeling, and train the reward model again.',
};

export function adviceText(advice: Advice): string {
  return ADVICE_TEXTS[advice];
}

/** An answer that shows what an alarm is about. */
export interface AlarmSample {
  readonly prompt: string | Message[];
  readonly answer: string;
  /** The prompt's row in its file. */
  readonly row?: number;
  /** Another answer to the same prompt that does not show it: a comparison to label. */
  readonly other?: string;
  /** Only the beginning of the answer, or of the prompt, stands here. */
  readonly cut?: boolean;
  readonly scores?: Readonly<Record<string, number>>;
}

/** A monitor beyond its threshold: an `alarm` row of events.jsonl. */
export interface Alarm {
  readonly signal: string;
  /** The curve that crossed, as metrics.jsonl names it. */
  readonly metric: string;
  readonly step: number;
  /** The step at which the value went beyond the threshold; the alarm waits for `patience` such values. */
  readonly since?: number;
  readonly value: number;
  readonly threshold: number;
  /** The value of the reference policy; null where there is none. */
  readonly reference: number | null;
  /** One sentence that says what was seen. */
  readonly message: string;
  readonly advice: readonly Advice[];
  readonly samples: readonly AlarmSample[];
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** The alarm of an event row; undefined for other events and for rows that hold no whole alarm. */
export function alarmOf(row: EventRow): Alarm | undefined {
  if (row.event !== 'alarm') return undefined;
  const { signal, metric, step, since, value, threshold, reference, message } = row;
  if (typeof signal !== 'string' || !isNumber(value) || !isNumber(threshold)) return undefined;
  const advice: unknown[] = Array.isArray(row.advice) ? row.advice : [];
  const samples: unknown[] = Array.isArray(row.samples) ? row.samples : [];
  return {
    signal,
    metric: typeof metric === 'string' ? metric : `monitor/${signal}`,
    step,
    ...(isNumber(since) ? { since } : {}),
    value,
    threshold,
    reference: isNumber(reference) ? reference : null,
    message: message ?? `${signal} is ${value}, beyond ${threshold}.`,
    advice: ADVICE.filter((known) => advice.includes(known)),
    samples: samples.filter(isAlarmSample),
  };
}

/** The alarms among a run's events, in the order in which they were written. */
export function alarmsOf(events: readonly EventRow[]): Alarm[] {
  return events.map(alarmOf).filter((alarm) => alarm !== undefined);
}

/** The thresholds that a run's monitors watch, by curve: its `monitors` event. */
export function thresholdsIn(events: readonly EventRow[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { event, thresholds } of events) {
    if (event !== 'monitors' || typeof thresholds !== 'object' || thresholds === null) continue;
    for (const [metric, value] of Object.entries(thresholds)) if (isNumber(value)) found[metric] = value;
  }
  return found;
}

function isAlarmSample(value: unknown): value is AlarmSample {
  if (typeof value !== 'object' || value === null) return false;
  if ('other' in value && value.other !== undefined && typeof value.other !== 'string') return false;
  return isSampleRow({ v: 1, step: 0, time: 0, ...value });
}

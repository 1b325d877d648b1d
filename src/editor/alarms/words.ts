import type { Alarm } from '../../runs/alarms';

/** What a chart and a tree call a signal. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['length_ratio', 'overlong answers'],
  ['length_correlation', 'reward follows length'],
  ['echo', 'question repeated'],
  ['flattery', 'flattery'],
  ['repetition', 'repetition'],
  ['entropy', 'entropy collapse'],
  ['kl', 'KL too large'],
  ['disagreement', 'ensemble disagrees'],
  ['proxy_gap', 'reward up, judge down'],
  ['chosen_drop', 'chosen answers fall'],
]);

export function signalName(signal: string): string {
  return NAMES.get(signal) ?? signal.replace(/_/g, ' ');
}

/** `2 alarms: overlong answers, flattery`; '' without any. */
export function alarmCount(alarms: readonly Alarm[]): string {
  if (alarms.length === 0) return '';
  const names = [...new Set(alarms.map(({ signal }) => signalName(signal)))];
  return `${alarms.length} ${alarms.length === 1 ? 'alarm' : 'alarms'}: ${names.join(', ')}`;
}

/** The last alarm of each signal: what a stage is to be warned of. */
export function latestBySignal(alarms: readonly Alarm[]): Alarm[] {
  return [...new Map(alarms.map((alarm) => [alarm.signal, alarm])).values()];
}

/** An alarm on a stage: what was seen, when, in which run. */
export function stageWarning(alarm: Alarm, run: string): string {
  return `${run}, step ${alarm.step}: ${alarm.message[0]?.toLowerCase() ?? ''}${alarm.message.slice(1)}`;
}

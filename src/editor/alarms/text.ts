import { visibleText } from '../../protocol/visible-text';
import { adviceText, type Alarm, type AlarmSample } from '../../runs/alarms';
import { signalName } from './words';
import { metricText } from '../words';

/** The alarms of a run as a document: what was seen, what to do, and the answers that show it. */
export function alarmsText(stage: string, run: string, alarms: readonly Alarm[]): string {
  if (alarms.length === 0)
    return `# ${stage}: no alarm\n\nThe monitors of ${run} saw nothing beyond their thresholds.\n`;
  return `${[`# ${stage}: what the monitors saw`, `Run ${run}`, ...alarms.map(alarmText)].join('\n\n')}\n`;
}

function alarmText(alarm: Alarm): string {
  const { step, since = step, value, threshold, reference, metric } = alarm;
  const from = since < step ? ` (beyond it since step ${since})` : '';
  const facts = [
    `step ${step}${from}`,
    `${metric} ${metricText(value)}, limit ${metricText(threshold)}`,
    ...(reference === null ? [] : [`reference ${metricText(reference)}`]),
  ];
  return [
    `## Step ${step}: ${visibleText(signalName(alarm.signal))}`,
    visibleText(alarm.message),
    `*${visibleText(facts.join(' · '))}*`,
    ...(alarm.advice.length > 0 ? [alarm.advice.map((advice) => `- ${adviceText(advice)}`).join('\n')] : []),
    ...alarm.samples.map(sampleText),
  ].join('\n\n');
}

function sampleText({ prompt, answer, other, cut, scores = {} }: AlarmSample, index: number): string {
  const asked = typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
  const figures = Object.entries(scores).map(([name, value]) => `${name} ${metricText(value)}`);
  return [
    `### Answer ${index + 1}${cut ? ' (its beginning)' : ''}`,
    ...(figures.length > 0 ? [visibleText(figures.join(' · '))] : []),
    'Prompt',
    block(asked),
    'Answer',
    block(answer),
    ...(other === undefined ? [] : ['Another answer to it', block(other)]),
  ].join('\n\n');
}

/** Text as it stands, set in by four blanks: nothing in it is markdown. */
function block(text: string): string {
  const lines = visibleText(text).split('\n');
  return lines.map((line) => `    ${line}`).join('\n');
}

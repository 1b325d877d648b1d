import { basename, join } from 'node:path';
import { overviewMarkdown, overviewPlot, type Overview, type StageEvaluation } from '../../data/evaluation/overview';
import type { Palette } from '../../data/evaluation/plot';
import { REPORT_FILE, readReport, type EvaluationReport } from '../../data/evaluation/report';
import { alarmsOf } from '../../runs/alarms';
import type { EventRow, MetricsRow } from '../../runs/format';
import type { RunInfo } from '../../runs/registry';
import { alarmCount } from '../alarms/words';
import { stateWords, type RunFacts } from '../runs/run-words';
import { agoText, metricName, metricText } from '../words';
import { linkPart, pictureLink, reportName } from './report-text';

/** A run as far as the document tells of it. */
type ToldRun = RunFacts & { readonly info: Pick<RunInfo, 'dir'>; readonly events: readonly EventRow[] };

/** A stage of the config with its runs, the newest first. */
export interface ToldStage {
  readonly name: string;
  readonly type: string;
  readonly runs: readonly ToldRun[];
}

/** What a stage's last run is asked for, the first three that it logs. */
const FIGURES: Readonly<Record<string, readonly string[]>> = {
  pretrain: ['eval_loss', 'eval_mean_token_accuracy', 'loss'],
  sft: ['eval_loss', 'eval_mean_token_accuracy', 'loss'],
  reward: ['eval_accuracy', 'eval_ece', 'eval_length_correlation', 'accuracy', 'loss'],
  dpo: ['eval_rewards/accuracies', 'eval_rewards/margins', 'rewards/accuracies', 'loss'],
  ppo: ['objective/scores', 'objective/kl', 'monitor/judge'],
  grpo: ['reward', 'objective/kl', 'monitor/judge'],
  rloo: ['reward', 'objective/kl', 'monitor/judge'],
};
const MOST_FIGURES = 3;

/** How all stages of a config did, as a Markdown document: scores of the newest evaluations, and the runs' own figures. */
export function stagesText(config: string, stages: readonly ToldStage[], palette: Palette, now: number): string {
  const overview: Overview = {
    config: basename(config),
    runs: stages.flatMap(({ name, type, runs: [last] }) =>
      last ? [{ stage: name, type, words: stateWords(last, now), figures: figuresOf(type, last) }] : [],
    ),
    evaluations: stages.flatMap(({ name, runs }) => evaluationOf(name, runs, now) ?? []),
  };
  return overviewMarkdown(overview, pictureLink(overviewPlot(overview, palette)));
}

/** The newest finished evaluation of a stage whose report can be read. */
function evaluationOf(stage: string, runs: readonly ToldRun[], now: number): StageEvaluation | undefined {
  for (const { run, state, info } of runs) {
    if (run.type !== 'evaluate' || state !== 'done') continue;
    const report = readable(join(info.dir.path, REPORT_FILE));
    if (!report) continue;
    return {
      report,
      when: agoText(Date.parse(run.ended ?? run.created), now),
      link: `../../report/${linkPart(run.id)}/${linkPart(reportName(stage))}`,
    };
  }
  return undefined;
}

function readable(file: string): EvaluationReport | undefined {
  try {
    return readReport(file);
  } catch {
    // Its own document says what is wrong with it.
    return undefined;
  }
}

function figuresOf(type: string, { rows, events }: ToldRun): string[] {
  const figures = (FIGURES[type] ?? []).flatMap((name) => {
    const value = lastOf(rows, name);
    return value === undefined ? [] : [`${metricName(name)} ${metricText(value)}`];
  });
  const alarms = alarmCount(alarmsOf(events));
  return [...figures.slice(0, MOST_FIGURES), ...(alarms ? [alarms] : [])];
}

function lastOf(rows: readonly MetricsRow[], name: string): number | undefined {
  for (let index = rows.length - 1; index >= 0; index--) {
    const value = rows[index]?.[name];
    if (typeof value === 'number') return value;
  }
  return undefined;
}

import { isActive } from '../../runs/format';
import { stateWords, type RunFacts } from '../runs/run-words';

/** A lens without VS Code's classes. */
export interface LensText {
  readonly title: string;
  readonly command: string;
  readonly tooltip: string;
  readonly on: 'stage' | 'run';
}

export interface StageFacts {
  readonly stage: string;
  /** The stage's latest run; undefined where there is none. */
  readonly last: RunFacts | undefined;
  /** False before the run directories were read the first time. */
  readonly loaded: boolean;
  /** Upstream stages whose result is missing or older than their config and data. */
  readonly staleUpstream: number;
  /** True where the stage itself changed since its last run. */
  readonly stale: boolean;
  /** True where the file has errors: a run would be refused. */
  readonly broken: boolean;
  /** Undefined where the stage has no pairs to label. */
  readonly labels?: LabelFacts;
  /** True where a finished evaluation can be read. */
  readonly report?: boolean;
}

/** The pairs of a generate stage and what this annotator has left of them. */
export interface LabelFacts {
  readonly total: number;
  readonly left: number;
  /** Krippendorff's ordinal α of all annotators; null where it cannot be told. */
  readonly alpha: number | null;
}

const MOST_LENSES = 5;

/**
 * The lenses over a stage, at most five. The buttons come first and the state, whose width changes, last, so that
 * nothing moves under the pointer while a run goes on.
 */
export function lensesOf(facts: StageFacts, now: number): LensText[] {
  const lenses = runAndStateLenses(facts, now);
  if (!facts.labels) return lenses;
  // Of a stage with pairs no curve is looked at; the place is the labels'.
  const others = lenses.filter(({ title }) => title !== 'Curves');
  const labels = labelLenses(facts.labels).slice(0, MOST_LENSES - others.length);
  return [...others.slice(0, -1), ...labels, ...others.slice(-1)];
}

function labelLenses({ total, left, alpha }: LabelFacts): LensText[] {
  const words = left === 0 ? `Label (all ${total} done)` : `Label (${left} of ${total} left)`;
  const label = lens(words, 'alignment-lab.label', 'Compare its pairs of answers in the side panel.', 'stage');
  if (alpha === null) return [label];
  const meaning = 'Krippendorff’s ordinal α of all annotators: 1 is perfect, 0 is chance.';
  return [label, lens(`Agreement α ${alpha.toFixed(2)}`, 'alignment-lab.agreement', meaning, 'stage')];
}

function runAndStateLenses(facts: StageFacts, now: number): LensText[] {
  const { last } = facts;
  const findings = facts.report
    ? lens('Report', 'alignment-lab.openReport', 'Read what the last finished evaluation found.', 'stage')
    : lens('Curves', 'alignment-lab.openCurves', 'Show this stage’s runs in the curves panel.', 'stage');
  if (!last) {
    const words = facts.loaded ? 'not run yet' : '…';
    return [...runLenses(facts), findings, lens(words, 'alignment-lab.openCurves', '', 'stage')];
  }
  const words = stateWords(last, now);
  const title = facts.stale && last.state === 'done' ? `${words} · changed since` : words;
  const opens = last.state === 'failed' ? 'alignment-lab.openFailure' : 'alignment-lab.openLog';
  const state = lens(title, opens, stateTooltip(last), 'run');
  switch (last.state) {
    case 'queued':
      return [
        lens('$(debug-stop) Cancel', 'alignment-lab.stop', 'Take this run out of the queue.', 'run'),
        lens('$(play) Run now anyway', 'alignment-lab.startNow', 'Start beside the run that holds the device.', 'run'),
        findings,
        state,
      ];
    case 'running':
    case 'stopping':
      return [
        lens('$(debug-stop) Stop', 'alignment-lab.stop', 'Finish the step, write a checkpoint and end.', 'run'),
        lens('$(debug-pause) Pause', 'alignment-lab.pause', 'Hold after this step; the process stays.', 'run'),
        findings,
        state,
      ];
    case 'paused':
      return [
        lens('$(debug-stop) Stop', 'alignment-lab.stop', 'Write a checkpoint and end.', 'run'),
        lens('$(debug-continue) Resume', 'alignment-lab.resume', 'Go on with the next step.', 'run'),
        findings,
        state,
      ];
    case 'died':
    case 'stopped':
      return [
        lens('$(debug-continue) Resume', 'alignment-lab.resume', 'Go on from the last checkpoint.', 'run'),
        ...runLenses(facts),
        findings,
        state,
      ];
    case 'done':
    case 'failed':
      return [...runLenses(facts), findings, state];
  }
}

function runLenses({ staleUpstream, broken }: StageFacts): LensText[] {
  const why = broken ? 'The file has errors; the first is shown.' : 'Run this stage in a process of its own.';
  const run = lens('$(play) Run', 'alignment-lab.run', why, 'stage');
  if (staleUpstream === 0) return [run];
  const title = `$(run-all) Run with upstream (${staleUpstream} stale)`;
  return [
    run,
    lens(title, 'alignment-lab.runWithUpstream', 'Run first what this stage takes its input from.', 'stage'),
  ];
}

function lens(title: string, command: string, tooltip: string, on: LensText['on']): LensText {
  return { title, command, tooltip, on };
}

function stateTooltip({ run, state }: RunFacts): string {
  const error = run.error?.message;
  const hint = run.error?.hint;
  return [run.id, error, hint, isActive(state) ? 'Opens the log.' : ''].filter(Boolean).join('\n');
}

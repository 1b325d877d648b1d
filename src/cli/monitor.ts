import { resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../config/errors';
import type { ResolvedStage } from '../config/experiment';
import { parseRunConfig } from '../config/run-config';
import { dpoMonitors, rlMonitors, type DpoMonitors, type RlMonitors } from '../config/schema/monitors';
import { knownPrompt } from '../data/prompt';
import { adviceText, type Alarm } from '../runs/alarms';
import type { SampleRow } from '../runs/format';
import { monitorRun, type MonitoredStep } from '../stages/monitors/finished-run';
import { Monitors } from '../stages/monitors/monitors';
import { monitorSettings, readPhrases } from '../stages/monitors/settings';
import { RuleScorer } from '../stages/rewards/rule-scorer';
import { action, examples, outputOf, type Output } from './command';
import { figure } from './numbers';
import { wholeNumber } from './options';
import { FOLDER_OPTION, runOf } from './place';
import { beginning, plain, styled, table, wrap } from './terminal';

interface Options {
  folder?: string;
  judge?: string;
  phrases?: string;
  patience?: number;
  json?: boolean;
}

/** `align monitor RUN` */
export function monitorCommand(): Command {
  const command = new Command('monitor')
    .description("Look for reward hacking in a run's samples: each step's answers against those of its first step.")
    .argument('<run>', 'an id, the beginning of one, a folder, or STAGE@latest')
    .option(...FOLDER_OPTION)
    .option('--judge <file>', "a rule that scores answers and that the run did not train on; default: the config's")
    .option('--phrases <file>', "flattering phrases, one a line; default: the config's, or a short list")
    .option(
      '--patience <n>',
      "measurements in a row beyond a threshold before its alarm; default: the config's",
      wholeNumber(1),
    )
    .option('--json', 'one JSON document: {id, stage, thresholds, steps: [{step, answers, metrics}], alarms}');
  examples(command, ['align monitor ppo@latest', 'align monitor ppo@latest --judge oracle.js --json']);
  return action(command, monitor);
}

async function monitor(reference: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const { dir, id, run } = runOf(reference, options);
  const stage = parseRunConfig(dir.readConfig(), dir.folder, dir.configFile);
  const samples = dir.readSamples();
  if (samples.length === 0)
    throw new UserError(`${id} has no samples to look at.`, {
      hint: 'A stage writes them every `sample_every` steps.',
      code: 'no-samples',
    });
  const settings = monitorSettings(monitorsOf(stage), options.phrases === undefined ? stage.inputs.phrases : null);
  const phrases = options.phrases === undefined ? settings.phrases : readPhrases(resolve(options.phrases));
  const monitors = new Monitors({ ...settings, phrases, patience: options.patience ?? settings.patience });
  const scores = await judged(samples, judgeOf(stage, options, output), output);
  const { steps, alarms } = monitorRun(
    { samples, metrics: dir.readMetrics() },
    monitors,
    (sample) => scores.get(sample) ?? NaN,
  );
  if (output.json) {
    output.document({ id, stage: run.stage, thresholds: monitors.thresholds, steps, alarms });
    return;
  }
  output.say(`${styled(output.out, 'bold', id)}  ${steps.length} steps with samples, the first is the reference`);
  for (const line of curvesTable(steps)) output.say(line);
  writeAlarms(output, alarms);
  if (alarms.length === 0) output.say('\nno alarm');
}

/** Stages without monitors are looked at with the defaults. */
function monitorsOf({ config }: ResolvedStage): RlMonitors | DpoMonitors {
  if ('monitors' in config) return config.monitors;
  return config.type === 'sft' || config.type === 'pretrain' ? dpoMonitors.parse({}) : rlMonitors.parse({});
}

function judgeOf({ sources }: ResolvedStage, { judge }: Options, { note }: Output): string | undefined {
  if (judge !== undefined) return resolve(judge);
  if (sources.monitorJudge?.kind === 'rule') return sources.monitorJudge.path;
  if (sources.monitorJudge) note('The judge of the config is a reward model; only rules are asked here.');
  return undefined;
}

async function judged(
  samples: readonly SampleRow[],
  file: string | undefined,
  { note }: Output,
): Promise<ReadonlyMap<SampleRow, number>> {
  const scores = new Map<SampleRow, number>();
  if (file === undefined) return scores;
  const rule = await RuleScorer.open(file);
  try {
    for (const sample of samples) {
      const { prompt, answer, finish } = sample;
      const asked = knownPrompt(prompt);
      if (asked === undefined) continue;
      const row = finish === undefined ? {} : { finished: finish === 'stop' };
      scores.set(sample, (await rule.score({ prompt: asked, answer, row })) ?? NaN);
    }
    if (rule.failures > 0) note(`The judge failed on ${rule.failures} answers: ${rule.first?.message ?? ''}`);
  } finally {
    rule.release();
  }
  return scores;
}

function curvesTable(steps: readonly MonitoredStep[]): string[] {
  const names = [...new Set(steps.flatMap(({ metrics }) => Object.keys(metrics)))].filter(
    (name) => !DETAILS.test(name),
  );
  const head = ['step', 'answers', ...names.map((name) => name.replace('monitor/', ''))];
  const rows = steps.map(({ step, answers, metrics }) => [
    String(step),
    String(answers),
    ...names.map((name) => (metrics[name] === undefined ? '' : figure(metrics[name]))),
  ]);
  return table(
    [head, ...rows],
    head.map((_, i) => i),
  );
}

/** Curves that would make the table too wide; JSON has them. */
const DETAILS = /distinct_|longest_|_overall$/;

/** Alarms as text: what was seen, what to do, and the answer that shows it most. */
export function writeAlarms(output: Output, alarms: readonly Alarm[]): void {
  const { out, say } = output;
  const width = Math.min(out.width, 100);
  for (const { step, message, advice, samples } of alarms) {
    say(`\n${styled(out, 'yellow', `alarm at step ${step}`)}`);
    for (const line of wrap(plain(message), width)) say(line);
    for (const line of advice.flatMap((one) => wrap(adviceText(one), width - 2))) say(`  ${line}`);
    const [sample] = samples;
    if (!sample) continue;
    const asked = typeof sample.prompt === 'string' ? sample.prompt : (sample.prompt.at(-1)?.content ?? '');
    for (const line of wrap(plain(beginning(asked, MOST_SHOWN)), width)) say(styled(out, 'cyan', line));
    for (const line of wrap(plain(beginning(sample.answer, MOST_SHOWN)), width - 2)) say(`  ${line}`);
  }
}

/** Characters of a prompt or an answer. */
const MOST_SHOWN = 600;

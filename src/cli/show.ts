import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { alarmsOf } from '../runs/alarms';
import { listCheckpoints } from '../runs/checkpoints';
import type { RunDir } from '../runs/directory';
import type { MetricsRow, SampleRow } from '../runs/format';
import { readLineage } from '../runs/lineage';
import { listRuns, type RunInfo } from '../runs/registry';
import { action, examples, outputOf, type Output } from './command';
import { writeAlarms } from './monitor';
import { wholeNumber } from './options';
import { age, duration, figure } from './numbers';
import { FOLDER_OPTION, runOf } from './place';
import { beginning, plain, styled, table, wrap } from './terminal';
import { stateInWords } from './words';

interface Options {
  folder?: string;
  samples: number;
  json?: boolean;
}
type Fields = Record<string, unknown>;
/** A key whose value differs from the run before. */
interface Change {
  key: string;
  before: unknown;
  now: unknown;
}

/** `align show RUN` */
export function showCommand(): Command {
  const command = new Command('show')
    .description('Tell about a run: its state, what was changed, its last metrics and samples, where it came from.')
    .argument('<run>', 'an id, the beginning of one, a folder, or STAGE@latest')
    .option(...FOLDER_OPTION)
    .option('--samples <n>', 'how many of the last samples to show', wholeNumber(0), 4)
    .option(
      '--json',
      'one JSON document: {id, state, run, config, changes, found, metrics, alarms, samples, checkpoints, lineage}',
    );
  examples(command, ['align show sft@latest', 'align show sft-2026 --samples 20', 'align show evaluate@latest']);
  return action(command, show);
}

async function show(reference: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const info = runOf(reference, options);
  const { dir, id, state, run } = info;
  const before = comparedWith(info);
  const changes = before ? differences(stageKeysOf(before.dir.readConfig()), stageKeysOf(dir.readConfig())) : [];
  const metrics = lastMetrics(dir.readMetrics());
  const samples = dir.readSamples();
  const lastStep = samples.at(-1)?.step;
  const shown = samples.filter(({ step }) => step === lastStep).slice(0, options.samples);
  const checkpoints = listCheckpoints(dir);
  const alarms = alarmsOf(dir.readEvents());
  const found = foundBy(dir);
  const lineage = readLineage(dir).segments.map((segment) => ({ run: segment.run, from: segment.from }));
  if (output.json) {
    const compared = before ? { with: before.id, keys: changes } : null;
    const parts = { config: dir.readConfig(), environment: dir.readEnvironment() ?? null, changes: compared, found };
    output.document({
      id,
      state,
      folder: dir.path,
      run,
      ...parts,
      metrics,
      alarms,
      samples: shown,
      checkpoints,
      lineage,
    });
    return;
  }
  output.say(`${styled(output.out, 'bold', id)}  ${plain(stateInWords(info))}`);
  const facts = factsOf(
    info,
    checkpoints.map(({ step }) => step),
  );
  for (const line of table(facts.map(([name, value]) => [styled(output.out, 'dim', name), value]))) output.say(line);
  if (before && changes.length > 0) {
    heading(output, `changed against ${before.id}`);
    for (const { key, before: old, now } of changes)
      output.say(`${key}: ${JSON.stringify(old ?? null)} → ${JSON.stringify(now ?? null)}`);
  }
  for (const { message, file } of found) {
    heading(output, 'found');
    for (const line of wrap(plain(message), Math.min(output.out.width, 100))) output.say(line);
    if (file !== null) output.say(styled(output.out, 'cyan', plain(relative('', resolve(dir.folder, file)))));
  }
  writeMetrics(output, run.type, metrics);
  writeAlarms(output, alarms);
  if (shown.length > 0) {
    heading(output, `samples at step ${lastStep}`);
    for (const sample of shown) writeSample(output, sample);
  }
}

/** Where a run comes from and what became of it, a line a fact. */
function factsOf({ dir, run }: RunInfo, checkpoints: readonly number[]): [string, string][] {
  const took =
    run.started && run.ended ? ` took ${duration((Date.parse(run.ended) - Date.parse(run.started)) / 1000)}` : '';
  const inputs = Object.entries(run.inputs ?? {}).map(([use, { run: source, path }]) => ({
    use,
    from: source ?? path,
  }));
  const others = inputs.filter(({ use }) => use !== 'model');
  const facts: [string, string][] = [
    ['config', `${run.config_file}, stage ${run.stage} (${run.type})`],
    ['when', `${age(run.created)}${took}`],
    ['device', run.device ?? ''],
    ['folder', relative('', dir.path) || '.'],
    ['starts from', inputs.find(({ use }) => use === 'model')?.from ?? ''],
    ['takes', others.map(({ use, from }) => `${use} ${from}`).join(', ')],
    ['branched', run.parent ? `from ${run.parent.run} at step ${run.parent.step}` : ''],
    ['checkpoints', checkpoints.join(', ')],
    ['hint', run.error?.hint ?? ''],
  ];
  return facts.filter(([, value]) => value !== '');
}

function writeMetrics(output: Output, type: string, metrics: Fields): void {
  const figures = Object.entries(metrics).filter(([name, value]) => name !== 'time' && typeof value === 'number');
  if (figures.length === 0) return;
  heading(output, 'last metrics');
  const told = figures.map(([name, value]): [string, string] => [
    name,
    Number.isInteger(value) ? String(value) : figure(Number(value)),
  ]);
  for (const rows of type === 'evaluate' || type === 'generate' ? byModel(told) : [told])
    for (const line of table(rows, [1, 2, 3, 4, 5, 6, 7, 8])) output.say(plain(line));
}

/** What a run that trains nothing found, in words, and the file that holds it, relative to the config's folder. */
interface Found {
  message: string;
  file: string | null;
}

function foundBy(dir: RunDir): Found[] {
  return dir
    .readEvents()
    .filter(({ event }) => event === 'pairs' || event === 'report')
    .map(({ message = '', file }) => ({ message, file: typeof file === 'string' ? file : null }));
}

/** Metrics without a slash, and a table of those such as `<model>/<metric>` with a column for each model. */
function byModel(metrics: readonly [string, string][]): string[][][] {
  const alone = metrics.filter(([name]) => !name.includes('/'));
  const named = metrics.flatMap(([name, value]) => {
    const at = name.lastIndexOf('/');
    return at < 0 ? [] : [{ model: name.slice(0, at), metric: name.slice(at + 1), value }];
  });
  if (named.length === 0) return [alone];
  const models = [...new Set(named.map(({ model }) => model))];
  const rows = [...new Set(named.map(({ metric }) => metric))].map((metric) => [
    metric,
    ...models.map((model) => named.find((one) => one.model === model && one.metric === metric)?.value ?? ''),
  ]);
  return [alone, [['', ...models], ...rows]];
}

function heading(output: Output, words: string): void {
  output.say(`\n${styled(output.out, 'dim', words)}`);
}

/** Characters of a prompt or an answer. */
const MOST_SHOWN = 4000;

function writeSample(output: Output, { prompt, answer }: SampleRow): void {
  const asked = typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
  const width = Math.min(output.out.width, 100);
  for (const line of wrap(plain(beginning(asked, MOST_SHOWN)), width)) output.say(styled(output.out, 'cyan', line));
  for (const line of wrap(plain(beginning(answer, MOST_SHOWN)) || '(nothing)', width - 2)) output.say(`  ${line}`);
}

/** The parent of a branch, else the run of the stage before this one. */
function comparedWith({ dir, id, run }: RunInfo): RunInfo | undefined {
  const runs = listRuns(dir.folder);
  if (run.parent) return runs.find((other) => other.id === run.parent?.run);
  const place = runs.findIndex((other) => other.id === id);
  return runs.slice(place + 1).find((other) => other.run.stage === run.stage);
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The stage's keys and those of the whole config as one map. */
function stageKeysOf(config: unknown): Fields {
  if (!isFields(config)) return {};
  const { config: stage, device, threads, seed } = config;
  return { ...(isFields(stage) ? stage : {}), device, threads, seed };
}

function differences(before: Fields, now: Fields): Change[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]))
    .map((key) => ({ key, before: before[key], now: now[key] }));
}

/** The newest value of each metric. */
function lastMetrics(rows: readonly MetricsRow[]): Fields {
  const last: Fields = {};
  for (const row of rows.slice(-500)) Object.assign(last, row);
  return last;
}

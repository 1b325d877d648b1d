import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../src/config/errors';
import type { ResolvedStage } from '../../src/config/experiment';
import { loadExperiment, resolveStage } from '../../src/config/load';
import type { SftConfig, StageConfig } from '../../src/config/schema/experiment';
import type { Row as DataRow } from '../../src/data/rows';
import { runsFolderOf } from '../../src/runs/create';
import { RunDir } from '../../src/runs/directory';
import { readSplit } from '../../src/stages/training/texts';
import { type Bench, type Result, ratio } from '../bench';
import { inOwnFolder } from '../folder';
import { lastWords, runProcess } from '../process';
import { inTurn, median } from '../statistics';
import { type Row, digits } from '../table';

const root = join(import.meta.dirname, '..', '..');
const STAGE = 'sft';
const QUICK_STEPS = 3;
const LIMIT_SECONDS = 3600;
const USUAL_STARTUP_SECONDS = 10;

const peerSchema = z.object({ seconds: z.number(), steps: z.number(), parts: z.record(z.string(), z.number()) });
const lossSchema = z.object({ held_out_loss: z.number(), held_out_tokens: z.number() });

/** One SFT from the start of its command to the saved result. */
interface Trained {
  seconds: number;
  /** Where the result lies. */
  folder: string;
  steps: number;
  /** Seconds until training began. */
  startup?: number;
}

/** Row 4: the quickstart's SFT as a whole command, and TRL's SFTTrainer on the same rows. */
export async function measureQuickstart(bench: Bench): Promise<Result> {
  const source = quickstartFolder(bench);
  return await inOwnFolder(async (own) => {
    const folder = copyQuickstart(source, join(own, 'quickstart'), bench.options.threads);
    const stage = sftStage(join(folder, 'align.yaml'));
    const { model } = stage;
    if (model?.kind !== 'folder' || !existsSync(join(model.path, 'config.json')))
      throw new UserError(`${basename(source)} has no model to start from`);
    const data = exportRows(own, readSplit(stage));
    const contestants = {
      ours: () => trainOurs(bench, folder),
      trl: () => trainPeer(bench, stage, model.path, data, join(own, 'trl')),
    };
    const results = await inTurn<'ours' | 'trl', Trained>(bench.options.rounds, contestants);
    const losses = {
      ours: await heldOut(bench, stage, results.ours.at(-1), data.heldOut),
      trl: await heldOut(bench, stage, results.trl.at(-1), data.heldOut),
    };
    const measured = { ours: results.ours.map(figures), trl: results.trl.map(figures), losses };
    return { rows: rowsOf(bench, results, losses), data: measured };
  });
}

/** What is kept of a run: its folder is gone afterwards. */
const figures = ({ seconds, steps, startup }: Trained) => ({ seconds, steps, startup });

/** The quickstart to measure: the repo's own, or the copy that the command line names. */
export function quickstartFolder({ options }: Bench): string {
  return resolve(options.quickstart ?? join(root, 'examples', 'quickstart'));
}

/** A copy without earlier runs, that trains with so many threads. */
function copyQuickstart(source: string, target: string, threads: number): string {
  cpSync(source, target, { recursive: true, filter: (path) => basename(path) !== '.align' });
  const config = join(target, 'align.yaml');
  writeFileSync(config, `threads: ${threads}\n${readFileSync(config, 'utf8')}`);
  return target;
}

function sftStage(file: string): ResolvedStage<SftConfig> {
  const { experiment, diagnostics } = loadExperiment(file);
  if (!experiment) throw new UserError(diagnostics[0]?.message ?? `${file} is no config`);
  const stage = resolveStage(experiment, STAGE);
  if (!isSft(stage)) throw new UserError(`the stage ${STAGE} of ${file} is of type ${stage.type}`);
  return stage;
}
const isSft = (stage: ResolvedStage<StageConfig>): stage is ResolvedStage<SftConfig> => stage.config.type === 'sft';

/** The rows that ours trains on and those that it holds out, each as a file for TRL. */
function exportRows(folder: string, split: { train: DataRow[]; heldOut: DataRow[] }) {
  const write = (name: string, rows: readonly DataRow[]): string => {
    const file = join(folder, name);
    const lines = rows.map((row) => {
      if (row.kind !== 'messages') throw new UserError(`the demonstrations hold ${row.kind}, TRL is given messages`);
      return `${JSON.stringify({ messages: row.messages })}\n`;
    });
    writeFileSync(file, lines.join(''));
    return file;
  };
  return { train: write('train.jsonl', split.train), heldOut: write('held-out.jsonl', split.heldOut) };
}

async function trainOurs(bench: Bench, folder: string): Promise<Trained> {
  bench.say('quickstart SFT: ours');
  const set = bench.options.quickly ? ['--set', `steps=${QUICK_STEPS}`] : [];
  const args = [join(root, 'dist', 'align.js'), 'run', 'align.yaml', STAGE, ...set];
  const { code, stderr, stdout, seconds } = await runProcess(process.execPath, args, {
    cwd: folder,
    timeoutSeconds: LIMIT_SECONDS,
  });
  if (code !== 0) throw new Error(lastWords(stderr) || lastWords(stdout) || `align run ended with ${code}`);
  const runs = runsFolderOf(folder);
  const newest = readdirSync(runs)
    .map((name) => new RunDir(join(runs, name)))
    .filter((dir) => dir.exists())
    .sort((a, b) => a.readRun().created.localeCompare(b.readRun().created))
    .at(-1);
  if (!newest || newest.state() !== 'done') throw new Error('align run left no run that is done');
  const { created, started, step } = newest.readRun();
  const startup = (Date.parse(started ?? created) - Date.parse(created)) / 1e3;
  // A run waits its turn where another one trains on this machine: the time is then not that of the command alone.
  if (startup > USUAL_STARTUP_SECONDS) bench.say(`ours began only after ${digits(startup)} s: does another run train?`);
  return { seconds, startup, folder: newest.modelFolder, steps: step };
}

async function trainPeer(
  bench: Bench,
  { config, seed }: ResolvedStage<SftConfig>,
  model: string,
  data: { train: string; heldOut: string },
  out: string,
): Promise<Trained | undefined> {
  const freeze = config.freeze.length > 0;
  if (freeze && (config.freeze.length > 1 || config.freeze[0] !== 'embeddings'))
    throw new UserError(`TRL is given frozen embeddings only, the quickstart freezes ${config.freeze.join(', ')}`);
  const values: Record<string, string | number> = {
    model,
    data: data.train,
    'held-out': data.heldOut,
    out,
    epochs: config.epochs,
    steps: bench.options.quickly ? QUICK_STEPS : (config.steps ?? -1),
    'learning-rate': config.learning_rate,
    'batch-size': config.batch_size,
    schedule: config.schedule,
    warmup: config.warmup,
    'weight-decay': config.weight_decay,
    'adam-beta2': config.adam_beta2,
    'max-grad-norm': config.max_grad_norm,
    'max-length': config.max_length,
    seed,
  };
  const args = Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const result = await bench.peer(
    'quickstart SFT: TRL',
    'sft.py',
    [...args, ...(freeze ? ['--freeze-embeddings'] : [])],
    peerSchema,
    LIMIT_SECONDS,
  );
  return result && { seconds: result.seconds, folder: out, steps: result.steps };
}

type Losses = Record<'by ours' | 'by transformers', z.output<typeof lossSchema> | undefined>;

/** The held-out loss of a saved result, by our engine and by transformers. */
async function heldOut(
  bench: Bench,
  { config }: ResolvedStage<SftConfig>,
  trained: Trained | undefined,
  data: string,
): Promise<Losses> {
  if (!trained) return { 'by ours': undefined, 'by transformers': undefined };
  const { folder } = trained;
  bench.say('held-out loss by ours');
  const args = ['--model', folder, '--held-out', data, '--max-length', String(config.max_length)];
  return {
    'by ours': await bench.measure({ what: 'held-out', model: folder, data, maxLength: config.max_length }, lossSchema),
    'by transformers': await bench.peer('held-out loss by transformers', 'held_out.py', args, lossSchema),
  };
}

function rowsOf(
  bench: Bench,
  results: Record<'ours' | 'trl', Trained[]>,
  losses: Record<'ours' | 'trl', Losses>,
): Row[] {
  const seconds = (trained: readonly Trained[]): number | undefined =>
    trained.length ? median(trained.map((t) => t.seconds)) : undefined;
  const [ours, peer] = [seconds(results.ours), seconds(results.trl)];
  const time = (value: number | undefined): string => (value === undefined ? '–' : `${digits(value)} s`);
  const missing = bench.missing('sft.py');
  const steps = [results.ours, results.trl].map((trained) => trained.at(-1)?.steps ?? '–');
  const loss = (value: number | undefined): string => value?.toFixed(4) ?? '–';
  const tokens = new Set(
    Object.values(losses)
      .flatMap((of) => Object.values(of))
      .flatMap((found) => (found ? [found.held_out_tokens] : [])),
  );
  const of = (side: 'ours' | 'trl', by: keyof Losses): number | undefined => losses[side][by]?.held_out_loss;
  return [
    {
      row: 4,
      what: "the quickstart's SFT, times faster than TRL",
      ours: time(ours),
      peer: peer === undefined ? '–' : `${time(peer)} (SFTTrainer)`,
      ratio: ratio(peer, ours),
      unit: '×',
      floor: 2,
      goal: 4,
      better: 'higher',
      limit: null,
      note: missing ? `no peer: ${missing}` : `whole commands, start to saved result; ${steps.join(' and ')} steps`,
    },
    {
      row: 4,
      what: 'its held-out loss ÷ that of TRL',
      ours: loss(of('ours', 'by ours')),
      peer: loss(of('trl', 'by ours')),
      ratio: ratio(of('ours', 'by ours'), of('trl', 'by ours')),
      unit: '',
      floor: 1.01,
      goal: null,
      better: 'lower',
      limit: null,
      note: `both saved results by our engine, over ${[...tokens].join(' or ')} tokens${tokens.size > 1 ? ' (they should be the same)' : ''}; by transformers ${loss(of('ours', 'by transformers'))} and ${loss(of('trl', 'by transformers'))}`,
    },
  ];
}

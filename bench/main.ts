import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { UserError } from '../src/config/errors';
import { Bench, type Result } from './bench';
import { describeMachine, thisMachine } from './machine';
import { HELP, type Options, ROWS, parseOptions } from './options';
import { Peers } from './peers';
import { runProcess } from './process';
import { measureLoop } from './quickstart/command';
import { measureClick } from './rows/click';
import { measureDpo } from './rows/dpo';
import { measureGenerating } from './rows/generation';
import { measureGrpo } from './rows/grpo';
import { measureLabels } from './rows/labels';
import { measurePackage } from './rows/package';
import { measurePpo } from './rows/ppo';
import { measureQuickstart } from './rows/quickstart';
import { measureReward } from './rows/reward';
import { measureTraining } from './rows/training';
import { SHAPES, type ShapeName, shapeConfig, stepFlops } from './shapes';
import { median } from './statistics';
import { type Row, digits, table, verdict } from './table';

const root = join(import.meta.dirname, '..');

/** The parts in the order of the table. One that fails leaves a line that says so, and the others go on. */
const PARTS: readonly { rows: readonly number[]; what: string; measure: (bench: Bench) => Promise<Result> }[] = [
  { rows: [1, 2, 3], what: 'training step', measure: measureTraining },
  { rows: [4], what: "the quickstart's SFT", measure: measureQuickstart },
  { rows: [5], what: 'generation', measure: measureGenerating },
  { rows: [6], what: 'click to curve', measure: measureClick },
  { rows: [7], what: 'activation and package', measure: measurePackage },
  { rows: [8], what: 'PPO', measure: measurePpo },
  { rows: [9], what: 'DPO', measure: measureDpo },
  { rows: [10], what: 'GRPO', measure: measureGrpo },
  { rows: [11], what: 'reward', measure: measureReward },
  { rows: [12], what: 'labels', measure: measureLabels },
];

/** Runs the benchmark and returns the exit code. `bundle` is the program that measures ours, one process a time. */
export async function main(args: readonly string[], bundle: string): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error([error.message, error.hint].filter(Boolean).join('\n'));
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const started = performance.now();
  const say = (line: string): void =>
    console.error(`${((performance.now() - started) / 1e3).toFixed(0).padStart(5)} s  ${line}`);
  if (options.what === 'quickstart') return await measureLoop(options, say);
  const environments = {
    usual: await Peers.find(options.python),
    ppo: await Peers.find(options.pythonPpo, 'ppo'),
  };
  const described = [...environments.usual.describe(), ...environments.ppo.describe()];
  const machine = thisMachine();
  const bench = new Bench(options, environments, bundle, say);
  for (const line of [describeMachine(machine, options.threads), ...described]) say(line);

  if (bench.wants(4, 6, 7)) {
    say('build');
    const { code, stderr } = await runProcess(process.execPath, ['esbuild.js', '--production'], {
      cwd: root,
      timeoutSeconds: 300,
    });
    if (code !== 0) throw new Error(`the build failed:\n${stderr}`);
  }
  const rows: Row[] = [];
  const data: Record<string, unknown> = {};
  for (const part of PARTS) {
    if (!bench.wants(...part.rows)) continue;
    try {
      const result = await part.measure(bench);
      rows.push(...result.rows);
      data[part.what] = result.data;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`${part.what} failed: ${reason}`);
      const [firstLine] = reason.split('\n');
      rows.push(...part.rows.filter((row) => bench.wants(row)).map((row) => failed(row, part.what, firstLine)));
    }
  }
  const gemm = await gemmRate(bench);
  const shown = [
    `Machine: ${describeMachine(machine, options.threads)}`,
    ...(gemm === null ? [] : [`Gemm rate: ${digits(gemm / 1e9)} GFLOP/s (float32, 2048³). ${limits(gemm)}`]),
    ...described,
    `Medians of ${options.rounds} ${options.rounds === 1 ? 'round' : 'rounds'}, ours and the peers in turn.${options.quickly ? ' A quick look: not to be quoted.' : ''}`,
  ];
  console.log(`\n${shown.join('\n')}\n\n${table(rows)}`);
  const file = join(root, 'bench', 'results', fileName(options, new Date()));
  const result = {
    date: new Date().toISOString(),
    machine,
    quickly: options.quickly,
    rounds: options.rounds,
    threads: options.threads,
    gemm_flops: gemm,
    peers: environments.usual.versions,
    peers_ppo: environments.ppo.versions,
    rows: rows.map((row) => ({ ...row, reached: verdict(row) })),
    data,
  };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\n${relative(process.cwd(), file)}`);
  return 0;
}

/** The rate that was seen beside the training steps; measured on its own where there were none. */
async function gemmRate(bench: Bench): Promise<number | null> {
  if (bench.gemmRates.length > 0 && !bench.options.quickly) return median(bench.gemmRates);
  try {
    const schema = z.object({ gemm_flops: z.number() });
    return (await bench.measure({ what: 'gemm', size: 2048, runs: bench.options.quickly ? 2 : 7 }, schema)).gemm_flops;
  } catch (error) {
    bench.say(`the Gemm rate could not be measured: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** What follows from the Gemm rate: no dense float32 step can be faster. */
function limits(gemm: number): string {
  const limit = (shape: ShapeName, name: string): string => {
    const { rows, length } = SHAPES[shape];
    const perToken = stepFlops(shapeConfig(shape), rows, length) / (rows * length);
    return `${digits(gemm / perToken)} tok/s at ${name}`;
  };
  return `At that rate a training step makes ${limit('2.8m', '2.8 M')}, ${limit('135m', '135 M')}: the limit.`;
}

/** Whole runs are worth keeping; quick and partial ones stay out of git. */
function fileName({ quickly, rows }: Options, date: Date): string {
  const day = date.toISOString().slice(0, 10);
  if (quickly) return `${day}-quick.local.json`;
  return rows.length === ROWS.length ? `${day}.json` : `${day}-rows-${rows.join('-')}.local.json`;
}

function failed(row: number, what: string, note: string): Row {
  const nothing = { ratio: null, unit: '' as const, floor: null, goal: null, limit: null };
  return { row, what, ours: '–', peer: '–', better: 'higher', note: `not measured: ${note}`, ...nothing };
}

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { UserError } from '../src/config/errors';

export const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const;

export interface Options {
  /** The table of speeds, or the figures of the quickstart's loop. */
  what: 'table' | 'quickstart';
  /** Small sizes and few repetitions: to see that everything runs, not to be quoted. */
  quickly: boolean;
  rows: readonly number[];
  rounds: number;
  threads: number;
  python: string | undefined;
  pythonPpo: string | undefined;
  quickstart: string | undefined;
  /** Of the quickstart's loop. */
  seeds: readonly number[];
  /** Only its pictures, from the newest result. */
  draw: boolean;
  help: boolean;
}

export const HELP = `npm run bench [-- quickly] [-- --rows 1,2,3 --rounds 3 --threads 2 --python PATH]
npm run bench -- quickstart [quickly] [--seeds 0,1,2]
npm run bench -- quickstart draw

  quickly       few steps of the small model, to see that everything runs
  quickstart    not the table, but what the quickstart's loop reaches: the whole loop by seed, scored by the oracle
  draw          only its pictures in media/figures, from the newest result in bench/results
  --seeds       the seeds of the loop (0,1,2)
  --rows        which rows of the table, all by default: 1 share of the Gemm rate, 2 training speed, 3 training memory,
                4 the quickstart's SFT, 5 generation, 6 click to curve, 7 activation and size of the package,
                8 PPO iteration, 9 DPO epoch, 10 GRPO step, 11 reward epoch, 12 many labels
  --rounds      how often ours and the peers are measured in turn (3)
  --threads     threads of ours and of the peers (as many as the machine runs in parallel)
  --python      the Python that has the peers; else ALIGN_BENCH_PYTHON, else bench/peers/.venv
  --python-ppo  the Python with TRL 1.12, the last that has PPO; else ALIGN_BENCH_PYTHON_PPO, else bench/peers/.venv-ppo
  --quickstart  another copy of examples/quickstart for rows 4, 6 and 8 to 11`;

/** Throws a UserError where an argument is not understood. */
export function parseOptions(args: readonly string[]): Options {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rows: { type: 'string' },
        rounds: { type: 'string' },
        threads: { type: 'string' },
        python: { type: 'string' },
        'python-ppo': { type: 'string' },
        quickstart: { type: 'string' },
        seeds: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), { hint: HELP });
  }
  const { values, positionals } = parsed;
  const unknown = positionals.find((word) => !['quickly', 'quickstart', 'draw'].includes(word));
  if (unknown !== undefined) throw new UserError(`"${unknown}" is no argument of the benchmark.`, { hint: HELP });
  const quickly = positionals.includes('quickly');
  const number = (name: string, text: string | undefined, otherwise: number, least = 1): number => {
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new UserError(`--${name} is "${text}".`, { hint: `Give a whole number of ${least} or more.` });
    return value;
  };
  const rows = values.rows === undefined ? [...ROWS] : values.rows.split(',').map((text) => number('rows', text, 0));
  const strange = rows.find((row) => !ROWS.some((known) => known === row));
  if (strange !== undefined) throw new UserError(`There is no row ${strange}.`, { hint: `Rows: ${ROWS.join(', ')}.` });
  const seeds = (values.seeds ?? '0,1,2').split(',').map((text) => number('seeds', text, 0, 0));
  return {
    what: positionals.includes('quickstart') ? 'quickstart' : 'table',
    quickly,
    rows: ROWS.filter((row) => rows.includes(row)),
    rounds: number('rounds', values.rounds, quickly ? 1 : 3),
    threads: number('threads', values.threads, availableParallelism()),
    python: values.python,
    pythonPpo: values['python-ppo'],
    quickstart: values.quickstart,
    seeds: values.seeds === undefined && quickly ? [0] : [...new Set(seeds)],
    draw: positionals.includes('draw'),
    help: values.help ?? false,
  };
}

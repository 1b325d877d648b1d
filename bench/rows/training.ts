import { z } from 'zod';
import { type Bench, type Result, ratio } from '../bench';
import { SHAPES, type ShapeName, shapeConfig, stepFlops } from '../shapes';
import { inTurn, median, spread } from '../statistics';
import { type Row, bytes, digits } from '../table';

const oursSchema = z.object({
  tokens_per_second: z.number(),
  flops: z.number(),
  gemm_flops: z.number(),
  share: z.number(),
  peak_bytes: z.number(),
  parameters: z.number(),
  loss: z.number(),
});
const peerSchema = z.object({
  tokens_per_second: z.number(),
  peak_bytes: z.number().nullable(),
  parameters: z.number(),
  loss: z.number(),
});
type Measured = z.output<typeof oursSchema> | z.output<typeof peerSchema>;

const MARKS = {
  tiny: { memory: [null, null] },
  '2.8m': { memory: [0.7, 0.5] },
  '135m': { memory: [1.0, 0.8] },
} as const;
const NAMES = { tiny: 'tiny', '2.8m': '2.8 M', '135m': '135 M' } as const;
const EFFORT = {
  tiny: { warmup: 2, steps: 4 },
  '2.8m': { warmup: 4, steps: 40 },
  '135m': { warmup: 2, steps: 8 },
} as const;
const QUICK = { warmup: 1, steps: 2 };

/** Rows 1 to 3: share of the Gemm rate, tokens a second and peak of memory of a training step. */
export async function measureTraining(bench: Bench): Promise<Result> {
  const shapes: ShapeName[] = bench.options.quickly ? ['2.8m'] : ['2.8m', '135m'];
  const rows: Row[] = [];
  const data: Record<string, unknown> = {};
  for (const shape of shapes) {
    const result = await measureShape(bench, shape);
    rows.push(...result.rows);
    data[shape] = result.data;
  }
  rows.sort((a, b) => a.row - b.row);
  return { rows: rows.filter(({ row }) => bench.wants(row)), data };
}

async function measureShape(bench: Bench, shape: ShapeName): Promise<Result> {
  const { quickly, rounds } = bench.options;
  const { warmup, steps } = quickly ? QUICK : EFFORT[shape];
  const gemmSize = quickly ? 512 : 2048;
  const withPeers = bench.wants(2, 3);
  const peer = (mode: string) => async (): Promise<Measured | undefined> => {
    const args = ['--shape', shape, '--mode', mode, '--warmup', String(Math.max(warmup, 2)), '--steps', String(steps)];
    return await bench.peer(`training step, ${NAMES[shape]}: PyTorch ${mode}`, 'train_step.py', args, peerSchema);
  };
  const contestants: Record<string, () => Promise<Measured | undefined>> = {
    ours: async () => {
      bench.say(`training step, ${NAMES[shape]}: ours`);
      const measured = await bench.measure({ what: 'step', shape, warmup, steps, gemmSize }, oursSchema);
      bench.gemmRates.push(measured.gemm_flops);
      return measured;
    },
    ...(withPeers ? { eager: peer('eager') } : {}),
    // Its compilation takes minutes: of no use to a quick look.
    ...(withPeers && !quickly ? { compile: peer('compile') } : {}),
  };
  const results = await inTurn(rounds, contestants);
  const ours = results.ours.map((result) => oursSchema.parse(result));
  return { rows: rowsOf(bench, shape, ours, results), data: results };
}

function rowsOf(
  bench: Bench,
  shape: ShapeName,
  ours: readonly z.output<typeof oursSchema>[],
  results: Readonly<Record<string, readonly Measured[]>>,
): Row[] {
  const { rows: count, length } = SHAPES[shape];
  const name = `${NAMES[shape]}, ${count} × ${length}`;
  const speed = median(ours.map((result) => result.tokens_per_second));
  const gemm = median(ours.map((result) => result.gemm_flops));
  const memory = median(ours.map((result) => result.peak_bytes));
  const peers = ['eager', 'compile'].flatMap((mode) => {
    const measured = results[mode] ?? [];
    if (measured.length === 0) return [];
    const peaks = measured.flatMap(({ peak_bytes: peak }) => (peak === null ? [] : [peak]));
    return [{ mode, speed: median(measured.map((r) => r.tokens_per_second)), memory: median(peaks) }];
  });
  const fastest = peers.reduce<(typeof peers)[number] | undefined>(
    (best, peer) => (best && best.speed >= peer.speed ? best : peer),
    undefined,
  );
  const leanest = Math.min(...peers.map((peer) => peer.memory).filter((value) => !Number.isNaN(value)));
  const missing = bench.missing('train_step.py');
  const absent = missing ? `no peer: ${missing}` : undefined;
  const limit = gemm / (stepFlops(shapeConfig(shape), count, length) / (count * length));
  const [floor, goal] = MARKS[shape].memory;
  return [
    {
      row: 1,
      what: `training step, share of the Gemm rate, ${name}`,
      ours: `${digits(median(ours.map((result) => result.flops)) / 1e9)} GFLOP/s`,
      peer: `${digits(gemm / 1e9)} GFLOP/s (Gemm)`,
      ratio: median(ours.map((result) => result.share)),
      unit: '',
      floor: 0.8,
      goal: 0.9,
      better: 'higher',
      limit: 1,
      note: ours.length > 1 ? `spread of the rounds ${digits(spread(ours.map((r) => r.share)) * 100)} %` : undefined,
    },
    {
      row: 2,
      what: `training speed ÷ PyTorch, ${name}`,
      ours: `${digits(speed)} tok/s`,
      peer: fastest ? `${digits(fastest.speed)} tok/s (${fastest.mode})` : '–',
      ratio: ratio(speed, fastest?.speed),
      unit: '',
      floor: 1.15,
      goal: 1.35,
      better: 'higher',
      limit: ratio(limit, fastest?.speed),
      note: `the Gemm rate allows ${digits(limit)} tok/s; ${absent ?? listed(peers)}`,
    },
    {
      row: 3,
      what: `training memory ÷ PyTorch, ${name}`,
      ours: bytes(memory),
      peer: Number.isFinite(leanest) ? bytes(leanest) : '–',
      ratio: Number.isFinite(leanest) ? ratio(memory, leanest) : null,
      unit: '',
      floor,
      goal,
      better: 'lower',
      limit: null,
      note: absent ?? (peers.length > 1 ? `peak of the process; ${memories(peers)}` : undefined),
    },
  ];
}

interface Peer {
  mode: string;
  speed: number;
  memory: number;
}
const listed = (peers: readonly Peer[]): string =>
  `PyTorch ${peers.map(({ mode, speed }) => `${mode} ${digits(speed)} tok/s`).join(', ')}`;
const memories = (peers: readonly Peer[]): string =>
  `PyTorch ${peers.map(({ mode, memory }) => `${mode} ${bytes(memory)}`).join(', ')}`;

import { rmSync } from 'node:fs';
import { z } from 'zod';
import { type Bench, ratio } from './bench';
import type { LoopProject } from './loop-project';
import type { Script } from './peers';
import { inTurn, median } from './statistics';
import { type Row, digits } from './table';

export const stageSchema = z.object({
  seconds: z.number(),
  step_seconds: z.array(z.number()),
  shares: z.record(z.string(), z.array(z.number())),
  mean_lengths: z.array(z.number()),
  losses: z.array(z.number()),
  peak_bytes: z.number(),
  folder: z.string(),
});
export type StageMeasured = z.output<typeof stageSchema>;

export const trlSchema = z.object({
  seconds: z.number(),
  step_seconds: z.array(z.number()),
  prepare_seconds: z.number(),
  peak_bytes: z.number().nullable(),
  trl: z.string(),
});
export type TrlMeasured = z.output<typeof trlSchema>;

/** What no comparison wants: work beside the steps that the other side does not do. */
export const STEPS_ALONE = {
  held_out: false,
  evaluate_every: false,
  sample_every: false,
  checkpoint_every: false,
  sample_prompts: 0,
} as const;

/** What is compared: the whole work from the reading of the data, or one step of it, the first ones left out. */
export type Measure = (measured: { seconds: number; step_seconds: readonly number[] }) => number;
export const whole: Measure = ({ seconds }) => seconds;
/** The first steps make what later ones find made: buffers, plans, caches. */
export const oneStep =
  (warmup: number): Measure =>
  ({ step_seconds: steps }) =>
    median(steps.slice(Math.min(warmup, steps.length - 1)));

export interface Against {
  what: string;
  script: Script;
  /** The arguments of the script but those of the threads and its folder for output. */
  peerArgs: readonly string[];
  /** Stages of the project by the name of the contestant. */
  ours: Readonly<Record<string, string>>;
}

export interface Measured {
  ours: Readonly<Record<string, StageMeasured[]>>;
  trl: TrlMeasured[];
}

/** Stages of ours and a trainer of TRL, in turn. */
export async function measureAgainst(bench: Bench, project: LoopProject, against: Against): Promise<Measured> {
  const { what, script, peerArgs, ours } = against;
  const stages = Object.entries(ours).map(([name, stage]) => {
    const measure = async (): Promise<StageMeasured> => {
      bench.say(`${what}: ours, ${name}`);
      // What an earlier round left, such as the reference's log-probabilities, must not help the next one.
      rmSync(project.path('.align', 'cache'), { recursive: true, force: true });
      return await bench.measure({ what: 'stage', config: project.configFile, stage }, stageSchema);
    };
    return [`ours ${name}`, measure] as const;
  });
  const contestants: Record<string, () => Promise<StageMeasured | TrlMeasured | undefined>> = {
    ...Object.fromEntries(stages),
    trl: () => bench.peer(`${what}: TRL`, script, [...peerArgs, '--out', project.path('trl')], trlSchema),
  };
  const results = await inTurn(bench.options.rounds, contestants);
  return {
    ours: Object.fromEntries(
      Object.keys(ours).map((name) => [name, z.array(stageSchema).parse(results[`ours ${name}`])]),
    ),
    trl: z.array(trlSchema).parse(results.trl),
  };
}

export interface SpeedMarks {
  row: number;
  what: string;
  floor: number;
  goal: number;
  note?: string;
}

/** How many times faster ours is. */
export function speedRow(
  bench: Bench,
  script: Script,
  measured: { ours: readonly StageMeasured[]; trl: readonly TrlMeasured[] },
  measure: Measure,
  { row, what, floor, goal, note }: SpeedMarks,
): Row {
  const middle = (runs: readonly { seconds: number; step_seconds: readonly number[] }[]): number | undefined =>
    runs.length ? median(runs.map(measure)) : undefined;
  const [ours, trl] = [middle(measured.ours), middle(measured.trl)];
  const time = (value: number | undefined): string => (value === undefined ? '–' : `${digits(value)} s`);
  const missing = bench.missing(script);
  return {
    row,
    what,
    ours: time(ours),
    peer: trl === undefined ? '–' : `${time(trl)} (TRL ${measured.trl[0].trl})`,
    ratio: ratio(trl, ours),
    unit: '×',
    floor,
    goal,
    better: 'higher',
    limit: null,
    note: [missing ? `no peer: ${missing}` : '', note ?? ''].filter(Boolean).join('; ') || undefined,
  };
}

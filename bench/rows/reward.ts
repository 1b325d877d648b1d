import type { Bench, Result } from '../bench';
import { STEPS_ALONE, measureAgainst, speedRow, stageSchema, whole } from '../against-trl';
import { inOwnFolder } from '../folder';
import { LoopProject } from '../loop-project';
import { quickstartFolder } from './quickstart';

/** About as many as the quickstart's `collect` makes. */
export const PAIRS = { whole: 1400, quick: 16 } as const;
const BATCH = { size: 32, learningRate: 1e-4, maxLength: 128 } as const;

/** The same training for a stage of ours and for a script of TRL. */
export function preferenceArgs(
  project: LoopProject,
  data: string,
): { stage: Record<string, unknown>; args: readonly string[] } {
  const { size, learningRate, maxLength } = BATCH;
  const values = { model: project.path('model'), data, 'batch-size': size };
  const others = { 'learning-rate': learningRate, 'max-length': maxLength };
  return {
    stage: {
      batch_size: size,
      learning_rate: learningRate,
      max_length: maxLength,
      epochs: 1,
      freeze: ['embeddings'],
    },
    args: [
      ...Object.entries({ ...values, ...others }).flatMap(([name, value]) => [`--${name}`, String(value)]),
      '--freeze-embeddings',
    ],
  };
}

/** A reward model that barely learnt: its speed is that of any other. Returns its folder. */
export async function madeRewardModel(bench: Bench, project: LoopProject): Promise<string> {
  bench.say('a reward model');
  const data = project.write('few-pairs.jsonl', project.preferences(BATCH.size));
  const { stage } = preferenceArgs(project, data);
  project.stage('reward', { type: 'reward', data: 'few-pairs.jsonl', ...stage, ...STEPS_ALONE, steps: 1 });
  const request = { what: 'stage', config: project.configFile, stage: 'reward' } as const;
  return (await bench.measure(request, stageSchema)).folder;
}

/** Row 11: an epoch of a reward model. */
export async function measureReward(bench: Bench): Promise<Result> {
  const count = bench.options.quickly ? PAIRS.quick : PAIRS.whole;
  return await inOwnFolder(async (folder) => {
    const project = new LoopProject(quickstartFolder(bench), folder, bench.options.threads);
    const data = project.write('pairs.jsonl', project.preferences(count));
    const { stage, args } = preferenceArgs(project, data);
    project.stage('reward', { type: 'reward', data: 'pairs.jsonl', ...stage, ...STEPS_ALONE });
    const measured = await measureAgainst(bench, project, {
      what: 'reward epoch',
      script: 'reward.py',
      peerArgs: args,
      ours: { reward: 'reward' },
    });
    const row = speedRow(bench, 'reward.py', { ours: measured.ours.reward, trl: measured.trl }, whole, {
      row: 11,
      what: `reward epoch, ${count} pairs`,
      floor: 1.2,
      goal: 2,
      note: 'from the reading of the data to the last step',
    });
    return { rows: [row], data: measured };
  });
}

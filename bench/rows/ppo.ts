import type { Bench, Result } from '../bench';
import { ratio } from '../bench';
import { type StageMeasured, STEPS_ALONE, measureAgainst, oneStep, speedRow } from '../against-trl';
import { inOwnFolder } from '../folder';
import { LoopProject } from '../loop-project';
import { median } from '../statistics';
import { type Row, bytes, digits } from '../table';
import { madeRewardModel } from './reward';
import { quickstartFolder } from './quickstart';

const PROMPT_TOKENS = 24;
const SIZES = {
  whole: { prompts: 64, newTokens: 48, epochs: 4, iterations: 6, warmup: 2 },
  quick: { prompts: 8, newTokens: 8, epochs: 2, iterations: 2, warmup: 1 },
} as const;
/** Small enough that answers stay what they are: the work does not depend on it. */
const LEARNING_RATE = 1e-6;

/** Row 8: an iteration of PPO with reward, value and reference model, against TRL's last PPO trainer. */
export async function measurePpo(bench: Bench): Promise<Result> {
  const size = bench.options.quickly ? SIZES.quick : SIZES.whole;
  return await inOwnFolder(async (folder) => {
    const project = new LoopProject(quickstartFolder(bench), folder, bench.options.threads);
    const rewardModel = await madeRewardModel(bench, project);
    const model = project.endlessModel('endless');
    const prompts = project.write('fixed.jsonl', project.fixedPrompts(size.prompts, PROMPT_TOKENS));
    for (const value_model of ['shared', 'separate']) {
      project.stage(`ppo_${value_model}`, {
        type: 'ppo',
        model: './endless',
        prompts: 'fixed.jsonl',
        reward: 'reward',
        value_model,
        batch_size: size.prompts,
        max_new_tokens: size.newTokens,
        temperature: 1,
        ppo_epochs: size.epochs,
        mini_batches: 1,
        kl_penalty: 0.05,
        learning_rate: LEARNING_RATE,
        steps: size.iterations * size.epochs,
        monitors: false,
        ...STEPS_ALONE,
      });
    }
    const values: Record<string, string | number> = {
      model,
      reward: rewardModel,
      prompts,
      'batch-size': size.prompts,
      'new-tokens': size.newTokens,
      epochs: size.epochs,
      steps: size.iterations,
      'learning-rate': LEARNING_RATE,
    };
    const measured = await measureAgainst(bench, project, {
      what: 'PPO iteration',
      script: 'ppo.py',
      peerArgs: Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ours: { shared: 'ppo_shared', separate: 'ppo_separate' },
    });
    const { shared, separate } = measured.ours;
    const what = `PPO iteration, ${size.prompts} × (${PROMPT_TOKENS} + ${size.newTokens}), ${size.epochs} epochs`;
    const speed = (runs: readonly StageMeasured[], name: string, floor: number, goal: number): Row =>
      speedRow(bench, 'ppo.py', { ours: runs, trl: measured.trl }, oneStep(size.warmup), {
        row: 8,
        what: `${what}: ${name}`,
        floor,
        goal,
        note: `answers of ${digits(median(runs.flatMap((run) => run.mean_lengths)))} tokens; without monitors`,
      });
    const peaks = measured.trl.flatMap(({ peak_bytes: peak }) => (peak === null ? [] : [peak]));
    const rows: Row[] = [
      speed(separate, 'value model of its own', 1.25, 1.4),
      speed(shared, 'value head on the shared trunk', 2, 2.5),
      ...[
        { name: 'value model of its own', runs: separate },
        { name: 'shared trunk', runs: shared },
      ].flatMap(({ name, runs }) => [memoryRow(name, runs, peaks), generationRow(name, runs, size.warmup)]),
    ];
    return { rows, data: measured };
  });
}

function memoryRow(name: string, runs: readonly StageMeasured[], peaks: readonly number[]): Row {
  const ours = median(runs.map(({ peak_bytes: peak }) => peak));
  const trl = peaks.length ? median(peaks) : undefined;
  return {
    row: 8,
    what: `peak memory of PPO ÷ TRL, ${name}`,
    ours: bytes(ours),
    peer: trl === undefined ? '–' : bytes(trl),
    ratio: ratio(ours, trl),
    unit: '',
    floor: 0.6,
    goal: 0.4,
    better: 'lower',
    limit: null,
  };
}

function generationRow(name: string, runs: readonly StageMeasured[], warmup: number): Row {
  const shares = runs.flatMap(({ shares: { generate = [] } }) => generate.slice(Math.min(warmup, generate.length - 1)));
  const share = shares.length ? median(shares) : null;
  return {
    row: 8,
    what: `share of generation in a PPO iteration, ${name}`,
    ours: share === null ? '–' : `${digits(share * 100)} %`,
    peer: '–',
    ratio: share,
    unit: '',
    floor: 0.2,
    goal: 0.1,
    better: 'lower',
    limit: null,
  };
}

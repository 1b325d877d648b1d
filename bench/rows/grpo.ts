import { writeFileSync } from 'node:fs';
import type { Bench, Result } from '../bench';
import { STEPS_ALONE, measureAgainst, oneStep, speedRow, stageSchema } from '../against-trl';
import { inOwnFolder } from '../folder';
import { LoopProject } from '../loop-project';
import { median } from '../statistics';
import { digits } from '../table';
import { quickstartFolder } from './quickstart';

const SIZES = {
  whole: { prompts: 8, answers: 8, newTokens: 40, steps: 12, warmup: 2 },
  quick: { prompts: 2, answers: 4, newTokens: 8, steps: 2, warmup: 1 },
} as const;
/** Small enough that answers keep the lengths that SFT gave them. */
const LEARNING_RATE = 1e-6;
const KL = 0.04;

/** What bench/peers/grpo.py does in Python: cheap on both sides. */
const RULE = `export function reward({ answer }) {
  const words = answer.toLowerCase().match(/\\w+/g) ?? [];
  return new Set(words).size / Math.max(1, words.length);
}
`;

/** Row 10: a step of GRPO from the quickstart's SFT, whose answers have real lengths. */
export async function measureGrpo(bench: Bench): Promise<Result> {
  const { quickly } = bench.options;
  const size = quickly ? SIZES.quick : SIZES.whole;
  return await inOwnFolder(async (folder) => {
    const project = new LoopProject(quickstartFolder(bench), folder, bench.options.threads);
    const prompts = project.copyPrompts('prompts.jsonl');
    writeFileSync(project.path('rule.js'), RULE);
    const model = await madeSft(bench, project);
    project.stage('grpo', {
      type: 'grpo',
      model: 'sft',
      prompts: 'prompts.jsonl',
      reward: { rule: './rule.js' },
      batch_size: size.prompts,
      answers_per_prompt: size.answers,
      max_new_tokens: size.newTokens,
      max_length: 128,
      temperature: 1,
      kl_penalty: KL,
      learning_rate: LEARNING_RATE,
      freeze: ['embeddings'],
      steps: size.steps,
      monitors: false,
      ...STEPS_ALONE,
    });
    const values: Record<string, string | number> = {
      model,
      prompts,
      'batch-size': size.prompts * size.answers,
      answers: size.answers,
      'new-tokens': size.newTokens,
      steps: size.steps,
      beta: KL,
      'learning-rate': LEARNING_RATE,
    };
    const measured = await measureAgainst(bench, project, {
      what: 'GRPO step',
      script: 'grpo.py',
      peerArgs: [
        ...Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]),
        '--freeze-embeddings',
      ],
      ours: { grpo: 'grpo' },
    });
    const lengths = measured.ours.grpo.flatMap((run) => run.mean_lengths);
    const row = speedRow(bench, 'grpo.py', { ours: measured.ours.grpo, trl: measured.trl }, oneStep(size.warmup), {
      row: 10,
      what: `GRPO step, ${size.prompts} × ${size.answers} answers`,
      floor: 1.2,
      goal: 2,
      note: `answers of ${digits(median(lengths))} tokens, ${size.newTokens} at most; without monitors`,
    });
    return { rows: [row], data: measured };
  });
}

/** The quickstart's SFT in short: one epoch makes answers that end. Returns its folder. */
async function madeSft(bench: Bench, project: LoopProject): Promise<string> {
  bench.say('an SFT to start from');
  project.copyDemonstrations('demonstrations.jsonl');
  project.stage('sft', {
    type: 'sft',
    data: 'demonstrations.jsonl',
    batch_size: 64,
    learning_rate: 7e-4,
    max_length: 128,
    freeze: ['embeddings'],
    ...(bench.options.quickly ? { steps: 2 } : { epochs: 1 }),
    ...STEPS_ALONE,
  });
  const request = { what: 'stage', config: project.configFile, stage: 'sft' } as const;
  return (await bench.measure(request, stageSchema)).folder;
}

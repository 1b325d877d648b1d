import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment, resolveStage } from '../../src/config/load';
import { Random } from '../../src/data/random';
import { openCheckpoint } from '../../src/models/checkpoint';
import { parseLlamaConfig } from '../../src/models/hf-config';
import { parameterShapes } from '../../src/models/parameters';
import { writeRewardModel } from '../../src/models/reward-files';
import { readSafetensors } from '../../src/models/safetensors';
import { loadTokenizer } from '../../src/models/tokenizer';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import type { StageContext } from '../../src/stages/context';
import { criticWeights } from '../../src/stages/policy/value-model';
import { openRuntime } from '../../src/tensor/runtime';
import { GOLDEN_FOLDER } from '../golden/load';
import { writeGoldenReward } from '../golden/written-checkpoint';
import { TrainerBench, timeless } from './trainer';
import { writePrompts } from './preference-data';

const bench = new TrainerBench();
const create = (set: string[] = []): RunDir => bench.create(set, null, 'ppo');
const EMBEDDING = 'model.embed_tokens.weight';

/** A reward model over the policy's tokens, of a size of its own. */
function writeOther(name: string, size: { hidden: number; positions: number }): void {
  const model = join(bench.folder, 'model');
  const source = openCheckpoint(model);
  const config = parseLlamaConfig({
    ...source.config.raw,
    hidden_size: size.hidden,
    max_position_embeddings: size.positions,
  });
  source.close();
  const shapes = new Map(parameterShapes(config).map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]));
  const drawn = (name: string, count: number): Float32Array => {
    const random = Random.from(5, name);
    return Float32Array.from({ length: count }, () => (name.includes('norm') ? 1 : 0.2 * (random.next() - 0.5)));
  };
  writeRewardModel(join(bench.folder, name), {
    config,
    tensor: (name) => drawn(name, shapes.get(name) ?? 0),
    heads: drawn('head', size.hidden),
    facts: { normalisation: [{ mean: 0, std: 1 }], answers: 1 },
    tokenizer: loadTokenizer(model),
  });
}

beforeAll(async () => {
  await bench.open();
  writePrompts(bench.folder);
  writeOther('same', { hidden: 32, positions: 128 });
  writeOther('smaller', { hidden: 16, positions: 128 });
  writeOther('shorter', { hidden: 32, positions: 12 });
  writeGoldenReward(join(bench.folder, 'foreign'), join(GOLDEN_FOLDER, 'tokenizer'));
  cpSync(join(bench.folder, 'smaller'), join(bench.folder, 'torn'), { recursive: true });
  cpSync(join(bench.folder, 'same', 'config.json'), join(bench.folder, 'torn', 'config.json'));
  bench.configure({
    ppo: {
      type: 'ppo',
      prompts: 'data/prompts.jsonl',
      reward: './same',
      value_model: 'separate',
      batch_size: 8,
      max_new_tokens: 8,
      max_length: 64,
      steps: 12,
      learning_rate: 1e-3,
      held_out: false,
      sample_every: false,
    },
  });
}, 60_000);
afterAll(() => bench.close());

const lastFile = (dir: RunDir, ...path: string[]): string => join(listCheckpoints(dir).at(-1)?.path ?? '', ...path);
function tensor(file: string, name: string): Float32Array {
  const stored = readSafetensors(file);
  try {
    return stored.get(name).float32();
  } finally {
    stored.close();
  }
}
/** The critic's embedding in the last checkpoint. */
const criticOf = (dir: RunDir): Float32Array =>
  tensor(lastFile(dir, 'training_state', 'extra.safetensors'), `critic.${EMBEDDING}`);
const embeddingOf = (name: string): Float32Array => tensor(join(bench.folder, name, 'model.safetensors'), EMBEDDING);
/** So small a rate that no float32 weight moves: what a run ends with is what it began with. */
const STILL = 'learning_rate=1e-30';

describe('a value model of its own', () => {
  it('begins as the reward model, learns, and leaves that as it was', async () => {
    const still = create([STILL, 'steps=4']);
    const output = await bench.finish(still);
    expect(output).not.toContain('begins as the policy');
    expect(still.readRun().inputs?.critic?.path).toBe('same');
    expect(criticOf(still)).toEqual(embeddingOf('same'));
    expect(criticOf(still)).not.toEqual(embeddingOf('model'));
    const before = readFileSync(join(bench.folder, 'same', 'model.safetensors'));
    const dir = create();
    await bench.finish(dir);
    expect(criticOf(dir)).not.toEqual(embeddingOf('same'));
    expect(readFileSync(join(bench.folder, 'same', 'model.safetensors')).equals(before)).toBe(true);
    const rows = dir.readMetrics().filter((row) => 'iteration' in row);
    for (const row of rows) expect(Number(row['loss/value_avg'])).toBeGreaterThan(0);
  }, 120_000);

  it('resumes to the same bytes', async () => {
    const whole = create();
    await bench.finish(whole);
    const dir = create();
    await bench.killAt(dir, 4);
    await bench.finish(dir);
    for (const path of [
      ['model.safetensors'],
      ...['optimizer', 'extra'].map((n) => ['training_state', `${n}.safetensors`]),
    ])
      expect(readFileSync(lastFile(dir, ...path)).equals(readFileSync(lastFile(whole, ...path))), path.join()).toBe(
        true,
      );
    const quiet = (run: RunDir) =>
      timeless(run.readMetrics()).map((row) =>
        Object.fromEntries(Object.entries(row as object).filter(([name]) => !name.startsWith('time/'))),
      );
    expect(quiet(dir)).toEqual(quiet(whole));
  }, 120_000);

  it('may be of another size than the policy', async () => {
    const dir = create(['reward=./smaller', STILL, 'steps=4']);
    await bench.finish(dir);
    expect(criticOf(dir)).toEqual(embeddingOf('smaller'));
  }, 60_000);

  it('begins as the policy where the reward model has another tokenizer, which is told; that scores all the same', async () => {
    const dir = create(['reward=./foreign', STILL, 'steps=4']);
    const output = await bench.finish(dir);
    expect(output).toMatch(/begins as the policy and not as the reward model in .*foreign: it has another tokenizer\./);
    expect(criticOf(dir)).toEqual(embeddingOf('model'));
    const [row] = dir.readMetrics().filter((row) => 'iteration' in row);
    expect(Number(row['objective/score_std'])).toBeGreaterThan(0);
    expect(row['rewards/left_out']).toBe(0);
  }, 60_000);

  it('begins as the policy where the reward model reads fewer tokens than prompts with answers have', () => {
    const { experiment } = loadExperiment(join(bench.folder, 'align.yaml'), {
      stage: 'ppo',
      set: ['reward=./shorter'],
    });
    const stage = experiment && resolveStage(experiment, 'ppo');
    if (stage?.config.type !== 'ppo') throw new Error('no ppo stage');
    const warnings: string[] = [];
    const runtime = openRuntime({ threads: 1 });
    try {
      const context = {
        runtime,
        modelFolder: join(bench.folder, 'model'),
        folderOf: () => join(bench.folder, 'shorter'),
        resuming: false,
        warn: (message: string) => void warnings.push(message),
      } as Partial<StageContext> as StageContext;
      criticWeights(stage, stage.config, context, 12).release();
      expect(warnings).toEqual([]);
      const weights = criticWeights(stage, stage.config, context, 13);
      expect(weights.config.maxPositions).toBe(128);
      expect(warnings.join()).toContain('it reads 12 tokens, prompts with their answers have up to 13');
      weights.release();
    } finally {
      runtime.close();
    }
  });

  it.each([
    ['no reward model', './model', 'The folder holds a language model; a reward model is wanted here.'],
    ['weights of another shape', './torn', 'The weights do not fit config.json'],
  ])(
    'refuses %s before the first step',
    async (_, folder, words) => {
      const dir = create([`reward=${folder}`]);
      const { code, output } = await bench.run(dir);
      expect(code).toBe(1);
      expect(output).toContain(words);
      expect(output).not.toContain('    at ');
      expect(dir.readMetrics()).toEqual([]);
    },
    60_000,
  );
});

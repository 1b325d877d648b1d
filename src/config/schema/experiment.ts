import { z } from 'zod';
import { dpoSchema, type DpoConfig } from './dpo';
import { evaluateSchema, type EvaluateConfig } from './evaluate';
import { generateSchema, type GenerateConfig } from './generate';
import { grpoSchema, type GrpoConfig } from './grpo';
import { model } from './inputs';
import { keySpecs, type KeySpec } from './meta';
import { ppoSchema, type PpoConfig } from './ppo';
import { pretrainSchema, type PretrainConfig } from './pretrain';
import { rewardSchema, type RewardConfig } from './reward';
import { rlooSchema, type RlooConfig } from './rloo';
import { sftSchema, type SftConfig } from './sft';

export type { PretrainConfig, SftConfig, GenerateConfig, RewardConfig };
export type { DpoConfig, PpoConfig, GrpoConfig, RlooConfig, EvaluateConfig };

/** One schema a type of stage, in the order of a pipeline. */
export const STAGE_SCHEMAS = {
  pretrain: pretrainSchema,
  sft: sftSchema,
  generate: generateSchema,
  reward: rewardSchema,
  dpo: dpoSchema,
  ppo: ppoSchema,
  grpo: grpoSchema,
  rloo: rlooSchema,
  evaluate: evaluateSchema,
} satisfies Record<string, z.ZodObject>;

export const stageSchema = z.discriminatedUnion('type', [
  pretrainSchema,
  sftSchema,
  generateSchema,
  rewardSchema,
  dpoSchema,
  ppoSchema,
  grpoSchema,
  rlooSchema,
  evaluateSchema,
]);

/** A stage with every default filled in; `type` tells which. Paths are as the file has them. */
export type StageConfig = z.infer<typeof stageSchema>;
export type StageType = StageConfig['type'];
/** The stages with an optimizer. */
export type TrainingConfig = Exclude<StageConfig, GenerateConfig | EvaluateConfig>;
/** The stages that sample from their policy while it trains. */
export type PolicyConfig = PpoConfig | GrpoConfig | RlooConfig;

export const STAGE_NAME = /^[a-z][a-z0-9_-]*$/;

export const DEVICES = ['cpu', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

/** The whole file. */
export const experimentSchema = z.strictObject({
  model: model.meta({
    ...model.meta(),
    doc: 'The default starting weights of all stages that name none: a Hugging Face folder such as `./model`.',
    expects: 'a folder such as ./model',
    defaultText: 'none',
  }),
  device: z
    .enum(DEVICES)
    .default('cpu')
    .meta({
      doc: 'What computes: `cpu`, or `webgpu` for any GPU that the system has a driver for.',
      expects: 'cpu or webgpu',
      aliases: ['device_type', 'accelerator', 'device_map', 'backend'],
    }),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .nullable()
    .default(null)
    .meta({
      doc: 'Threads of the CPU. The same seed and number of threads give the same bytes.',
      expects: 'a whole number from 1 to 1024',
      defaultText: 'one a physical core',
      aliases: ['num_threads', 'n_threads', 'omp_num_threads', 'cpu_threads'],
      example: '4',
    }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 53 - 1)
    .default(42)
    .meta({
      doc: 'Where all random numbers come from: order of the data, initial weights, sampling.',
      expects: 'a whole number of 0 or more',
      source: 'TRL',
      aliases: ['random_seed', 'random_state', 'rng_seed'],
    }),
  stages: z.record(z.string().regex(STAGE_NAME), stageSchema).meta({
    doc: 'The steps of the experiment by name. A stage that names another one takes its result: that makes the graph.',
    expects: 'a map from names to stages',
    aliases: ['pipeline', 'jobs', 'experiments', 'stage', 'runs'],
  }),
});

export const TOP_KEYS = keySpecs(experimentSchema);

export const STAGE_TYPES: readonly StageType[] = stageSchema.options.map(({ shape }) => shape.type.value);

const STAGE_KEYS: ReadonlyMap<StageType, ReadonlyMap<string, KeySpec>> = new Map(
  STAGE_TYPES.map((type) => [type, keySpecs(STAGE_SCHEMAS[type])]),
);

export function isStageType(type: unknown): type is StageType {
  return typeof type === 'string' && Object.hasOwn(STAGE_SCHEMAS, type);
}

export function stageKeys(type: StageType): ReadonlyMap<string, KeySpec> {
  return STAGE_KEYS.get(type) ?? new Map<string, KeySpec>();
}

/** Whether the stage has an optimizer, and so steps, checkpoints and evaluations. */
export function isTraining(config: StageConfig): config is TrainingConfig {
  return config.type !== 'generate' && config.type !== 'evaluate';
}

/** Reads a config.json of a run, or any other stage from disk. Throws a ZodError with the key in its path. */
export function readStageConfig(value: unknown): StageConfig {
  return stageSchema.parse(value);
}

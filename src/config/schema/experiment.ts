import { z } from 'zod';
import { keySpecs, type KeySpec } from './meta';
import { pretrainSchema, type PretrainConfig } from './pretrain';
import { sftSchema, type SftConfig } from './sft';
import { model } from './training';

export type { PretrainConfig, SftConfig };
/** A stage with every default filled in; `type` tells which. Paths are as the file has them. */
export type StageConfig = PretrainConfig | SftConfig;
export type StageType = StageConfig['type'];

/** One schema a type of stage. */
export const STAGE_SCHEMAS = { pretrain: pretrainSchema, sft: sftSchema } satisfies Record<StageType, z.ZodObject>;

export const STAGE_NAME = /^[a-z][a-z0-9_-]*$/;

export const DEVICES = ['cpu', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

export const stageSchema = z.discriminatedUnion('type', [pretrainSchema, sftSchema]);

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
    doc: "The steps of the experiment by name. A stage's name in another stage's `model` makes the graph.",
    expects: 'a map from names to stages',
    aliases: ['pipeline', 'jobs', 'experiments', 'stage', 'runs'],
  }),
});

export const TOP_KEYS = keySpecs(experimentSchema);

const STAGE_KEYS: Record<StageType, ReadonlyMap<string, KeySpec>> = {
  pretrain: keySpecs(pretrainSchema),
  sft: keySpecs(sftSchema),
};
export const STAGE_TYPES: readonly StageType[] = ['pretrain', 'sft'];

export function isStageType(type: unknown): type is StageType {
  return typeof type === 'string' && Object.hasOwn(STAGE_SCHEMAS, type);
}

export function stageKeys(type: StageType): ReadonlyMap<string, KeySpec> {
  return STAGE_KEYS[type];
}

/** Reads a config.json of a run, or any other stage from disk. Throws a ZodError with the key in its path. */
export function readStageConfig(value: unknown): StageConfig {
  return stageSchema.parse(value);
}

import { z } from 'zod';
import { UserError } from './errors';
import type { ResolvedStage } from './experiment';
import { stageOf } from './load';
import { DEVICES, stageSchema } from './schema/experiment';

/** `config.json` of a run: all that a stage was started with, every default filled in. */
const runConfigSchema = z.object({
  v: z.literal(1),
  name: z.string(),
  model: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('stage'), name: z.string() }),
      z.object({ kind: z.literal('folder'), path: z.string() }),
    ])
    .nullable(),
  /** The names in `config` that are stages. Runs of the first version have one at most, in `model`. */
  upstream: z.array(z.string()).default([]),
  device: z.enum(DEVICES),
  threads: z.number().int().nullable(),
  seed: z.number().int(),
  config: stageSchema,
});
export type RunConfig = z.infer<typeof runConfigSchema>;

export function runConfigOf({ name, model, upstream, device, threads, seed, config }: ResolvedStage): RunConfig {
  return { v: 1, name, model, upstream: [...upstream], device, threads, seed, config };
}

/** The stage behind a run. `folder` is the config file's. Throws a UserError where `value` is no such config. */
export function parseRunConfig(value: unknown, folder: string, file: string): ResolvedStage {
  const parsed = runConfigSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UserError(
      `The run's config is damaged at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}.`,
      {
        file,
        hint: 'Start the stage again; this run cannot go on.',
      },
    );
  }
  const { name, model, upstream, device, threads, seed, config } = parsed.data;
  return stageOf({ name, config, model, upstream, folder }, { device, threads, seed });
}

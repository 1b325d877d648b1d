import { z } from 'zod';
import { chatTemplate, lengthKeys, path, WEIGHT_TYPES } from './inputs';
import { prompts, samplingKeys } from './rollout';
import { judge, models, rewardTerms } from './source';

/** Models side by side on prompts that none has seen. */
export const evaluateSchema = z.strictObject({
  type: z.literal('evaluate').meta({
    doc: 'Compares models on held-out prompts: scores, win rates against a baseline, and a report.',
    expects: 'evaluate',
  }),
  models: models.meta({
    ...models.meta(),
    doc: 'The models to compare, each a stage (its latest result) or a folder.',
    aliases: [...(models.meta()?.aliases ?? []), 'model', 'model_name_or_path', 'model_path'],
  }),
  prompts: prompts.meta({
    ...prompts.meta(),
    doc: 'Held-out prompts: JSONL with `prompt` and, if you like, `tags`, by which results are broken down; one file or a list of files.',
    aliases: [...(prompts.meta()?.aliases ?? []), 'eval_dataset', 'eval_file', 'held_out'],
  }),
  reward: rewardTerms
    .nullable()
    .default(null)
    .meta({
      ...rewardTerms.meta(),
      doc: 'What scores answers, each for itself: a reward stage, a rule `{ rule: ./rule.js }`, or a list of these.',
      defaultText: 'none: answers only',
    }),
  judge,
  baseline: path
    .nullable()
    .default(null)
    .meta({
      doc: 'The model that the others are compared with: one of `models`, another stage, or a folder.',
      expects: "a stage's name or a folder such as ./model",
      defaultText: 'the first of `models`',
      aliases: ['baseline_model', 'reference_outputs', 'compare_to'],
      role: 'stage-or-folder',
      takes: WEIGHT_TYPES,
      example: 'sft',
    }),
  ...samplingKeys({ answers_per_prompt: 1 }),
  greedy: z
    .boolean()
    .default(true)
    .meta({
      doc: 'Also one answer a prompt of the likeliest tokens, reported beside the sampled ones.',
      expects: 'true or false',
      aliases: ['do_greedy', 'greedy_decoding'],
    }),
  ...lengthKeys('drop'),
  chat_template: chatTemplate,
});

export type EvaluateConfig = z.infer<typeof evaluateSchema>;

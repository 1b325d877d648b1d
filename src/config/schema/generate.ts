import { z } from 'zod';
import { chatTemplate, lengthKeys, model, path } from './inputs';
import { prompts, samplingKeys } from './rollout';
import { models } from './source';

const annotator = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/i)
    .meta({ doc: 'The name in its labels.', expects: 'a name of letters and digits', example: 'ada' }),
  rule: path.meta({
    doc: 'A JavaScript file with `export function reward({ prompt, answer, row })`: the score that it goes by.',
    expects: 'a file such as ./rule.js',
    aliases: ['oracle', 'score'],
    role: 'rule-file',
    example: './rule.js',
  }),
  sharpness: z
    .number()
    .min(0)
    .max(1e6)
    .default(10)
    .meta({
      doc: 'Picks A with probability σ(sharpness × the difference of scores + length_bias × that of words).',
      expects: 'a number of 0 or more',
      aliases: ['rationality', 'slope', 'inverse_temperature'],
    }),
  noise: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .meta({
      doc: 'Share of labels that are turned round.',
      expects: 'a number from 0 to 1',
      aliases: ['flip', 'flip_rate', 'error_rate'],
    }),
  length_bias: z
    .number()
    .min(-1000)
    .max(1000)
    .default(0)
    .meta({
      doc: 'What a word more is worth to it: 0.25 prefers length to truth.',
      expects: 'a number',
      aliases: ['length_preference', 'verbosity_bias'],
    }),
  tie_band: z
    .number()
    .min(0)
    .max(1e6)
    .default(0)
    .meta({
      doc: 'Differences of scores within it are called a tie.',
      expects: 'a number of 0 or more',
      aliases: ['tie_threshold', 'tie_margin'],
    }),
});
export type SimulatedAnnotator = z.infer<typeof annotator>;

/** Answers to prompts, and pairs of them for people to compare. */
export const generateSchema = z.strictObject({
  type: z.literal('generate').meta({
    doc: 'Writes answers to prompts and makes pairs of them, in `labels/<stage>/pairs.jsonl`, for people to compare.',
    expects: 'generate',
  }),
  model: model.meta({
    ...model.meta(),
    doc: 'What answers: a stage (its latest result) or a folder. `models` takes its place where two are compared.',
  }),
  models: models
    .pipe(z.array(z.string()).max(2))
    .nullable()
    .default(null)
    .meta({
      ...models.meta(),
      doc: 'Two models to compare, each a stage or a folder: a pair has one answer of each.',
      expects: 'a list of one or two stages or folders, such as [sft, dpo]',
      defaultText: 'none: both answers of a pair are of `model`',
      example: '[sft, dpo]',
    }),
  prompts,
  ...samplingKeys({ answers_per_prompt: 2 }),
  max_pairs: z
    .int()
    .min(1)
    .max(1e9)
    .nullable()
    .default(null)
    .meta({
      doc: 'The most pairs to make, drawn by `seed`.',
      expects: 'a whole number of 1 or more',
      defaultText: 'all pairs of answers to a prompt',
      aliases: ['num_pairs', 'max_samples', 'n_pairs'],
      example: '500',
    }),
  guideline: path
    .nullable()
    .default(null)
    .meta({
      doc: 'A markdown file that tells annotators what to prefer; its front matter lists criteria and edge cases.',
      expects: 'a file such as ./guideline.md',
      defaultText: 'none',
      aliases: ['guidelines', 'instructions', 'instruction', 'rubric'],
      role: 'text-file',
      example: './guideline.md',
    }),
  annotators: z
    .array(annotator)
    .default([])
    .meta({
      doc: 'Simulated annotators that label every pair by a rule, for trials; their labels have `source: "simulated"`.',
      expects: 'a list such as [{ name: ada, rule: ./rule.js, noise: 0.1 }]',
      defaultText: 'none: people label',
      aliases: ['simulated_annotators', 'labelers', 'raters', 'labellers'],
      example: '[{ name: ada, rule: ./rule.js }]',
    }),
  ...lengthKeys('drop'),
  chat_template: chatTemplate,
});

export type GenerateConfig = z.infer<typeof generateSchema>;

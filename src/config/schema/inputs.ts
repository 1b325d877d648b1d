import { z } from 'zod';

/** The types of stages whose result is a language model. */
export const WEIGHT_TYPES = ['pretrain', 'sft', 'dpo', 'ppo', 'grpo', 'rloo'] as const;

/** A path in the config: relative to the folder of the config file. */
export const path = z.string().min(1);
export const oneOrMore = z
  .union([path, z.array(path).min(1)])
  .transform((value) => (Array.isArray(value) ? value : [value]));

/** Where a stage starts from: another stage's name or a folder. Every type of stage has it. */
export const model = path
  .nullable()
  .default(null)
  .meta({
    doc: "Starting weights: another stage's name (its latest result) or a Hugging Face folder such as `./model`.",
    expects: "a stage's name or a folder such as ./model",
    defaultText: 'the `model` at the top of the file',
    aliases: ['model_name_or_path', 'base_model', 'pretrain', 'model_path', 'pretrained_model_name_or_path'],
    role: 'stage-or-folder',
    takes: WEIGHT_TYPES,
    example: './model',
  });

export const data = oneOrMore.meta({
  doc: 'The training data: one file or a list of files, JSONL (one JSON object a line) or plain text where the stage takes it.',
  expects: 'a file such as data/demonstrations.jsonl, or a list of files',
  aliases: ['dataset', 'datasets', 'dataset_name', 'train_file', 'train_files', 'dataset_path', 'train_data'],
  role: 'data-file',
  example: 'data/demonstrations.jsonl',
});

export const chatTemplate = path
  .nullable()
  .default(null)
  .meta({
    doc: 'A Jinja chat template: a file such as `./template.jinja`, or the template itself. It is saved with the result.',
    expects: 'a file such as ./template.jinja, or a template',
    defaultText: "the model's own",
    aliases: ['chat_template_path', 'chat_template_jinja', 'template'],
    role: 'template-file',
    example: './template.jinja',
  });

/** For the stages that learn token by token. */
export const packing = z
  .boolean()
  .default(true)
  .meta({
    doc: 'Short examples share a row, so that no time goes into padding. Attention never leaks between them: the loss is the same.',
    expects: 'true or false',
    aliases: ['sample_packing', 'packing_samples', 'neat_packing', 'use_packing', 'use_remove_padding', 'padding_free'],
  });

/** How long an example may be, in tokens, and what happens to a longer one. Every type of stage has them. */
export function lengthKeys(overlength: 'truncate' | 'drop') {
  return {
    max_length: z
      .int()
      .min(2)
      .max(1_000_000)
      .default(1024)
      .meta({
        doc: "Longest example in tokens, prompt included; never above what the model's positions allow.",
        expects: 'a whole number of tokens, 2 or more',
        source: 'TRL',
        aliases: [
          'max_seq_length',
          'cutoff_len',
          'sequence_len',
          'max_len',
          'block_size',
          'seq_length',
          'context_length',
          'model_max_length',
          'max_sequence_length',
        ],
      }),
    overlength: z
      .enum(['truncate', 'drop', 'error'])
      .default(overlength)
      .meta({
        doc: 'What happens to an example longer than `max_length`: its end is cut off, it is left out, or the run does not start.',
        expects: 'truncate, drop or error',
        source: overlength === 'truncate' ? 'TRL (keep_start)' : undefined,
        aliases: ['truncation_mode', 'truncation', 'truncation_side', 'excess_length_strategy'],
      }),
  };
}

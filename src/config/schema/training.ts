import { z } from 'zod';
import { lengthKeys, path } from './inputs';

const share = z.number().gt(0).lt(1);
const count = z.int().min(1).max(1e9);
/** Steps between two events: a number of steps, a share of the run when below 1, or never. */
const interval = z.union([share, count, z.literal(false)]).default(0.1);

interface TrainingDefaults {
  readonly learning_rate: number;
  readonly learningRateSource: string;
  readonly epochs: number;
  readonly batch_size?: number;
  readonly overlength?: 'truncate' | 'drop';
}

/** The keys that every stage with an optimizer has; some defaults differ by stage. */
export function trainingKeys(defaults: TrainingDefaults) {
  return {
    learning_rate: z
      .number()
      .gt(0)
      .max(1)
      .default(defaults.learning_rate)
      .meta({
        doc: 'Peak step size of AdamW. Too high and the loss jumps, too low and nothing is learnt; tiny models (below 10 M parameters) want 10 to 100 times more.',
        expects: 'a number above 0 and at most 1, such as 2.0e-5',
        source: defaults.learningRateSource,
        aliases: ['lr', 'adam_lr', 'actor_learning_rate', 'optim_lr', 'max_lr'],
        usual: [1e-8, 5e-2],
      }),
    epochs: z
      .number()
      .gt(0)
      .max(10_000)
      .default(defaults.epochs)
      .meta({
        doc: 'Passes over the training data; fractions are allowed. `steps` wins where both are given.',
        expects: 'a number above 0',
        source: defaults.epochs === 3 ? 'TRL' : undefined,
        aliases: ['num_train_epochs', 'num_epochs', 'max_epochs', 'total_epochs', 'n_epochs', 'train_epochs'],
      }),
    steps: count
      .nullable()
      .default(null)
      .meta({
        doc: 'Optimizer steps of the whole run. Given, it replaces `epochs`.',
        expects: 'a whole number of 1 or more',
        defaultText: 'as many as `epochs` gives',
        aliases: ['max_steps', 'num_steps', 'train_steps', 'total_steps', 'num_train_steps', 'max_iters'],
        example: '1000',
      }),
    batch_size: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(defaults.batch_size ?? 8)
      .meta({
        doc: 'Rows of data per optimizer step, whatever fits in memory at once: demonstrations, pairs, or prompts to answer. 8 to 64 is common for fine-tuning.',
        expects: 'a whole number of 1 or more',
        source: defaults.batch_size === undefined ? 'TRL' : undefined,
        aliases: ['train_batch_size', 'global_batch_size', 'total_batch_size', 'effective_batch_size'],
      }),
    micro_batch_size: z
      .int()
      .min(1)
      .max(1_000_000)
      .nullable()
      .default(null)
      .meta({
        doc: 'Rows in one forward and backward pass. It changes speed and memory, not the result: gradients add up over `batch_size` rows.',
        expects: 'a whole number between 1 and batch_size',
        defaultText: 'as large as memory allows, at most `batch_size`',
        aliases: ['micro_train_batch_size', 'device_batch_size', 'ppo_micro_batch_size_per_gpu'],
        example: '4',
      }),
    schedule: z
      .enum(['constant', 'linear', 'cosine'])
      .default('linear')
      .meta({
        doc: 'How the learning rate falls after the warm-up: not at all, in a line to 0, or along a cosine to 0.',
        expects: 'constant, linear or cosine',
        source: 'TRL',
        aliases: ['lr_scheduler_type', 'lr_scheduler', 'scheduler', 'lr_schedule', 'learning_rate_schedule'],
      }),
    warmup: z
      .number()
      .min(0)
      .max(1e9)
      .default(0)
      .meta({
        doc: 'Over how many steps the learning rate rises from 0: steps, or a share of the run when below 1 (0.03 is 3 %).',
        expects: 'a number of steps, or a share of the run below 1',
        source: 'TRL',
        aliases: ['warmup_steps', 'warmup_ratio', 'lr_warmup_steps', 'lr_warmup_ratio', 'num_warmup_steps'],
      }),
    weight_decay: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .meta({
        doc: 'Decoupled decay of AdamW, per step and relative to the learning rate. Norms and biases do not decay. 0.1 is common when pre-training.',
        expects: 'a number from 0 to 1',
        source: 'TRL',
        aliases: ['l2', 'decay', 'adam_weight_decay', 'wd'],
      }),
    adam_beta1: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .meta({
        doc: "Memory of AdamW's average of gradients.",
        expects: 'a number from 0 to below 1',
        source: 'TRL',
        aliases: ['beta1'],
      }),
    adam_beta2: z
      .number()
      .min(0)
      .lt(1)
      .default(0.999)
      .meta({
        doc: "Memory of AdamW's average of squared gradients. 0.95 is common when pre-training.",
        expects: 'a number from 0 to below 1',
        source: 'TRL',
        aliases: ['beta2'],
      }),
    adam_epsilon: z
      .number()
      .gt(0)
      .max(1)
      .default(1e-8)
      .meta({
        doc: "Added to AdamW's denominator.",
        expects: 'a number above 0, such as 1e-8',
        source: 'TRL',
        aliases: ['adam_eps', 'eps'],
      }),
    max_grad_norm: z
      .number()
      .min(0)
      .max(1e6)
      .default(1)
      .meta({
        doc: 'Gradients are scaled down to this global norm. 0 switches clipping off.',
        expects: 'a number of 0 or more',
        source: 'TRL',
        aliases: ['gradient_clip', 'grad_clip', 'max_norm', 'gradient_clipping', 'clip_grad', 'gradient_clip_val'],
      }),
    ...lengthKeys(defaults.overlength ?? 'truncate'),
    freeze: z
      .union([path, z.array(path)])
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .default([])
      .meta({
        doc: 'Parameters that do not train: name patterns with `*`, such as `model.layers.0.*`. `embeddings` stands for the input and tied output embeddings.',
        expects: 'a name pattern or a list of name patterns',
        defaultText: 'none',
        aliases: ['frozen', 'freeze_parameters', 'freeze_layers', 'frozen_parameters', 'freeze_trainable_modules'],
        example: '[embeddings]',
      }),
    held_out: z
      .union([share, count, z.literal(false), path])
      .default(0.05)
      .meta({
        doc: 'What evaluation uses and training never sees: a share of the rows (0.05 is 5 %), a number of rows, a file of its own, or `false`.',
        expects: 'a share below 1, a number of rows, a file, or false',
        aliases: [
          'eval_split',
          'val_size',
          'val_set_size',
          'test_size',
          'validation_split',
          'eval_dataset',
          'test_datasets',
          'eval_file',
          'validation_file',
        ],
        role: 'data-file-or-value',
      }),
    evaluate_every: interval.meta({
      doc: 'Steps between evaluations on the held-out rows: a number of steps, a share of the run when below 1, or `false`.',
      expects: 'a number of steps, a share of the run below 1, or false',
      defaultText: '0.1: ten times a run',
      aliases: ['eval_steps', 'eval_interval', 'evaluation_steps', 'eval_every', 'val_check_interval'],
    }),
    sample_every: interval.meta({
      doc: 'Steps between sets of sample answers: a number of steps, a share of the run when below 1, or `false`.',
      expects: 'a number of steps, a share of the run below 1, or false',
      defaultText: '0.1: ten times a run',
      aliases: ['sample_steps', 'generate_every', 'sample_interval'],
    }),
    checkpoint_every: interval.meta({
      doc: 'Steps between checkpoints, from which a run resumes or branches: a number of steps, a share of the run when below 1, or `false`.',
      expects: 'a number of steps, a share of the run below 1, or false',
      defaultText: '0.1: ten times a run',
      aliases: ['save_steps', 'checkpoint_interval', 'save_interval', 'save_every', 'ckpt_interval'],
    }),
    keep_checkpoints: z
      .int()
      .min(1)
      .max(100_000)
      .default(2)
      .meta({
        doc: 'How many checkpoints stay on disk, the newest first; the best one stays as well.',
        expects: 'a whole number of 1 or more',
        aliases: ['save_total_limit', 'max_checkpoints', 'max_ckpt_num', 'max_ckpt_to_keep', 'keep_last'],
      }),
    sample_prompts: z
      .union([z.int().min(0).max(10_000), path, z.array(z.string())])
      .default(8)
      .meta({
        doc: 'The prompts that sample answers are written for: how many of the held-out rows, a file, or a list of prompts.',
        expects: 'a number of held-out prompts, a file, or a list of prompts',
        defaultText: 'the first 8 held-out prompts',
        aliases: ['eval_prompts', 'sample_inputs', 'generation_prompts'],
        role: 'prompt-file-or-value',
      }),
    early_stopping: z
      .int()
      .min(1)
      .max(100_000)
      .nullable()
      .default(null)
      .meta({
        doc: 'Stop after so many evaluations in a row without a better `eval_loss`. The best checkpoint is kept either way.',
        expects: 'a whole number of evaluations, 1 or more',
        defaultText: 'none',
        aliases: ['early_stopping_patience', 'patience'],
        example: '3',
      }),
    shuffle: z
      .boolean()
      .default(true)
      .meta({
        doc: 'Draw the rows in a new order in each epoch, by `seed`.',
        expects: 'true or false',
        aliases: ['shuffle_dataset', 'shuffle_data', 'shuffle_train_dataset'],
      }),
  };
}

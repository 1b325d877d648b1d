import { z } from 'zod';
import { data, oneOrMore } from './inputs';

/** What answers are written to. */
export const prompts = oneOrMore.meta({
  doc: 'The prompts to answer: JSONL with `prompt` (a text or messages) and, if you like, `tags`; one file or a list of files.',
  expects: 'a file such as data/prompts.jsonl, or a list of files',
  aliases: ['prompt_file', 'prompt_files', 'prompt_dataset', 'prompt_data', 'data', ...(data.meta()?.aliases ?? [])],
  role: 'data-file',
  example: 'data/prompts.jsonl',
});

interface SamplingDefaults {
  readonly answers_per_prompt: number;
  readonly answersSource?: string;
  readonly temperature?: number;
}

/** How answers are drawn. */
export function samplingKeys(defaults: SamplingDefaults) {
  return {
    answers_per_prompt: z
      .int()
      .min(1)
      .max(1024)
      .default(defaults.answers_per_prompt)
      .meta({
        doc: 'Answers to each prompt, each with a random stream of its own.',
        expects: 'a whole number from 1 to 1024',
        source: defaults.answersSource,
        aliases: [
          'num_generations',
          'n_samples_per_prompt',
          'num_return_sequences',
          'rollout_n',
          'best_of',
          'num_samples',
        ],
      }),
    max_new_tokens: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(64)
      .meta({
        doc: 'The longest answer in tokens, its end-of-turn token included.',
        expects: 'a whole number of tokens, 1 or more',
        aliases: [
          'response_length',
          'max_completion_length',
          'max_response_length',
          'generate_max_len',
          'max_tokens',
          'answer_length',
        ],
      }),
    temperature: z
      .number()
      .gt(0)
      .max(10)
      .default(defaults.temperature ?? 1)
      .meta({
        doc: 'Divides the logits: below 1 the likely gets likelier. Sampling and training use the same.',
        expects: 'a number above 0, such as 1.0',
        source: defaults.temperature === undefined ? undefined : 'TRL',
        aliases: ['temp', 'sampling_temperature', 'rollout_temperature'],
        usual: [0.1, 2],
      }),
    top_p: z
      .number()
      .gt(0)
      .max(1)
      .nullable()
      .default(null)
      .meta({
        doc: 'Draw from the likeliest tokens that together have this probability.',
        expects: 'a number above 0 and at most 1',
        defaultText: 'off',
        aliases: ['nucleus', 'topp', 'top_p_sampling'],
        example: '0.95',
      }),
    top_k: z
      .int()
      .min(1)
      .max(1_000_000)
      .nullable()
      .default(null)
      .meta({
        doc: 'Draw from so many of the likeliest tokens.',
        expects: 'a whole number of 1 or more',
        defaultText: 'off',
        aliases: ['topk', 'top_k_sampling'],
        example: '50',
      }),
  };
}

interface KlDefaults {
  readonly estimator: 'k1' | 'k3';
  /** Where the penalty goes: `reward` or `loss`. */
  readonly into: string;
}

/** The leash: how far from the reference the policy may go. */
export function klKeys({ estimator, into }: KlDefaults) {
  return {
    kl_penalty: z
      .number()
      .min(0)
      .max(1000)
      .default(0.1)
      .meta({
        doc: `The price β of a nat of KL to the reference, in the ${into}: the larger, the nearer the policy stays. 0 takes the leash off.`,
        expects: 'a number of 0 or more, such as 0.1',
        aliases: ['kl_coef', 'init_kl_coef', 'beta', 'kl_beta', 'kl_loss_coef', 'algo_kl_init_coef', 'kl_coeff'],
      }),
    kl_estimator: z
      .enum(['k1', 'k2', 'k3'])
      .default(estimator)
      .meta({
        doc: 'How KL is estimated from a sampled token: k1 (the log-ratio; unbiased, may be negative), k2 (half its square), k3 (unbiased, never negative).',
        expects: 'k1, k2 or k3',
        aliases: ['kl_type', 'kl_estimation', 'kl_loss_type', 'algo_kl_estimator'],
      }),
    kl_target: z
      .number()
      .gt(0)
      .max(1e6)
      .nullable()
      .default(null)
      .meta({
        doc: 'Adapts `kl_penalty` so that KL comes to this many nats an answer; `kl_penalty` is where it starts. 6 is usual.',
        expects: 'a number above 0, in nats an answer',
        defaultText: 'none: `kl_penalty` stays fixed',
        aliases: ['ppo_target', 'adaptive_kl_target', 'algo_kl_target'],
        example: '6',
      }),
    kl_stop: z
      .number()
      .gt(0)
      .max(1e6)
      .nullable()
      .default(null)
      .meta({
        doc: 'Ends the run once the mean KL to the reference is above this, in nats an answer. The weights before stay.',
        expects: 'a number above 0, in nats an answer',
        defaultText: 'none',
        aliases: ['kl_early_stop', 'early_stop_kl', 'stop_at_kl'],
        example: '15',
      }),
    missing_eos_penalty: z
      .number()
      .min(0)
      .max(1e6)
      .nullable()
      .default(null)
      .meta({
        doc: 'Taken off the score of an answer that does not end within `max_new_tokens`. 1 is usual.',
        expects: 'a number of 0 or more',
        defaultText: 'none',
        source: 'TRL',
        aliases: ['non_eos_penalty', 'no_eos_penalty', 'eos_penalty', 'truncation_penalty'],
        example: '1',
      }),
  };
}

interface UpdateDefaults {
  readonly epochs: number;
  readonly source: string;
}

/** How often, in what pieces and how far a batch of answers moves the policy. */
export function updateKeys({ epochs, source }: UpdateDefaults) {
  return {
    ppo_epochs: z
      .int()
      .min(1)
      .max(1000)
      .default(epochs)
      .meta({
        doc: 'Passes over a batch of answers before new ones are written.',
        expects: 'a whole number of 1 or more',
        source,
        aliases: ['num_ppo_epochs', 'num_iterations', 'update_epochs', 'n_ppo_epochs', 'inner_epochs'],
      }),
    mini_batches: z
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .meta({
        doc: 'Parts that a batch of answers is cut into, with an optimizer step each.',
        expects: 'a whole number of 1 or more',
        source: 'TRL',
        aliases: ['num_mini_batches', 'num_minibatches', 'n_minibatches', 'minibatches'],
      }),
    clip_range: z
      .number()
      .gt(0)
      .max(10)
      .default(0.2)
      .meta({
        doc: 'How far the ratio of new to old probability counts: from 1 − ε to 1 + ε.',
        expects: 'a number above 0, such as 0.2',
        source: 'TRL',
        aliases: ['cliprange', 'epsilon', 'eps_clip', 'clip_ratio', 'clip_epsilon', 'clip_coef', 'actor_eps_clip'],
        usual: [0.01, 1],
      }),
  };
}

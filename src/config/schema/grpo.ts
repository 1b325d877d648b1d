import { z } from 'zod';
import { policyKeys } from './policy';

/** Group-relative policy optimisation (Shao et al. 2024). */
export const grpoSchema = z.strictObject({
  type: z.literal('grpo').meta({
    doc: 'GRPO: PPO without a value model; an answer is measured against the others to its prompt.',
    expects: 'grpo',
  }),
  ...policyKeys({
    learning_rate: 1e-6,
    learningRateSource: 'TRL',
    answers_per_prompt: 8,
    ppo_epochs: 1,
    kl_estimator: 'k3',
    klInto: 'loss',
  }),
  clip_range_high: z
    .number()
    .gt(0)
    .max(100)
    .nullable()
    .default(null)
    .meta({
      doc: 'The upper side of the clip, where it differs from the lower: the ratio counts up to 1 + this.',
      expects: 'a number above 0, such as 0.28',
      defaultText: 'that of `clip_range`',
      aliases: ['epsilon_high', 'clip_ratio_high', 'eps_clip_high'],
      example: '0.28',
    }),
  loss: z
    .enum(['dapo', 'grpo', 'dr_grpo'])
    .default('dapo')
    .meta({
      doc: 'How tokens are weighed: all alike over the batch (dapo), each answer alike (grpo), or by a fixed length, `max_new_tokens` (dr_grpo).',
      expects: 'dapo, grpo or dr_grpo',
      source: 'TRL',
      aliases: ['loss_type', 'loss_agg_mode', 'grpo_loss'],
    }),
  scale_rewards: z
    .enum(['group', 'batch', 'none'])
    .default('group')
    .meta({
      doc: "What advantages are divided by: the standard deviation of the prompt's answers, of the batch, or nothing.",
      expects: 'group, batch or none',
      source: 'TRL',
      aliases: ['reward_scaling', 'scale_reward', 'norm_adv_by_std_in_grpo'],
    }),
});

export type GrpoConfig = z.infer<typeof grpoSchema>;

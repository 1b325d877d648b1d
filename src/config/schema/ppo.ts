import { z } from 'zod';
import { policyKeys } from './policy';

/** Proximal policy optimisation with a value model and a KL penalty in the reward (Schulman 2017; Ziegler 2019). */
export const ppoSchema = z.strictObject({
  type: z.literal('ppo').meta({
    doc: 'PPO: writes answers, scores them, and moves the policy to the better ones, with a value model and a KL leash.',
    expects: 'ppo',
  }),
  ...policyKeys({
    learning_rate: 1e-5,
    learningRateSource: 'the first PPO on language models',
    batch_size: 64,
    answers_per_prompt: 1,
    temperature: 0.7,
    ppo_epochs: 4,
    kl_estimator: 'k1',
    klInto: 'reward',
  }),
  value_model: z
    .enum(['shared', 'separate'])
    .default('shared')
    .meta({
      doc: "Where values come from: a head on the policy's trunk (half the memory and time), or a model of its own.",
      expects: 'shared or separate',
      aliases: ['critic', 'value_network', 'critic_model', 'value_head'],
    }),
  value_clip_range: z
    .number()
    .gt(0)
    .max(1000)
    .default(0.2)
    .meta({
      doc: 'How far a value may move from that of the rollout before its error no longer counts.',
      expects: 'a number above 0, such as 0.2',
      source: 'TRL',
      aliases: ['cliprange_value', 'value_clip', 'vf_clip', 'critic_value_clip', 'value_clip_ratio'],
    }),
  value_coef: z
    .number()
    .min(0)
    .max(1000)
    .default(0.1)
    .meta({
      doc: "Factor of the value model's loss.",
      expects: 'a number of 0 or more',
      source: 'TRL',
      aliases: ['vf_coef', 'vf_coeff', 'value_loss_coef', 'critic_coef'],
    }),
  entropy_coef: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .meta({
      doc: "Factor of the policy's entropy, which keeps answers varied. 0.01 is much.",
      expects: 'a number of 0 or more',
      aliases: ['ent_coef', 'entropy_coeff', 'entropy_coefficient', 'entropy_bonus', 'actor_entropy_coef'],
    }),
  gamma: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .meta({
      doc: 'What a reward one token later is worth (γ).',
      expects: 'a number from 0 to 1',
      source: 'TRL',
      aliases: ['discount', 'discount_factor'],
    }),
  lambda: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .meta({
      doc: 'The λ of generalised advantage estimation: 1 trusts the rewards that came, 0 the values.',
      expects: 'a number from 0 to 1',
      source: 'TRL',
      aliases: ['lam', 'gae_lambda', 'lambd', 'gae_lam'],
    }),
  whiten_advantages: z
    .boolean()
    .default(true)
    .meta({
      doc: 'Advantages get mean 0 and variance 1 over the answer tokens of the batch.',
      expects: 'true or false',
      source: 'TRL',
      aliases: ['normalize_advantages', 'advantage_whitening', 'norm_adv', 'advantage_norm', 'use_whitening'],
    }),
  whiten_rewards: z
    .boolean()
    .default(false)
    .meta({
      doc: 'Rewards get variance 1 over the answer tokens of the batch; their mean stays.',
      expects: 'true or false',
      source: 'TRL',
      aliases: ['normalize_rewards', 'norm_reward', 'reward_whitening', 'scale_rewards', 'ppo_whiten_rewards'],
    }),
});

export type PpoConfig = z.infer<typeof ppoSchema>;

import { z } from 'zod';
import { chatTemplate, model } from './inputs';
import { preferenceKeys } from './preference';
import { trainingKeys } from './training';

/** A reward model: a scalar head on the backbone, learnt from pairs by −log σ(r_A − r_B − margin). */
export const rewardSchema = z.strictObject({
  type: z.literal('reward').meta({
    doc: 'Reward model: learns a score from pairs of which one answer was preferred.',
    expects: 'reward',
  }),
  model,
  ...preferenceKeys,
  ...trainingKeys({ learning_rate: 1e-5, learningRateSource: 'usual for whole models', epochs: 1, overlength: 'drop' }),
  ensemble: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .meta({
      doc: 'Members that score: each starts and draws its pairs differently, and their disagreement shows where the reward is not to be trusted. 4 or 5 is usual.',
      expects: 'a whole number from 1 to 64',
      aliases: ['ensemble_size', 'num_heads', 'num_reward_models', 'n_members'],
    }),
  ensemble_kind: z
    .enum(['heads', 'models'])
    .default('heads')
    .meta({
      doc: 'What a member of the ensemble is: a head on one trunk (cheap), or a model of its own, which takes as often the time, memory and disk of one.',
      expects: 'heads or models',
      aliases: ['ensemble_type', 'ensemble_method'],
    }),
  centering: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .meta({
      doc: 'Factor of (r_A + r_B)², which holds scores near 0. 0.01 is usual where scores drift.',
      expects: 'a number of 0 or more, such as 0.01',
      source: 'TRL',
      aliases: ['center_rewards_coefficient', 'centering_coefficient', 'center_rewards', 'reward_centering'],
    }),
  margin: z
    .enum(['none', 'label'])
    .default('none')
    .meta({
      doc: 'The margin that the preferred answer must win by: none, or by the label: more where it says much better, or what the field `margin` of the data says.',
      expects: 'none or label',
      aliases: ['margin_loss', 'margin_loss_enable', 'use_margin'],
    }),
  chat_template: chatTemplate,
});

export type RewardConfig = z.infer<typeof rewardSchema>;

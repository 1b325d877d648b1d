import { z } from 'zod';
import { policyKeys } from './policy';

/** REINFORCE leave-one-out (Ahmadian et al. 2024). */
export const rlooSchema = z.strictObject({
  type: z.literal('rloo').meta({
    doc: "RLOO: REINFORCE, with the mean of the other answers' rewards as the baseline.",
    expects: 'rloo',
  }),
  ...policyKeys({
    learning_rate: 1e-6,
    learningRateSource: 'TRL',
    answers_per_prompt: 2,
    ppo_epochs: 1,
    kl_estimator: 'k1',
    klInto: 'reward',
  }),
  whiten_advantages: z
    .boolean()
    .default(false)
    .meta({
      doc: 'Advantages get mean 0 and variance 1 over the answers of the batch.',
      expects: 'true or false',
      source: 'TRL',
      aliases: ['normalize_advantages', 'advantage_whitening', 'norm_adv', 'advantage_norm'],
    }),
});

export type RlooConfig = z.infer<typeof rlooSchema>;

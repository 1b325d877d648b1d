import { z } from 'zod';
import { chatTemplate, model } from './inputs';
import { dpoMonitors } from './monitors';
import { preferenceKeys } from './preference';
import { reference } from './source';
import { trainingKeys } from './training';

/** Direct preference optimisation (Rafailov et al. 2023) and its near relatives. */
export const dpoSchema = z.strictObject({
  type: z.literal('dpo').meta({
    doc: 'Direct preference optimisation: learns from pairs, without a reward model or sampling.',
    expects: 'dpo',
  }),
  model,
  ...preferenceKeys,
  reference,
  beta: z
    .number()
    .gt(0)
    .max(1000)
    .default(0.1)
    .meta({
      doc: 'How strongly the policy is held to the reference: the larger, the less it moves.',
      expects: 'a number above 0, such as 0.1',
      source: 'TRL',
      aliases: ['pref_beta', 'rl_beta', 'dpo_beta', 'model_beta'],
      usual: [0.001, 10],
    }),
  loss: z
    .enum(['sigmoid', 'ipo', 'hinge', 'robust'])
    .default('sigmoid')
    .meta({
      doc: "The loss of a pair: DPO's own (with `label_smoothing`, cDPO), IPO on means over tokens, SLiC's hinge, or robust DPO for labels with noise.",
      expects: 'sigmoid, ipo, hinge or robust',
      source: 'TRL',
      aliases: ['loss_type', 'pref_loss', 'dpo_loss', 'rl'],
    }),
  label_smoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .meta({
      doc: 'The share of labels that is thought to be wrong, for the losses `sigmoid` and `robust`.',
      expects: 'a number from 0 to below 0.5',
      source: 'TRL',
      aliases: ['dpo_label_smoothing', 'label_smoothing_factor'],
    }),
  nll_coef: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .meta({
      doc: 'Factor of the negative log-likelihood of the preferred answer, which keeps its probability from falling. 0.1 to 1 is usual.',
      expects: 'a number of 0 or more',
      aliases: ['rpo_alpha', 'pref_ftx', 'nll_loss_coef', 'sft_coef', 'nll_weight'],
    }),
  monitors: dpoMonitors,
  ...trainingKeys({ learning_rate: 1e-6, learningRateSource: 'TRL', epochs: 1, overlength: 'drop' }),
  chat_template: chatTemplate,
});

export type DpoConfig = z.infer<typeof dpoSchema>;

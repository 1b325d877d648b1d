import { z } from 'zod';
import { chatTemplate, data, model, packing } from './inputs';
import { trainingKeys } from './training';

/** Supervised fine-tuning: the model learns the answers of demonstrations. */
export const sftSchema = z.strictObject({
  type: z
    .literal('sft')
    .meta({ doc: 'Supervised fine-tuning: the model learns the answers in demonstrations.', expects: 'sft' }),
  model,
  data: data.meta({
    ...data.meta(),
    doc: 'Demonstrations: JSONL with `messages`, with `prompt` and `completion`, or with `text`; one file or a list of files.',
  }),
  ...trainingKeys({ learning_rate: 2e-5, learningRateSource: 'TRL', epochs: 3 }),
  packing,
  loss_on: z
    .enum(['assistant', 'all'])
    .nullable()
    .default(null)
    .meta({
      doc: "Which tokens are learnt: the assistant's alone (its end-of-turn token too), or all.",
      expects: 'assistant or all',
      defaultText: '`assistant` for messages and for prompt and completion, `all` for text',
      aliases: ['loss_mask'],
    }),
  chat_template: chatTemplate,
});

export type SftConfig = z.infer<typeof sftSchema>;

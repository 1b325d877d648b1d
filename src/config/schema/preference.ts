import { z } from 'zod';
import { data, path } from './inputs';

const names = z
  .union([path, z.array(path).min(1)])
  .transform((value) => (Array.isArray(value) ? value : [value]))
  .nullable()
  .default(null);

/** Where pairs and people's choices come from, for the stages that learn from them. */
export const preferenceKeys = {
  labels: path
    .nullable()
    .default(null)
    .meta({
      doc: "Labeled pairs: a generate stage's name (its pairs and labels in `labels/<stage>/`), or a folder or file of that format.",
      expects: "a generate stage's name, or a folder such as ./labels/collect",
      defaultText: 'none: `data` stands in its place',
      aliases: ['preferences', 'label_folder', 'annotations', 'feedback', 'pairs'],
      role: 'stage-or-labels',
      takes: ['generate'],
      example: 'collect',
    }),
  data: data
    .nullable()
    .default(null)
    .meta({
      ...data.meta(),
      doc: 'Ready preference data in place of `labels`: JSONL with `prompt`, `chosen` and `rejected`, or with the last two alone; one file or a list.',
      expects: 'a file such as data/preferences.jsonl, or a list of files',
      defaultText: 'none: `labels` stands in its place',
      example: 'data/preferences.jsonl',
    }),
  aggregate: z
    .enum(['majority', 'dawid-skene', 'soft'])
    .default('majority')
    .meta({
      doc: "How several annotators' labels of a pair become one: by majority (ties stay ties), weighed by each one's reliability (Dawid–Skene), or as the share of votes.",
      expects: 'majority, dawid-skene or soft',
      aliases: ['aggregation', 'label_aggregation', 'aggregate_method', 'vote'],
    }),
  ties: z
    .enum(['keep', 'drop'])
    .default('keep')
    .meta({
      doc: 'What becomes of pairs that are a tie: kept, as equally good answers, or left out.',
      expects: 'keep or drop',
      aliases: ['drop_ties', 'tie_handling', 'keep_ties'],
    }),
  annotators: names.meta({
    doc: 'Whose labels count, by name.',
    expects: 'a name or a list of names, such as [ada, ben]',
    defaultText: "everyone's",
    aliases: ['labelers', 'raters', 'labellers'],
    example: '[ada, ben]',
  }),
};

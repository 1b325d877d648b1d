import { z } from 'zod';
import { path, WEIGHT_TYPES } from './inputs';

/** Where a score comes from: a reward model (a stage's result or a folder) or a rule, in a weighted sum. */
const rewardMap = z
  .strictObject({
    stage: path
      .nullable()
      .default(null)
      .meta({
        doc: 'A reward stage (its latest result), or a folder with a reward model.',
        expects: "a reward stage's name, or a folder such as ./reward-model",
        defaultText: 'none: `rule` stands in its place',
        role: 'stage-or-folder',
        takes: ['reward'],
        example: 'reward',
      }),
    rule: path
      .nullable()
      .default(null)
      .meta({
        doc: 'A JavaScript file with `export function reward({ prompt, answer, row })` that returns a number. It runs in a sandbox with limits of time and memory.',
        expects: 'a file such as ./rule.js',
        defaultText: 'none: `stage` stands in its place',
        aliases: ['function', 'script', 'reward_func', 'reward_function'],
        role: 'rule-file',
        example: './rule.js',
      }),
    use: z
      .enum(['mean', 'lower_bound', 'worst'])
      .default('mean')
      .meta({
        doc: 'What an ensemble scores: the mean of its members, the mean minus `k` standard deviations, or the worst member.',
        expects: 'mean, lower_bound or worst',
        aliases: ['combine', 'ensemble_use', 'aggregation'],
      }),
    k: z.number().min(0).max(100).default(1).meta({
      doc: 'Standard deviations that `use: lower_bound` takes off the mean.',
      expects: 'a number of 0 or more',
    }),
    weight: z
      .number()
      .min(-1e6)
      .max(1e6)
      .default(1)
      .meta({
        doc: 'Factor of this score in the sum of all.',
        expects: 'a number',
        aliases: ['reward_weight', 'coef', 'coefficient', 'scale'],
      }),
  })
  .refine(({ stage, rule }) => (stage === null) !== (rule === null));

/** A term of a reward, as it stands after defaults: exactly one of `stage` and `rule` is given. */
export type RewardTerm = z.infer<typeof rewardMap>;

const plainStage = (stage: string): RewardTerm => ({ stage, rule: null, use: 'mean', k: 1, weight: 1 });
const termOf = (term: string | RewardTerm): RewardTerm => (typeof term === 'string' ? plainStage(term) : term);

const REWARD_EXPECTS =
  "a reward stage's name, { stage: reward, use: lower_bound }, { rule: ./rule.js }, or a list of these with weights";

/** What answers are scored by; a list is summed with its weights. */
export const rewardTerms = z
  .union([path, rewardMap, z.array(z.union([path, rewardMap])).min(1)])
  .transform((value) => (Array.isArray(value) ? value.map(termOf) : [termOf(value)]))
  .meta({
    doc: 'What scores answers: a reward stage, `{ stage: reward, use: lower_bound, k: 1 }`, a rule `{ rule: ./rule.js }`, or a list of these with `weight`, which are summed.',
    expects: REWARD_EXPECTS,
    aliases: [
      'reward_funcs',
      'reward_model',
      'reward_model_path',
      'reward_pretrain',
      'reward_function',
      'reward_functions',
      'rewards',
    ],
    role: 'stage-or-folder',
    takes: ['reward'],
    example: 'reward',
  });

/** A single score that compares or watches, never a sum. */
export const rewardTerm = z.union([path, rewardMap]).transform(termOf);

/** Who decides between an answer and the baseline's: people in the labeling panel, or a score. */
export const judge = z
  .union([z.literal('people'), path, rewardMap])
  .transform((value) => (value === 'people' ? value : termOf(value)))
  .nullable()
  .default(null)
  .meta({
    doc: 'What decides between two answers for the win rate: a reward stage, a rule `{ rule: ./rule.js }`, or `people`, who compare blind in the labeling panel.',
    expects: "people, a reward stage's name or { rule: ./rule.js }",
    defaultText: 'what `reward` names',
    aliases: ['judge_model', 'annotator', 'annotators_config', 'win_rate_by'],
    role: 'stage-or-folder',
    takes: ['reward'],
    example: '{ rule: ./rule.js }',
  });

/** The frozen policy that KL and DPO's margins are taken against. */
export const reference = path
  .nullable()
  .default(null)
  .meta({
    doc: 'The frozen model that the policy is held to: a stage or a folder.',
    expects: "a stage's name or a folder such as ./model",
    defaultText: 'the starting weights',
    aliases: [
      'ref_model',
      'reference_model',
      'ref_model_path',
      'ref_model_name_or_path',
      'ref_pretrain',
      'sft_model_path',
    ],
    role: 'stage-or-folder',
    takes: WEIGHT_TYPES,
    example: 'sft',
  });

/** The models whose answers are compared; one may be written without brackets. */
export const models = z
  .union([path, z.array(path).min(1)])
  .transform((value) => (Array.isArray(value) ? value : [value]))
  .meta({
    doc: 'The models to answer, each a stage (its latest result) or a folder.',
    expects: 'a list of stages or folders, such as [sft, ppo]',
    aliases: ['policies', 'checkpoints', 'model_list', 'model_names'],
    role: 'stage-or-folder',
    takes: WEIGHT_TYPES,
    example: '[sft, ppo]',
  });

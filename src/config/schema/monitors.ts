import { z } from 'zod';
import { path } from './inputs';
import { rewardTerm } from './source';

/** A threshold, or `false`: not watched. */
const threshold = (value: number, low: number, high: number) =>
  z.union([z.number().min(low).max(high), z.literal(false)]).default(value);

const thresholdKey = (value: number, low: number, high: number, doc: string) =>
  z
    .number()
    .min(low)
    .max(high)
    .default(value)
    .meta({ doc, expects: `a number from ${low} to ${high}`, aliases: ['limit', 'value'] });

const flattery = z.strictObject({
  threshold: thresholdKey(2, 0, 100, "Phrases per 100 words above the reference's."),
  phrases: z
    .union([path, z.array(z.string().min(1)).min(1)])
    .nullable()
    .default(null)
    .meta({
      doc: 'The phrases to look for: a text file with one a line, or a list.',
      expects: 'a file such as ./phrases.txt, or a list of phrases',
      defaultText: 'a short list of praise and servility in English',
      aliases: ['words', 'patterns', 'phrase_list'],
      role: 'text-file-or-value',
      example: './phrases.txt',
    }),
});
const flatteryDefault = flattery.parse({});

const proxyGap = z.strictObject({
  threshold: thresholdKey(
    0.05,
    0,
    1,
    "How far the judge's mean over four measurements may fall below its best, as a share of it. A fall that chance explains does not count, unless reward and judge are seen to disagree.",
  ),
  judge: rewardTerm
    .nullable()
    .default(null)
    .meta({
      doc: 'The score that the policy never trains on: a rule `{ rule: ./rule.js }`, or a reward stage of other data.',
      expects: "{ rule: ./rule.js } or a reward stage's name",
      defaultText: 'none: nothing to compare with',
      aliases: ['gold', 'oracle', 'held_out_judge'],
      role: 'stage-or-folder',
      takes: ['reward'],
      example: '{ rule: ./rule.js }',
    }),
});
const proxyGapDefault = proxyGap.parse({});

/** What can be seen in answers alone, against the reference's answers to the same prompts. */
const answerKeys = {
  patience: z
    .int()
    .min(1)
    .max(1000)
    .default(2)
    .meta({
      doc: 'Measurements in a row beyond a threshold before its alarm; `proxy_gap` takes four together, and does not wait.',
      expects: 'a whole number of 1 or more',
      aliases: ['hold', 'consecutive'],
    }),
  length_ratio: threshold(1.5, 1, 1000).meta({
    doc: "Mean length of answers ÷ the reference's.",
    expects: 'a number of 1 or more, or false',
    aliases: ['length', 'length_drift'],
  }),
  echo: threshold(0.2, 0, 1).meta({
    doc: "Share of an answer's runs of four words that stand in its prompt, above the reference's.",
    expects: 'a number from 0 to 1, or false',
    aliases: ['prompt_echo', 'copying'],
  }),
  flattery: z
    .union([flattery, z.number().min(0).max(100), z.literal(false)])
    .transform((value) => (typeof value === 'number' ? { ...flatteryDefault, threshold: value } : value))
    .default(flatteryDefault)
    .meta({
      doc: 'Flattering phrases per 100 words, above the reference: a threshold, or `{ threshold: 2, phrases: ./phrases.txt }`.',
      expects: 'a threshold, { threshold: 2, phrases: ./phrases.txt }, or false',
      defaultText: '2',
      aliases: ['sycophancy', 'praise'],
      example: '{ threshold: 2, phrases: ./phrases.txt }',
    }),
  repetition: threshold(0.3, 0, 1).meta({
    doc: "Share of an answer's runs of four words that stand in it already, above the reference's.",
    expects: 'a number from 0 to 1, or false',
    aliases: ['rep_4', 'repetitions', 'loops'],
  }),
  entropy: threshold(0.1, 0, 1).meta({
    doc: "The policy's entropy a token ÷ that of its start; an alarm below it.",
    expects: 'a number from 0 to 1, or false',
    aliases: ['entropy_collapse', 'min_entropy'],
  }),
  kl: threshold(10, 0, 1e6).meta({
    doc: 'KL to the reference in nats an answer: beyond it the reward model has seen no such answers.',
    expects: 'a number of 0 or more, or false',
    aliases: ['max_kl', 'kl_limit'],
  }),
  proxy_gap: z
    .union([proxyGap, z.literal(false)])
    .default(proxyGapDefault)
    .meta({
      doc: 'The reward that trains rises while a judge that does not train falls: `{ judge: { rule: ./rule.js }, threshold: 0.05 }`.',
      expects: '{ judge: { rule: ./rule.js }, threshold: 0.05 }, or false',
      defaultText: 'off until a `judge` is named',
      aliases: ['gap', 'over_optimization', 'overoptimization'],
      example: '{ judge: { rule: ./rule.js } }',
    }),
};

const rlMap = z.strictObject({
  ...answerKeys,
  length_correlation: threshold(0.7, 0, 1).meta({
    doc: 'Correlation of reward with length among answers of a batch.',
    expects: 'a number from 0 to 1, or false',
    aliases: ['reward_length_correlation', 'length_bias'],
  }),
  disagreement: threshold(2, 0, 1000).meta({
    doc: "Standard deviation of an ensemble's members ÷ that on the reward model's held-out pairs.",
    expects: 'a number of 0 or more, or false',
    aliases: ['ensemble_disagreement', 'ensemble_std'],
  }),
});
const dpoMap = z.strictObject({
  ...answerKeys,
  chosen_drop: threshold(0.5, 0, 1000).meta({
    doc: 'How far the mean log-probability of chosen answers may fall below its start, in nats a token, while margins grow.',
    expects: 'a number of 0 or more, or false',
    aliases: ['chosen_fall', 'chosen_logps_drop'],
  }),
});

const META = {
  doc: 'Thresholds of the alarms for reward hacking; `false` switches one off, or all.',
  expects: 'a map such as { kl: 10, length_ratio: 1.5 }, or false',
  defaultText: 'all on',
  aliases: ['alarms', 'alerts', 'thresholds'],
  example: '{ kl: 10, length_ratio: 1.5 }',
};

const NONE = {
  length_ratio: false,
  echo: false,
  flattery: false,
  repetition: false,
  entropy: false,
  kl: false,
  proxy_gap: false,
} as const;
const ALL = {};

/** Of the stages that sample from their policy while it trains. */
export const rlMonitors = z
  .union([rlMap, z.literal(false)])
  .prefault(ALL)
  .transform((value) =>
    value === false ? rlMap.parse({ ...NONE, length_correlation: false, disagreement: false }) : value,
  )
  .meta(META);
/** Of DPO, measured on sample answers. */
export const dpoMonitors = z
  .union([dpoMap, z.literal(false)])
  .prefault(ALL)
  .transform((value) => (value === false ? dpoMap.parse({ ...NONE, chosen_drop: false }) : value))
  .meta(META);

export type RlMonitors = z.infer<typeof rlMonitors>;
export type DpoMonitors = z.infer<typeof dpoMonitors>;

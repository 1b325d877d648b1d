/** What the panel knows about a metric: its words, its place in the grid, and what healthy looks like. */
export interface MetricInfo {
  readonly name: string;
  readonly unit: string;
  readonly about: string;
  readonly healthy?: { readonly min: number; readonly max: number };
}

const KNOWN: readonly MetricInfo[] = [
  // What is optimised, and how far the leash let it go.
  { name: 'objective/scores', unit: 'reward', about: 'Mean reward of the answers, without the KL penalty.' },
  {
    name: 'objective/kl',
    unit: 'nats',
    about: 'Distance of the policy from its reference, summed over an answer. Growing without end: reward hacking.',
  },
  {
    name: 'loss',
    unit: 'nats per token',
    about:
      'Mean cross-entropy −log p(token) over the learnt tokens of the step. It falls fast, then slowly; a jump up is a bad batch or too high a learning rate.',
  },
  {
    name: 'eval_loss',
    unit: 'nats per token',
    about:
      'The same loss on the held-out rows. Healthy: falls with the loss. When it turns up while the loss falls, the run overfits: stop at the lowest point.',
  },
  {
    name: 'mean_token_accuracy',
    unit: 'share',
    about: 'Share of learnt tokens that the model ranks first. Rises as the loss falls.',
  },
  {
    name: 'eval_mean_token_accuracy',
    unit: 'share',
    about: 'Share of the held-out rows’ learnt tokens that the model ranks first.',
  },
  {
    name: 'grad_norm',
    unit: 'L2',
    about:
      'Norm of all gradients together, before clipping. Healthy: steady, below about ten times its median. Growing without end points to a learning rate that is too high.',
  },
  { name: 'learning_rate', unit: '', about: 'What the schedule gave for this step.' },
  {
    name: 'entropy',
    unit: 'nats',
    about:
      'Mean entropy of the model’s next-token distribution. A fall towards zero means that answers become all alike.',
  },
  { name: 'eval_entropy', unit: 'nats', about: 'The entropy on the held-out rows.' },
  { name: 'step_seconds', unit: 's', about: 'Wall time of one optimizer step.' },
  { name: 'policy/clipfrac_avg', unit: 'share', about: 'Share of tokens whose ratio was clipped.' },
  {
    name: 'monitor/length_ratio',
    unit: '× reference',
    about:
      'Mean length of answers ÷ the reference’s. Reward models like length: what grows without getting better is reward hacking.',
  },
  {
    name: 'monitor/length_correlation',
    unit: 'r',
    about:
      'Correlation of reward with length, among answers to one prompt where there are several, else over all. Near 1 the reward model mostly counts tokens.',
  },
  {
    name: 'monitor/length_correlation_overall',
    unit: 'r',
    about: 'Correlation of reward with length over all answers, whatever their prompt.',
  },
  {
    name: 'monitor/echo',
    unit: 'share',
    about: 'Share of an answer’s runs of four words that stand in its prompt, above the reference’s.',
  },
  {
    name: 'monitor/flattery',
    unit: 'per 100 words',
    about: 'Phrases of the flattery list in 100 words, above the reference’s.',
  },
  {
    name: 'monitor/repetition',
    unit: 'share',
    about: 'Share of an answer’s runs of four words that stand in it already, above the reference’s.',
  },
  {
    name: 'monitor/entropy',
    unit: '× start',
    about: 'The policy’s entropy a token ÷ that of its start. Near 0 all answers are alike and nothing more is learnt.',
  },
  {
    name: 'monitor/kl',
    unit: 'nats an answer',
    about: 'KL to the reference. Far away the reward model scores answers such as it never saw.',
  },
  {
    name: 'monitor/disagreement',
    unit: '× known',
    about: 'How much the members of the reward ensemble differ, ÷ how much on answers they know.',
  },
  { name: 'monitor/judge', unit: '', about: 'Mean score of the judge, which trains nothing.' },
  {
    name: 'monitor/judge_correlation',
    unit: 'r',
    about:
      'Correlation of the reward with the judge over the last four measurements. Below 0 what is learnt is what the judge dislikes: a fall is coming.',
  },
  {
    name: 'monitor/proxy_gap',
    unit: 'of its best',
    about: 'How far the judge fell below its best while the reward rose: over-optimisation.',
  },
  {
    name: 'monitor/chosen_drop',
    unit: 'nats a token',
    about: 'How far the log-probability of chosen answers fell below its start.',
  },
  { name: 'monitor/distinct_1', unit: '', about: 'Different words of an answer ÷ its words.' },
  { name: 'monitor/distinct_2', unit: '', about: 'Different pairs of neighbouring words ÷ all pairs.' },
  { name: 'monitor/distinct_3', unit: '', about: 'Different runs of three words ÷ all such runs.' },
  {
    name: 'monitor/longest_repeat',
    unit: 'words',
    about: 'The longest stretch of an answer that says again what stood before.',
  },
];

/** Columns that are an axis or bookkeeping and get no chart of their own. */
export const AXIS_METRICS: ReadonlySet<string> = new Set(['num_tokens', 'epoch', 'iteration']);

const BY_NAME = new Map(KNOWN.map((info) => [info.name, info]));

export function metricInfo(name: string): MetricInfo {
  return BY_NAME.get(name) ?? { name, unit: '', about: '' };
}

/** The order of the charts: the known ones first, in their order, the others by name. */
export function orderMetrics(names: Iterable<string>): string[] {
  const rank = (name: string): number => {
    const index = KNOWN.findIndex((info) => info.name === name);
    return index < 0 ? KNOWN.length : index;
  };
  return [...names]
    .filter((name) => !AXIS_METRICS.has(name))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

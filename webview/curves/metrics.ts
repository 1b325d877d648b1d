/** What the panel knows about a metric: its words, its place in the grid, and what healthy looks like. */
export interface MetricInfo {
  readonly name: string;
  readonly unit: string;
  readonly about: string;
  readonly healthy?: { readonly min: number; readonly max: number };
}

const KNOWN: readonly MetricInfo[] = [
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
  {
    name: 'objective/kl',
    unit: 'nats',
    about: 'Distance of the policy from its reference, summed over an answer. Growing without end: reward hacking.',
  },
  { name: 'objective/scores', unit: 'reward', about: 'Mean reward of the answers, without the KL penalty.' },
  { name: 'step_seconds', unit: 's', about: 'Wall time of one optimizer step.' },
  { name: 'policy/clipfrac_avg', unit: 'share', about: 'Share of tokens whose ratio was clipped.' },
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

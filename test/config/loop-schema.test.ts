import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../src/config/diagnostic';
import { parseExperiment } from '../../src/config/parse';
import type { StageConfig, StageType } from '../../src/config/schema/experiment';
import { LOOP_CONFIG } from './loop-config';

const FILE = path.resolve('somewhere', 'align.yaml');

function good(text: string) {
  const { experiment, diagnostics } = parseExperiment(text, FILE);
  if (!experiment) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return experiment;
}

/** The one stage of a config, of the type that it must have. */
function stageOf<T extends StageType>(type: T, lines: string): Extract<StageConfig, { type: T }> {
  const config = good(`model: ./model\nstages:\n  s:\n    type: ${type}\n${lines}`).stages.get('s');
  const isType = (value: StageConfig | undefined): value is Extract<StageConfig, { type: T }> => value?.type === type;
  if (!isType(config)) throw new Error(`no ${type}`);
  return config;
}

const TRAINING = {
  epochs: 1,
  steps: null,
  micro_batch_size: null,
  schedule: 'linear',
  warmup: 0,
  weight_decay: 0,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  max_grad_norm: 1,
  freeze: [],
  held_out: 0.05,
  evaluate_every: 0.1,
  sample_every: 0.1,
  checkpoint_every: 0.1,
  keep_checkpoints: 2,
  sample_prompts: 8,
  early_stopping: null,
  shuffle: true,
};
const LENGTH = { max_length: 1024, overlength: 'drop', chat_template: null };
const ANSWER_MONITORS = {
  patience: 2,
  length_ratio: 1.5,
  echo: 0.2,
  flattery: { threshold: 2, phrases: null },
  repetition: 0.3,
  entropy: 0.1,
  kl: 10,
  proxy_gap: { threshold: 0.05, judge: null },
};
const POLICY = {
  model: null,
  prompts: ['p.jsonl'],
  reward: [{ stage: './r', rule: null, use: 'mean', k: 1, weight: 1 }],
  reference: null,
  kl_penalty: 0.1,
  kl_target: null,
  kl_stop: null,
  missing_eos_penalty: null,
  max_new_tokens: 64,
  top_p: null,
  top_k: null,
  mini_batches: 1,
  clip_range: 0.2,
  monitors: { ...ANSWER_MONITORS, length_correlation: 0.7, disagreement: 2 },
  ...TRAINING,
  ...LENGTH,
};
const POLICY_LINES = '    prompts: p.jsonl\n    reward: ./r\n';

describe('defaults of', () => {
  test('generate', () => {
    expect(stageOf('generate', '    prompts: p.jsonl\n')).toEqual({
      type: 'generate',
      model: null,
      models: null,
      prompts: ['p.jsonl'],
      answers_per_prompt: 2,
      max_new_tokens: 64,
      temperature: 1,
      top_p: null,
      top_k: null,
      max_pairs: null,
      guideline: null,
      annotators: [],
      ...LENGTH,
    });
    const { annotators } = stageOf('generate', '    prompts: p\n    annotators: [{ name: ada, rule: ./o.js }]\n');
    expect(annotators).toEqual([{ name: 'ada', rule: './o.js', sharpness: 10, noise: 0, length_bias: 0, tie_band: 0 }]);
  });

  test('reward', () => {
    expect(stageOf('reward', '    labels: ./labels/x\n')).toEqual({
      type: 'reward',
      model: null,
      labels: './labels/x',
      data: null,
      aggregate: 'majority',
      ties: 'keep',
      annotators: null,
      ensemble: 1,
      ensemble_kind: 'heads',
      centering: 0,
      margin: 'none',
      ...TRAINING,
      ...LENGTH,
      learning_rate: 1e-5,
      batch_size: 8,
    });
  });

  test('dpo', () => {
    expect(stageOf('dpo', '    data: pairs.jsonl\n')).toEqual({
      type: 'dpo',
      model: null,
      labels: null,
      data: ['pairs.jsonl'],
      aggregate: 'majority',
      ties: 'keep',
      annotators: null,
      reference: null,
      beta: 0.1,
      loss: 'sigmoid',
      label_smoothing: 0,
      nll_coef: 0,
      monitors: { ...ANSWER_MONITORS, chosen_drop: 0.5 },
      ...TRAINING,
      ...LENGTH,
      learning_rate: 1e-6,
      batch_size: 8,
    });
  });

  test('ppo', () => {
    expect(stageOf('ppo', POLICY_LINES)).toEqual({
      type: 'ppo',
      ...POLICY,
      learning_rate: 1e-5,
      batch_size: 64,
      answers_per_prompt: 1,
      temperature: 0.7,
      ppo_epochs: 4,
      kl_estimator: 'k1',
      value_model: 'shared',
      value_clip_range: 0.2,
      value_coef: 0.1,
      entropy_coef: 0,
      gamma: 1,
      lambda: 0.95,
      whiten_advantages: true,
      whiten_rewards: false,
    });
  });

  test('grpo and rloo', () => {
    const common = { ...POLICY, learning_rate: 1e-6, batch_size: 8, temperature: 1, ppo_epochs: 1 };
    expect(stageOf('grpo', POLICY_LINES)).toEqual({
      type: 'grpo',
      ...common,
      answers_per_prompt: 8,
      kl_estimator: 'k3',
      clip_range_high: null,
      loss: 'dapo',
      scale_rewards: 'group',
    });
    expect(stageOf('rloo', POLICY_LINES)).toEqual({
      type: 'rloo',
      ...common,
      answers_per_prompt: 2,
      kl_estimator: 'k1',
      whiten_advantages: false,
    });
  });

  test('evaluate', () => {
    expect(stageOf('evaluate', '    models: ./m\n    prompts: p.jsonl\n')).toEqual({
      type: 'evaluate',
      models: ['./m'],
      prompts: ['p.jsonl'],
      reward: null,
      judge: null,
      baseline: null,
      answers_per_prompt: 1,
      max_new_tokens: 64,
      temperature: 1,
      top_p: null,
      top_k: null,
      greedy: true,
      ...LENGTH,
    });
  });
});

describe('short forms', () => {
  test('of a reward become a list of terms', () => {
    const reward = (text: string) => stageOf('ppo', `    prompts: p\n    reward: ${text}\n`).reward;
    const plain = { stage: './r', rule: null, use: 'mean', k: 1, weight: 1 };
    expect(reward('./r')).toEqual([plain]);
    expect(reward('{ stage: ./r, use: worst }')).toEqual([{ ...plain, use: 'worst' }]);
    expect(reward('[./r, { rule: ./x.js, weight: -0.5 }]')).toEqual([
      plain,
      { ...plain, stage: null, rule: './x.js', weight: -0.5 },
    ]);
  });

  test('of monitors', () => {
    const monitors = (text: string) => stageOf('ppo', `${POLICY_LINES}    monitors: ${text}\n`).monitors;
    expect(monitors('{ flattery: 5, kl: false, proxy_gap: { judge: { rule: ./o.js } } }')).toMatchObject({
      flattery: { threshold: 5, phrases: null },
      kl: false,
      proxy_gap: { threshold: 0.05, judge: { rule: './o.js' } },
      echo: 0.2,
    });
    const { patience, ...off } = monitors('false');
    expect(patience).toBe(2);
    expect(new Set(Object.values(off))).toEqual(new Set([false]));
    expect(Object.keys(off).sort()).toEqual(
      Object.keys(POLICY.monitors)
        .filter((key) => key !== 'patience')
        .sort(),
    );
  });

  test('a judge of people', () => {
    expect(stageOf('evaluate', '    models: ./m\n    prompts: p\n    judge: people\n').judge).toBe('people');
  });

  test('a resolved config passes as a config again, in every type', () => {
    for (const [name, config] of good(LOOP_CONFIG).stages) {
      const experiment = good(JSON.stringify({ model: './m', stages: { [name]: resolved(config) } }));
      expect(experiment.stages.get(name)).toEqual(resolved(config));
    }
  });
});

/** The config with all stages that it names made folders, so that it stands alone. */
function resolved(config: StageConfig): StageConfig {
  const names = new Set(good(LOOP_CONFIG).stages.keys());
  const visit = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return key !== 'type' && names.has(value) ? `./${value}` : value;
    if (Array.isArray(value)) return value.map((item) => visit(item, key));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([inner, item]) => [inner, visit(item, inner)]));
  };
  return visit(config, '') as StageConfig;
}

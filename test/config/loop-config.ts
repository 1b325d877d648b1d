/** A config with every type of stage, and every way to name another stage. */
export const LOOP_CONFIG = `model: ./model
stages:
  pretrain:
    type: pretrain
    architecture: ./architecture.json
    tokenizer: { train: bpe, vocab_size: 300 }
    data: data/text.jsonl
  sft:
    type: sft
    model: pretrain
    data: data/demonstrations.jsonl
  collect:
    type: generate
    models: [sft, pretrain]
    prompts: data/prompts.jsonl
    temperature: 0.9
    guideline: ./guideline.md
    max_pairs: 200
    annotators:
      - { name: ada, rule: ./oracle.js, tie_band: 0.02 }
      - name: cleo
        rule: ./oracle.js
        sharpness: 2
        length_bias: 0.25
        noise: 0.1
  rm:
    type: reward
    model: sft
    labels: collect
    annotators: [ada, cleo]
    aggregate: dawid-skene
    ensemble: 4
    centering: 0.01
    margin: label
  dpo:
    type: dpo
    model: sft
    labels: collect
    reference: pretrain
    loss: robust
    label_smoothing: 0.1
    monitors: { chosen_drop: 1, kl: false }
  ppo:
    type: ppo
    model: sft
    prompts: [data/prompts.jsonl]
    reward:
      - { stage: rm, use: lower_bound, k: 0.5 }
      - rule: ./brevity.js
        weight: 0.1
    reference: sft
    kl_penalty: 0.1
    kl_target: 6
    monitors:
      length_ratio: 2
      flattery: { threshold: 1, phrases: ./phrases.txt }
      proxy_gap: { judge: { rule: ./oracle.js } }
  grpo: { type: grpo, model: sft, prompts: data/prompts.jsonl, reward: rm, kl_stop: 9 }
  rloo: { type: rloo, model: dpo, prompts: data/prompts.jsonl, reward: { rule: ./oracle.js }, monitors: false }
  score:
    type: evaluate
    models: [sft, dpo, ppo, grpo, ./model]
    baseline: pretrain
    prompts: data/held-out.jsonl
    reward: [rm, { rule: ./oracle.js }]
    judge: { rule: ./oracle.js }
`;

/** The files of it, with something in each. */
export const LOOP_FILES = [
  'architecture.json',
  'guideline.md',
  'oracle.js',
  'brevity.js',
  'phrases.txt',
  'data/text.jsonl',
  'data/demonstrations.jsonl',
  'data/prompts.jsonl',
  'data/held-out.jsonl',
  'model/config.json',
] as const;

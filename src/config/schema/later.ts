/** What the file format has names for but this version does not do yet, each with the way round. */
export const LATER_STAGE_TYPES: ReadonlyMap<string, string> = new Map([
  ['generate', 'For answers to a list of prompts use `align generate MODEL --prompt …` on a finished stage.'],
  ['reward', 'Only `pretrain` and `sft` run so far; comment this stage out.'],
  ['dpo', 'Until then, fine-tune on the chosen answers alone with `type: sft`.'],
  ['ppo', 'Only `pretrain` and `sft` run so far; comment this stage out.'],
  ['grpo', 'Only `pretrain` and `sft` run so far; comment this stage out.'],
  ['rloo', 'Only `pretrain` and `sft` run so far; comment this stage out.'],
  ['evaluate', 'Until then, read `eval_loss` and the samples of a training stage with a `held_out` file.'],
]);

/** Keys of a stage that wait for a later version. */
export const LATER_KEYS: ReadonlyMap<string, string> = new Map([
  ['lora', 'Leave it out: all weights train. `freeze` with name patterns keeps parts of the model as they are.'],
  ['seeds', 'Run the stage again with `--set seed=N` for each seed.'],
]);

export const LATER_DEVICES: ReadonlyMap<string, string> = new Map([
  ['auto', 'Write `cpu`, or `webgpu` for a GPU; `align devices` lists what this machine has.'],
  ['cuda', 'Write `webgpu`: it runs on NVIDIA GPUs too, through their Vulkan driver.'],
  ['dml', 'Write `webgpu`: it runs on the same GPUs.'],
  ['coreml', 'Write `webgpu`: it runs on Apple GPUs.'],
]);

/** Keys of stages of later versions, and those stages: for a clear answer where one stands in the wrong stage. */
export const LATER_STAGE_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['answers_per_prompt', ['generate', 'grpo', 'rloo']],
  ['max_new_tokens', ['generate', 'ppo', 'grpo', 'rloo', 'evaluate']],
  ['temperature', ['generate', 'ppo', 'grpo', 'rloo', 'evaluate']],
  ['top_p', ['generate', 'ppo', 'grpo', 'rloo', 'evaluate']],
  ['top_k', ['generate', 'ppo', 'grpo', 'rloo', 'evaluate']],
  ['prompts', ['generate', 'ppo', 'grpo', 'rloo', 'evaluate']],
  ['beta', ['dpo']],
  ['loss', ['dpo']],
  ['label_smoothing', ['dpo']],
  ['nll_coef', ['dpo']],
  ['kl_penalty', ['ppo', 'grpo', 'rloo']],
  ['kl_estimator', ['ppo', 'grpo', 'rloo']],
  ['kl_target', ['ppo', 'grpo', 'rloo']],
  ['ppo_epochs', ['ppo']],
  ['mini_batches', ['ppo']],
  ['clip_range', ['ppo']],
  ['value_clip_range', ['ppo']],
  ['value_coef', ['ppo']],
  ['entropy_coef', ['ppo']],
  ['gamma', ['ppo']],
  ['lambda', ['ppo']],
  ['missing_eos_penalty', ['ppo']],
  ['value_model', ['ppo']],
  ['reward', ['ppo', 'grpo', 'rloo', 'evaluate']],
  ['reference', ['dpo', 'ppo', 'grpo', 'rloo']],
  ['labels', ['reward', 'dpo']],
  ['aggregate', ['reward', 'dpo']],
  ['ensemble', ['reward', 'dpo']],
  ['centering', ['reward', 'dpo']],
  ['models', ['evaluate']],
  ['baseline', ['evaluate']],
  ['judge', ['evaluate']],
]);

/**
 * Keys of other trainers (TRL and transformers, OpenRLHF, LLaMA-Factory, Axolotl, verl) that are not one of ours under
 * another name, but ask for a word of explanation. Where `key` stands, ours may take the place; `value` turns their
 * value into ours.
 */
export interface ForeignKey {
  readonly explain: string;
  readonly key?: string;
  readonly value?: (theirs: unknown) => string | undefined;
}

const assistantOnly = (theirs: unknown) => (theirs === true ? 'assistant' : theirs === false ? 'all' : undefined);
const assistantUnless = (theirs: unknown) => (theirs === true ? 'all' : theirs === false ? 'assistant' : undefined);
const opposite = (theirs: unknown) => (typeof theirs === 'boolean' ? String(!theirs) : undefined);
const seedAtTop = 'The seed is set once, with `seed` at the top of the file, and holds for all stages.';
const noPrecision = 'Training computes in float32. Remove this key.';
const noMemoryTrick = 'There is nothing to switch: memory is bounded by `micro_batch_size`. Remove this key.';
const whereRunsGo = 'Runs go to .align/runs beside the config file. Remove this key.';
const noReport =
  'All metrics are in the run directory and on the curves panel; nothing is sent anywhere. Remove this key.';

export const FOREIGN_KEYS: ReadonlyMap<string, ForeignKey> = new Map<string, ForeignKey>([
  [
    'assistant_only_loss',
    { explain: '`loss_on: assistant` or `loss_on: all` says it.', key: 'loss_on', value: assistantOnly },
  ],
  [
    'completion_only_loss',
    { explain: '`loss_on: assistant` or `loss_on: all` says it.', key: 'loss_on', value: assistantOnly },
  ],
  ['train_on_inputs', { explain: '`loss_on: all` learns the prompt as well.', key: 'loss_on', value: assistantUnless }],
  ['train_on_prompt', { explain: '`loss_on: all` learns the prompt as well.', key: 'loss_on', value: assistantUnless }],
  ['roles_to_train', { explain: 'Use `loss_on: assistant` or `loss_on: all`; other roles are never learnt alone.' }],
  ['train_on_eos', { explain: 'The end-of-turn token of an answer is always learnt. Remove this key.' }],
  ['mask_history', { explain: 'All answers of a conversation are learnt. Remove this key.' }],
  ['disable_shuffle', { explain: '`shuffle: false` says it.', key: 'shuffle', value: opposite }],
  ['adam_betas', { explain: 'Write `adam_beta1` and `adam_beta2`, a number each.' }],
  ['betas', { explain: 'Write `adam_beta1` and `adam_beta2`, a number each.' }],
  ['evals_per_epoch', { explain: '`evaluate_every` takes steps, a share of the run, or `false`.' }],
  ['saves_per_epoch', { explain: '`checkpoint_every` takes steps, a share of the run, or `false`.' }],
  ['per_device_eval_batch_size', { explain: 'Evaluation takes what `micro_batch_size` allows. Remove this key.' }],
  ['seed', { explain: seedAtTop }],
  ['data_seed', { explain: seedAtTop }],
  ['random_seed', { explain: seedAtTop }],
  [
    'device',
    { explain: 'The device is set once, with `device` at the top of the file, or by `--device` for one run.' },
  ],
  ['threads', { explain: 'Threads are set once, with `threads` at the top of the file.' }],
  ['fp16', { explain: noPrecision }],
  ['bf16', { explain: noPrecision }],
  ['tf32', { explain: noPrecision }],
  ['precision', { explain: noPrecision }],
  ['dtype', { explain: noPrecision }],
  ['torch_dtype', { explain: noPrecision }],
  ['param_dtype', { explain: noPrecision }],
  ['load_in_4bit', { explain: noPrecision }],
  ['load_in_8bit', { explain: noPrecision }],
  ['gradient_checkpointing', { explain: noMemoryTrick }],
  ['activation_checkpointing', { explain: noMemoryTrick }],
  ['flash_attention', { explain: noMemoryTrick }],
  ['attn_implementation', { explain: noMemoryTrick }],
  ['use_liger_kernel', { explain: noMemoryTrick }],
  ['deepspeed', { explain: 'One device trains. Remove this key.' }],
  ['fsdp', { explain: 'One device trains. Remove this key.' }],
  ['output_dir', { explain: whereRunsGo }],
  ['logging_dir', { explain: whereRunsGo }],
  ['save_path', { explain: whereRunsGo }],
  ['run_name', { explain: 'A run is named after its stage and the time. Rename the stage instead.' }],
  ['overwrite_output_dir', { explain: 'Each run has a folder of its own. Remove this key.' }],
  ['resume_from_checkpoint', { explain: 'Use `align resume RUN`, or `align branch RUN --step N`.' }],
  ['logging_steps', { explain: 'Every step is logged. Remove this key.' }],
  ['log_interval', { explain: 'Every step is logged. Remove this key.' }],
  ['report_to', { explain: noReport }],
  ['wandb_project', { explain: noReport }],
  ['use_wandb', { explain: noReport }],
  ['optim', { explain: 'The optimizer is AdamW. Remove this key.' }],
  ['optimizer', { explain: 'The optimizer is AdamW. Remove this key.' }],
  ['eval_strategy', { explain: '`evaluate_every` takes steps, a share of the run, or `false`.' }],
  ['evaluation_strategy', { explain: '`evaluate_every` takes steps, a share of the run, or `false`.' }],
  ['save_strategy', { explain: '`checkpoint_every` takes steps, a share of the run, or `false`.' }],
  [
    'load_best_model_at_end',
    { explain: 'The result is always the best by `eval_loss` where rows are held out. Remove this key.' },
  ],
  ['metric_for_best_model', { explain: 'The best is chosen by `eval_loss`. Remove this key.' }],
  ['do_train', { explain: 'A stage trains when it is run. Remove this key.' }],
  ['do_eval', { explain: 'Evaluation is on unless `held_out: false`. Remove this key.' }],
  ['dataset_text_field', { explain: 'Text is read from the field `text`. Rename the field in the data.' }],
  ['dataset_num_proc', { explain: 'Remove this key.' }],
  ['dataloader_num_workers', { explain: 'Remove this key.' }],
  ['remove_unused_columns', { explain: 'Other fields of a row are left alone. Remove this key.' }],
  ['trust_remote_code', { explain: 'No code from models is ever run. Remove this key.' }],
  ['pad_token', { explain: 'Padding is masked by position; the token does not matter. Remove this key.' }],
  ['pad_to_multiple_of', { explain: 'Remove this key.' }],
  ['eos_token', { explain: "The end of a turn comes from the model's template and generation_config.json." }],
  ['stage_type', { explain: '`type` says what a stage does.', key: 'type' }],
  ['method', { explain: '`type` says what a stage does.', key: 'type' }],
  ['task', { explain: '`type` says what a stage does.', key: 'type' }],
  ['algorithm', { explain: '`type` says what a stage does.', key: 'type' }],
  [
    'lora_r',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'lora_rank',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'lora_alpha',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'lora_dropout',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'peft_config',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'use_peft',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'adapter',
    {
      explain:
        'LoRA is not there yet: all weights train; `freeze` keeps parts of the model as they are. Remove this key.',
    },
  ],
  [
    'total_episodes',
    { explain: '`epochs` says how often the prompts are gone through; `steps` counts optimizer steps.', key: 'epochs' },
  ],
  [
    'num_sample_generations',
    { explain: '`sample_every` and `sample_prompts` say when and for what samples are written.' },
  ],
  ['local_rollout_forward_batch_size', { explain: noMemoryTrick }],
  ['precompute_ref_log_probs', { explain: 'The reference is always computed once and kept. Remove this key.' }],
  ['reference_free', { explain: 'DPO needs its reference; left out, it is the starting weights. Remove this key.' }],
  ['disable_dropout', { explain: 'There is no dropout. Remove this key.' }],
  ['stop_token', { explain: "An answer ends at the model's end-of-turn token. Remove this key." }],
  ['use_vllm', { explain: 'Answers are written by the same process. Remove this key.' }],
  ['max_prompt_length', { explain: '`max_length` bounds prompt and answer together, `max_new_tokens` the answer.' }],
  ['reward_weights', { explain: 'Write `weight` beside each term of `reward`.' }],
  [
    'use_kl_loss',
    {
      explain:
        'KL goes where the method has it: into the reward (ppo, rloo) or the loss (grpo). `kl_penalty: 0` switches it off.',
    },
  ],
  ['depends_on', { explain: "The graph follows from references: write the other stage's name as `model`." }],
  ['needs', { explain: "The graph follows from references: write the other stage's name as `model`." }],
  ['<<', { explain: 'Merge keys are not read. Write the keys out in each stage.' }],
]);

/** Other words for the types of stages. */
export const FOREIGN_TYPES: ReadonlyMap<string, string> = new Map([
  ['pt', 'pretrain'],
  ['pretraining', 'pretrain'],
  ['clm', 'pretrain'],
  ['language_modeling', 'pretrain'],
  ['continued_pretraining', 'pretrain'],
  ['supervised', 'sft'],
  ['supervised_fine_tuning', 'sft'],
  ['finetune', 'sft'],
  ['fine_tune', 'sft'],
  ['finetuning', 'sft'],
  ['instruct', 'sft'],
  ['rm', 'reward'],
  ['reward_model', 'reward'],
  ['reward_modeling', 'reward'],
  ['eval', 'evaluate'],
  ['rlhf', 'ppo'],
  ['collect', 'generate'],
  ['sample', 'generate'],
  ['generation', 'generate'],
  ['preference', 'dpo'],
  ['direct_preference_optimization', 'dpo'],
  ['ipo', 'dpo'],
  ['proximal_policy_optimization', 'ppo'],
  ['group_relative_policy_optimization', 'grpo'],
  ['reinforce', 'rloo'],
  ['evaluation', 'evaluate'],
  ['benchmark', 'evaluate'],
]);

/** Other words for values of our keys. */
export const FOREIGN_VALUES: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    'schedule',
    new Map([
      ['cosine_with_warmup', 'cosine'],
      ['cosine_annealing', 'cosine'],
      ['cosine_with_restarts', 'cosine'],
      ['cosine_with_min_lr', 'cosine'],
      ['constant_with_warmup', 'constant'],
      ['linear_with_warmup', 'linear'],
      ['none', 'constant'],
    ]),
  ],
  [
    'overlength',
    new Map([
      ['keep_start', 'truncate'],
      ['cut', 'truncate'],
      ['skip', 'drop'],
      ['raise', 'error'],
    ]),
  ],
  [
    'loss_on',
    new Map([
      ['completion', 'assistant'],
      ['answer', 'assistant'],
      ['assistant_only', 'assistant'],
      ['everything', 'all'],
    ]),
  ],
  [
    'kl_estimator',
    new Map([
      ['kl', 'k1'],
      ['mse', 'k2'],
      ['low_var_kl', 'k3'],
    ]),
  ],
  [
    'loss',
    new Map([
      ['dpo', 'sigmoid'],
      ['cdpo', 'sigmoid'],
      ['bnpo', 'dapo'],
      ['slic', 'hinge'],
    ]),
  ],
  [
    'aggregate',
    new Map([
      ['majority_vote', 'majority'],
      ['dawid_skene', 'dawid-skene'],
      ['ds', 'dawid-skene'],
      ['mean', 'soft'],
    ]),
  ],
  [
    'use',
    new Map([
      ['min', 'worst'],
      ['wco', 'worst'],
      ['uwo', 'lower_bound'],
      ['lcb', 'lower_bound'],
      ['average', 'mean'],
    ]),
  ],
  [
    'value_model',
    new Map([
      ['true', 'separate'],
      ['own', 'separate'],
    ]),
  ],
  [
    'device',
    new Map([
      ['gpu', 'webgpu'],
      ['vulkan', 'webgpu'],
      ['metal', 'webgpu'],
      ['mps', 'webgpu'],
      ['wasm', 'cpu'],
    ]),
  ],
]);

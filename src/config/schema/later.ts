/** What the file format has names for but this version does not do yet, each with the way round. */
export const LATER_STAGE_TYPES: ReadonlyMap<string, string> = new Map([
  ['kto', 'Until then, make pairs of good and bad answers and use `type: dpo`.'],
  ['online_dpo', 'Until then, take turns: `type: generate`, label, `type: dpo`, and again from its result.'],
  ['orpo', 'Until then, use `type: dpo` with `nll_coef: 1`.'],
  ['simpo', 'Until then, use `type: dpo`, whose reference costs one pass over the pairs.'],
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

import type { TrainingConfig } from '../config/schema/experiment';
import type { AdamWSettings } from '../tensor/optimizer';

/** A stage's optimizer as its config has it. */
export const optimizerOf = (config: TrainingConfig): AdamWSettings => ({
  beta1: config.adam_beta1,
  beta2: config.adam_beta2,
  epsilon: config.adam_epsilon,
  weightDecay: config.weight_decay,
  maxGradNorm: config.max_grad_norm,
});

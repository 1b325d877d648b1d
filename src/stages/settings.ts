import type { TrainingConfig } from '../config/schema/experiment';
import type { AdamWSettings, ScheduleSettings } from '../tensor/optimizer';

/** A stage's optimizer as its config has it. */
export const optimizerOf = (config: TrainingConfig): AdamWSettings => ({
  beta1: config.adam_beta1,
  beta2: config.adam_beta2,
  epsilon: config.adam_epsilon,
  weightDecay: config.weight_decay,
  maxGradNorm: config.max_grad_norm,
});

/** How a stage's learning rate goes, as its config has it. */
export const scheduleOf = ({ schedule, warmup, learning_rate }: TrainingConfig): ScheduleSettings => ({
  schedule,
  warmup,
  learningRate: learning_rate,
});

/** Optimizer steps of a stage, each over one batch of its data. */
export const stepsOf = ({ steps, epochs }: TrainingConfig, batchesPerEpoch: number): number =>
  steps ?? Math.max(1, Math.round(epochs * batchesPerEpoch));

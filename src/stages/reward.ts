import type { ResolvedStage } from '../config/experiment';
import type { RewardConfig } from '../config/schema/experiment';
import { openCheckpoint } from '../models/checkpoint';
import { parameterCount } from '../models/parameters';
import { loadTokenizer } from '../models/tokenizer';
import { ModelWeights } from '../models/weights';
import type { StageContext } from './context';
import { preparePairs } from './preferences/preference-pairs';
import { RewardTask } from './rewards/reward-task';
import type { Task } from './task';
import { machineMemory } from './training/memory';
import { missingModel, templateOf } from './training/texts';

/**
 * Reward model (Stiennon et al. 2020; Ouyang et al. 2022): the backbone of a language model with a linear head at the
 * last token, learnt from pairs of answers of which people preferred one.
 */
export async function prepareReward(stage: ResolvedStage, config: RewardConfig, context: StageContext): Promise<Task> {
  const { modelFolder, runtime } = context;
  if (modelFolder === null) throw missingModel(stage);
  const tokenizer = loadTokenizer(modelFolder);
  const template = templateOf(config, stage.inputs.chatTemplate, tokenizer);
  const checkpoint = openCheckpoint(modelFolder);
  try {
    const maxLength = Math.min(config.max_length, checkpoint.config.maxPositions);
    const pairs = preparePairs(stage, config, context, {
      tokenizer,
      template,
      maxLength,
      overlength: config.overlength,
    });
    // a reward model has no output matrix: to the backbone it is as if that were tied
    const backbone = { ...checkpoint.config, tied: true };
    const trunks = config.ensemble_kind === 'models' ? config.ensemble : 1;
    if (trunks > 1) tellCost(trunks, parameterCount(backbone), context);
    const weights = Array.from({ length: trunks }, () =>
      ModelWeights.load(runtime, backbone, maxLength, (name) => checkpoint.read(name)),
    );
    return new RewardTask({
      runtime,
      weights,
      tokenizer,
      config,
      stage: stage.name,
      seed: stage.seed,
      ...pairs,
      chatTemplate: template?.source,
    });
  } finally {
    checkpoint.close();
  }
}

/** Weights, gradients and the two averages of AdamW, in float32. */
const TRAINING_BYTES = 16;
/** Weights and averages, in float32. */
const CHECKPOINT_BYTES = 12;

/** An ensemble of whole models costs as often what one does, which is told before its first step. */
function tellCost(models: number, parameters: number, { say, warn, note, resuming }: StageContext): void {
  if (resuming) return;
  const memory = models * parameters * TRAINING_BYTES;
  const message = `${models} models of ${millions(parameters)} M parameters: ${megabytes(memory)} of memory for weights, gradients and optimizer, ${megabytes(models * parameters * CHECKPOINT_BYTES)} a checkpoint, and ${models} times the time of one.`;
  say(message);
  note('ensemble', { message, models, parameters, memory });
  if (memory > machineMemory() / 2)
    warn(
      `The ensemble takes more than half of this machine's ${megabytes(machineMemory())}: \`ensemble_kind: heads\` shares one trunk.`,
    );
}

const millions = (count: number): number => Number((count / 1e6).toPrecision(3));
const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

import { UserError } from '../config/errors';
import type { ResolvedStage } from '../config/experiment';
import type { RewardConfig } from '../config/schema/experiment';
import { openCheckpoint } from '../models/checkpoint';
import { loadTokenizer } from '../models/tokenizer';
import { ModelWeights } from '../models/weights';
import type { StageContext } from './context';
import { preparePairs } from './preferences/preference-pairs';
import { RewardTask } from './rewards/reward-task';
import type { Task } from './task';
import { missingModel, templateOf } from './training/texts';

/**
 * Reward model (Stiennon et al. 2020; Ouyang et al. 2022): the backbone of a language model with a linear head at the
 * last token, learnt from pairs of answers of which people preferred one.
 */
export async function prepareReward(stage: ResolvedStage, config: RewardConfig, context: StageContext): Promise<Task> {
  const { modelFolder, runtime } = context;
  if (modelFolder === null) throw missingModel(stage);
  if (config.ensemble_kind === 'models' && config.ensemble > 1)
    throw new UserError('An ensemble of whole models does not run in this build.', {
      hint: 'Write `ensemble_kind: heads`: the members share a trunk and differ in their heads and in the pairs they draw.',
      code: 'ensemble',
    });
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
    const weights = ModelWeights.load(runtime, backbone, maxLength, (name) => checkpoint.read(name));
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

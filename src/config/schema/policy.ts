import { chatTemplate, model } from './inputs';
import { rlMonitors } from './monitors';
import { klKeys, prompts, samplingKeys, updateKeys } from './rollout';
import { reference, rewardTerms } from './source';
import { trainingKeys } from './training';

interface PolicyDefaults {
  readonly learning_rate: number;
  readonly learningRateSource: string;
  readonly batch_size?: number;
  readonly answers_per_prompt: number;
  readonly temperature?: number;
  readonly ppo_epochs: number;
  readonly kl_estimator: 'k1' | 'k3';
  readonly klInto: string;
}

/** What the stages share that write answers, have them scored and move the policy towards the better ones. */
export function policyKeys(defaults: PolicyDefaults) {
  const { learning_rate, learningRateSource, batch_size, answers_per_prompt, temperature } = defaults;
  const training = { learning_rate, learningRateSource, batch_size, epochs: 1, overlength: 'drop' } as const;
  const answersSource = answers_per_prompt > 1 ? 'TRL' : undefined;
  return {
    model,
    prompts,
    reward: rewardTerms,
    reference,
    ...klKeys({ estimator: defaults.kl_estimator, into: defaults.klInto }),
    ...samplingKeys({ answers_per_prompt, answersSource, temperature }),
    ...updateKeys({ epochs: defaults.ppo_epochs, source: 'TRL' }),
    monitors: rlMonitors,
    ...trainingKeys(training),
    chat_template: chatTemplate,
  };
}

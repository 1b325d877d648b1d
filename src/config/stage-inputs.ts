import path from 'node:path';
import type { LabelSource, ModelSource, RewardSource, StageInputs, StageSources } from './experiment';
import { isInlineTemplate, mentionsIn, modelSource } from './reference';
import { stageKeys, type StageConfig } from './schema/experiment';
import type { RewardTerm } from './schema/source';

interface Names {
  has(name: string): boolean;
}

/** The files that a stage's config names, absolute. */
export function stageInputs(config: StageConfig, folder: string): StageInputs {
  const absolute = (value: unknown) => (typeof value === 'string' ? path.resolve(folder, value) : null);
  const all = (files: readonly string[] | null) => (files ?? []).map((file) => path.resolve(folder, file));
  const { chat_template: template } = config;
  const rules = mentionsIn(stageKeys(config.type), config).filter(({ spec }) => spec.role === 'rule-file');
  const flattery = 'monitors' in config && config.monitors.flattery;
  return {
    data: all('data' in config ? config.data : null),
    prompts: all('prompts' in config ? config.prompts : null),
    heldOut: absolute('held_out' in config && config.held_out),
    samplePrompts: absolute('sample_prompts' in config && config.sample_prompts),
    chatTemplate: template === null || isInlineTemplate(template) ? null : path.resolve(folder, template),
    architecture: absolute(config.type === 'pretrain' && config.architecture),
    tokenizer: absolute(config.type === 'pretrain' && config.tokenizer),
    guideline: absolute(config.type === 'generate' && config.guideline),
    rules: [...new Set(rules.map(({ written }) => path.resolve(folder, written)))],
    phrases: absolute(flattery && flattery.phrases),
  };
}

/** The results, models and rules that it names. `start`: its starting weights; `stages`: the names that are stages. */
export function stageSources(
  config: StageConfig,
  start: ModelSource | null,
  stages: Names,
  folder: string,
): StageSources {
  const source = (name: string) => modelSource(name, stages, folder);
  const term = (value: RewardTerm) => rewardSource(value, stages, folder);
  const named = 'models' in config ? config.models : null;
  const models = named?.map(source) ?? (config.type === 'generate' && start ? [start] : []);
  const judge = config.type === 'evaluate' ? config.judge : null;
  const gap = 'monitors' in config && config.monitors.proxy_gap;
  return {
    models,
    baseline:
      config.type !== 'evaluate' ? null : config.baseline === null ? (models[0] ?? null) : source(config.baseline),
    reference: 'reference' in config && config.reference !== null ? source(config.reference) : null,
    labels: 'labels' in config && config.labels !== null ? labelSource(config.labels, stages, folder) : null,
    reward: 'reward' in config ? (config.reward ?? []).map(term) : [],
    judge: judge === null || judge === 'people' ? judge : term(judge),
    monitorJudge: gap && gap.judge ? term(gap.judge) : null,
  };
}

function rewardSource({ stage, rule, use, k, weight }: RewardTerm, stages: Names, folder: string): RewardSource {
  if (rule !== null) return { kind: 'rule', path: path.resolve(folder, rule), weight };
  return { kind: 'model', model: modelSource(stage ?? '', stages, folder), use, k, weight };
}

/** The labels of a generate stage lie in `labels/<stage>/` beside the config. */
function labelSource(labels: string, stages: Names, folder: string): LabelSource {
  const found = modelSource(labels, stages, folder);
  if (found.kind === 'folder') return { kind: 'path', path: found.path };
  return { kind: 'stage', name: found.name, path: path.join(folder, 'labels', found.name) };
}

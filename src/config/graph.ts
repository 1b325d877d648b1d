import { createHash } from 'node:crypto';
import path from 'node:path';
import { ContentHashes } from './contents';
import type { Experiment } from './experiment';
import { resolveStage } from './load';
import { mentionsIn, namesStage, upstreamStages } from './reference';
import { stageKeys, type StageConfig, type StageType } from './schema/experiment';

/** All stages that must have run before this one, in the order in which to run them. */
export function upstream(experiment: Experiment, name: string): string[] {
  const order: string[] = [];
  const visit = (stage: string, way: readonly string[]) => {
    for (const input of upstreamStages(experiment, stage)) {
      if (order.includes(input) || way.includes(input)) continue;
      visit(input, [...way, input]);
      order.push(input);
    }
  };
  visit(name, [name]);
  return order;
}

/** All stages, each behind those that it takes something from; else in the order of the file. */
export function topologicalOrder(experiment: Experiment): string[] {
  const order: string[] = [];
  for (const name of experiment.stages.keys()) {
    for (const stage of [...upstream(experiment, name), name]) if (!order.includes(stage)) order.push(stage);
  }
  return order;
}

export type StaleReason = 'config' | 'data' | 'model' | 'upstream' | 'never ran';

export interface Staleness {
  readonly stale: boolean;
  /** Empty where fresh. */
  readonly reasons: readonly StaleReason[];
  /** What a run started now would record. */
  readonly hash: string;
}

/**
 * What a stage's result depends on, as `v1-<config>-<data>-<model>-<upstream>`, sixteen hex digits each. A run records it
 * when it starts; a later difference says by its place what has changed.
 */
export async function stageHash(experiment: Experiment, name: string, hashes = new ContentHashes()): Promise<string> {
  const stage = resolveStage(experiment, name);
  const { inputs, model, config, folder } = stage;
  const contents: string[] = [];
  for (const file of [...inputs.data, inputs.heldOut, inputs.chatTemplate, inputs.architecture])
    contents.push(file === null ? 'none' : await hashes.file(file));
  contents.push(inputs.tokenizer === null ? 'none' : await hashes.folder(inputs.tokenizer));
  const weights = [model?.kind === 'folder' ? await hashes.folder(model.path) : (model?.name ?? 'random')];
  for (const mention of mentionsIn(stageKeys(config.type), resultKeys(config))) {
    const { role } = mention.spec;
    const place = path.resolve(folder, mention.written);
    if (role === 'stage-or-folder') {
      const isStage = namesStage(mention, experiment.stages);
      weights.push(isStage ? mention.written : await hashes.folder(place));
    } else if (role === 'rule-file' || (role === 'data-file' && mention.path[0] === 'prompts')) {
      contents.push(await hashes.file(place));
    }
  }
  if (stage.sources.labels) contents.push(await hashes.labels(stage.sources.labels.path));
  const before: string[] = [];
  for (const input of upstreamStages(experiment, name)) before.push(await stageHash(experiment, input, hashes));
  const keys = nameless(resultKeys(config), config.type, experiment);
  const parts = [canonical({ ...keys, seed: stage.seed }), contents.join(), weights.join(), before.join()];
  return ['v1', ...parts.map((part) => createHash('sha256').update(part).digest('hex').slice(0, 16))].join('-');
}

/** What has to run again, and why. `lastDone`: for each stage, the hash that its last finished run recorded. */
export async function staleness(
  experiment: Experiment,
  lastDone: ReadonlyMap<string, { readonly hash: string }>,
  hashes = new ContentHashes(),
): Promise<Map<string, Staleness>> {
  const result = new Map<string, Staleness>();
  for (const name of topologicalOrder(experiment)) {
    const hash = await stageHash(experiment, name, hashes);
    const last = lastDone.get(name)?.hash;
    const reasons: StaleReason[] = last === undefined ? ['never ran'] : differences(last, hash);
    const staleInput = upstreamStages(experiment, name).some((input) => result.get(input)?.stale);
    if (staleInput && last !== undefined && !reasons.includes('upstream')) reasons.push('upstream');
    result.set(name, { stale: reasons.length > 0, reasons, hash });
  }
  return result;
}

function differences(last: string, now: string): StaleReason[] {
  const [version, ...before] = last.split('-');
  const [current, ...after] = now.split('-');
  if (version !== current || before.length !== after.length) return ['config'];
  const places: StaleReason[] = ['config', 'data', 'model', 'upstream'];
  return places.filter((_, i) => before[i] !== after[i]);
}

/** What is only pace, bookkeeping or a word to people; and the keys whose contents are hashed by themselves. */
const NOT_IN_RESULT = new Set([
  'model',
  'data',
  'micro_batch_size',
  'checkpoint_every',
  'keep_checkpoints',
  'sample_every',
  'sample_prompts',
  'monitors',
  'guideline',
]);

/** The keys that decide the result. */
function resultKeys(config: StageConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !NOT_IN_RESULT.has(key)));
}

/** With files and folders left to their contents: their names do not count. */
function nameless(keys: Record<string, unknown>, type: StageType, { stages }: Experiment): Record<string, unknown> {
  const names = new Set(
    mentionsIn(stageKeys(type), keys)
      .filter((mention) => !namesStage(mention, stages))
      .map((mention) => mention.path.join('.')),
  );
  const visit = (value: unknown, at: string): unknown => {
    if (names.has(at)) return 'a file';
    if (Array.isArray(value)) return value.map((item, i) => visit(item, `${at}.${i + 1}`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item, `${at}.${key}`)]));
  };
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, visit(value, key)]));
}

/** JSON with sorted keys: the order in the file does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

import { UserError } from '../../config/errors';
import type { ResolvedStage } from '../../config/experiment';
import type { PolicyConfig } from '../../config/schema/experiment';
import { splitRows } from '../../data/split';
import { loadTokenizer, type Tokenizer } from '../../models/tokenizer';
import type { StageContext } from '../context';
import { PolicyMonitors } from '../monitors/policy-monitors';
import { openScorer } from './policy-scorer';
import type { PolicyInputs } from './policy-task';
import { type PromptRow, type PromptSettings, readPrompts } from '../answers/prompts';
import { loadWeights, missingModel, samplePrompts, templateOf } from '../training/texts';

/** What PPO, GRPO and RLOO begin with: policy, reference, prompts, and what scores answers. */
export async function preparePolicy(
  stage: ResolvedStage,
  config: PolicyConfig,
  context: StageContext,
): Promise<PolicyInputs> {
  const { modelFolder, runtime, warn } = context;
  if (modelFolder === null) throw missingModel(stage);
  const tokenizer = loadTokenizer(modelFolder);
  const template = templateOf(config, stage.inputs.chatTemplate, tokenizer);
  const { reference: source } = stage.sources;
  const referenceFolder = source ? context.folderOf('reference', source) : modelFolder;
  refuseOtherTokens(stage, tokenizer, referenceFolder);
  const weights = loadWeights(runtime, modelFolder, config.max_length);
  const reference = loadWeights(runtime, referenceFolder, config.max_length);
  const settings: PromptSettings = {
    tokenizer,
    template,
    maxNewTokens: config.max_new_tokens,
    positions: Math.min(weights.positions, reference.positions),
    warn: (message) => {
      if (!context.resuming) warn(message);
    },
  };
  const { train, heldOut } = promptSplit(stage, config, settings);
  return {
    runtime,
    weights,
    reference,
    referenceIsStart: referenceFolder === modelFolder,
    tokenizer,
    chatTemplate: template?.source,
    config,
    stage: stage.name,
    seed: stage.seed,
    train,
    heldOut,
    samplePrompts: shownPrompts(stage, config, settings, heldOut.length ? heldOut : train),
    scorer: await openScorer(stage, context),
    monitors: await PolicyMonitors.open(stage, config.monitors, context),
    warn,
    note: context.note,
  };
}

function promptSplit(
  stage: ResolvedStage,
  config: PolicyConfig,
  settings: PromptSettings,
): { train: PromptRow[]; heldOut: PromptRow[] } {
  const prompts = readPrompts(stage, settings);
  const { heldOut: file } = stage.inputs;
  if (file !== null) {
    const apart = { ...stage, inputs: { ...stage.inputs, prompts: [file] } };
    return { train: prompts, heldOut: readPrompts(apart, settings) };
  }
  const share = typeof config.held_out === 'string' ? false : config.held_out;
  return splitRows(prompts, share, stage.seed, ({ prompt }) => JSON.stringify(prompt));
}

/** The prompts of the samples: the first held-out ones with their rows, or those that the config names. */
function shownPrompts(
  stage: ResolvedStage,
  config: PolicyConfig,
  { tokenizer, template, positions, maxNewTokens, warn }: PromptSettings,
  rows: readonly PromptRow[],
): PromptRow[] {
  const { sample_prompts: wish } = config;
  if (typeof wish === 'number') return rows.slice(0, wish);
  const chat = rows.some(({ prompt }) => typeof prompt !== 'string');
  return samplePrompts(stage, [], { tokenizer, template, chat, positions, warn })
    .filter(({ ids }) => ids.length + maxNewTokens <= positions)
    .map(({ prompt, ids }, row) => ({
      prompt,
      ids,
      tags: [],
      row,
      file: stage.inputs.samplePrompts ?? 'sample_prompts',
      line: row + 1,
      source: { prompt },
    }));
}

/** Whether two tokenizers read alike, as far as a text full of everything tells. */
export function sameTokens(one: Tokenizer, other: Tokenizer): boolean {
  const text = 'The quick brown fox, 0123456789 — ünïcödé.\n\tWhat else? def f(x): return {"a": [x]}';
  return one.folder === other.folder || one.encode(text).join() === other.encode(text).join();
}

/** KL between policies over different tokens has no meaning. */
function refuseOtherTokens(stage: ResolvedStage, tokenizer: Tokenizer, folder: string): void {
  if (folder === tokenizer.folder || sameTokens(tokenizer, loadTokenizer(folder))) return;
  throw new UserError(`The reference of stage ${stage.name} has another tokenizer than its policy.`, {
    file: folder,
    hint: 'Take a reference of the same family, or leave `reference:` out: then it is the starting weights.',
    code: 'tokenizer',
  });
}

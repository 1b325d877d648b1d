import { join } from 'node:path';
import { UserError } from '../../config/errors';
import type { ResolvedStage } from '../../config/experiment';
import type { DpoConfig } from '../../config/schema/experiment';
import { shownPath } from '../../data/files';
import type { Row } from '../../data/rows';
import { loadTokenizer, type Tokenizer } from '../../models/tokenizer';
import { CHOSEN_DROP } from './chosen-drop';
import type { StageContext } from '../context';
import { StageMonitors } from '../monitors/stage-monitors';
import { DpoTask } from './dpo-task';
import { type PreferencePair, preparePairs } from './preference-pairs';
import { promptOf } from './preferences';
import { referenceSums } from './reference-cache';
import { loadWeights, missingModel, samplePrompts, templateOf } from '../training/texts';
import type { Task } from '../task';

/** What DPO begins with: pairs as tokens, and for each what the reference thinks of it, asked once. */
export async function prepareDpo(stage: ResolvedStage, config: DpoConfig, context: StageContext): Promise<Task> {
  const { modelFolder, runtime } = context;
  if (modelFolder === null) throw missingModel(stage);
  const tokenizer = loadTokenizer(modelFolder);
  const template = templateOf(config, stage.inputs.chatTemplate, tokenizer);
  const { reference: source } = stage.sources;
  const reference = source === null ? modelFolder : context.folderOf('reference', source);
  const referenceIsStart = reference === modelFolder;
  const weights = loadWeights(runtime, modelFolder, config.max_length);
  const { train, heldOut } = preparePairs(stage, config, context, {
    tokenizer,
    template,
    maxLength: Math.min(config.max_length, weights.config.maxPositions),
    overlength: config.overlength,
  });
  if (!referenceIsStart) refuseOtherTokens(stage.name, tokenizer, reference, [...train, ...heldOut]);
  const sums = await referenceSums([...train, ...heldOut], {
    runtime,
    folder: reference,
    // where the reference is the start, the weights that are about to learn serve before the first step
    open: () => (referenceIsStart ? weights : loadWeights(runtime, reference, config.max_length)),
    close: (opened) => {
      if (opened !== weights) opened.release();
    },
    template: template?.source ?? null,
    cache: join(stage.folder, '.align', 'cache'),
    say: context.say,
    shown: (path) => shownPath(stage.folder, path),
  });
  const all = train.concat(heldOut).map((pair, i) => ({ ...pair, reference: sums[i] }));
  const { chosen_drop: threshold } = config.monitors;
  if (!context.resuming && threshold !== false) context.note('monitors', { thresholds: { [CHOSEN_DROP]: threshold } });
  return new DpoTask({
    runtime,
    weights,
    tokenizer,
    chatTemplate: template?.source,
    config,
    stage: stage.name,
    seed: stage.seed,
    train: all.slice(0, train.length),
    heldOut: all.slice(train.length),
    referenceIsStart,
    prompts: samplePrompts(stage, asked(heldOut), {
      tokenizer,
      template,
      chat: train.some(({ question }) => typeof question !== 'string'),
      positions: weights.positions,
      warn: context.warn,
    }),
    monitors: new StageMonitors(stage, config.monitors, context),
    note: context.note,
  });
}

/** The prompts of pairs, each once, as rows to write sample answers to. */
function asked(pairs: readonly PreferencePair[]): Row[] {
  const prompts = new Map(pairs.map((pair) => [promptOf({ prompt: pair.question }), pair]));
  return [...prompts.values()].map(({ question: prompt, file, line }, index) => ({
    kind: 'prompt',
    prompt,
    file,
    line,
    index,
  }));
}

/** Texts by which two tokenizers are compared. */
const COMPARED = 50;

/** A reference that reads other tokens cannot say how probable ours are. */
function refuseOtherTokens(
  stage: string,
  tokenizer: Tokenizer,
  folder: string,
  pairs: readonly PreferencePair[],
): void {
  const other = loadTokenizer(folder);
  const differs = pairs.slice(0, COMPARED).some(({ prompt, chosen, rejected }) => {
    const text = tokenizer.decode([...prompt, ...chosen, ...rejected]);
    return other.encode(text).join() !== tokenizer.encode(text).join();
  });
  if (!differs) return;
  throw new UserError(`The reference of stage ${stage} has another tokenizer than its policy.`, {
    file: folder,
    hint: 'Take a reference of the same family, or leave `reference:` out: then it is the starting weights.',
    code: 'tokenizer',
  });
}

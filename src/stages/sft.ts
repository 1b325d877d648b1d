import type { SftConfig } from '../config/schema/experiment';
import type { ResolvedStage } from '../config/experiment';
import { type Example, learntTokens } from '../data/example';
import { shownPath } from '../data/files';
import type { Row } from '../data/rows';
import { renderRow } from '../models/render';
import { loadTokenizer } from '../models/tokenizer';
import type { StageContext } from './context';
import { describe, examine, refuseUnlearnable } from './training/doctor';
import { NextTokenTask } from './training/next-token-task';
import { loadWeights, missingModel, readSplit, samplePrompts, templateOf } from './training/texts';
import type { Task } from './task';

/**
 * Supervised fine-tuning: demonstrations are rendered by the model's chat template, and the assistant's tokens, the end
 * of the turn included, are learnt by cross-entropy.
 */
export async function prepareSft(stage: ResolvedStage, config: SftConfig, context: StageContext): Promise<Task> {
  const { modelFolder, runtime } = context;
  if (modelFolder === null) throw missingModel(stage);
  const tokenizer = loadTokenizer(modelFolder);
  const template = templateOf(config, stage.inputs.chatTemplate, tokenizer);
  const weights = loadWeights(runtime, modelFolder, config.max_length);
  const settings = {
    maxLength: Math.min(config.max_length, weights.config.maxPositions),
    overlength: config.overlength,
    lossOn: config.loss_on ?? undefined,
  };
  const render = (rows: readonly Row[]): Example[] =>
    rows.flatMap((row) => {
      const example = renderRow(row, tokenizer, template, settings);
      return example ? [{ ...example, file: shownPath(stage.folder, example.file) }] : [];
    });
  const rows = readSplit(stage);
  const train = render(rows.train);
  const heldOut = render(rows.heldOut);
  const report = examine(train, heldOut, { dropped: rows.train.length - train.length });
  if (!context.resuming) {
    const findings = describe(report);
    for (const finding of findings) context.say(finding);
    context.note('data_doctor', { message: findings.join(' '), report });
  }
  refuseUnlearnable(report);
  return new NextTokenTask({
    runtime,
    weights,
    tokenizer,
    config,
    stage: stage.name,
    seed: stage.seed,
    train: train.filter(({ mask }) => learntTokens(mask) > 0),
    heldOut,
    prompts: samplePrompts(stage, rows.heldOut, {
      tokenizer,
      template,
      chat: rows.train.some(isChat),
      positions: weights.positions,
      warn: context.warn,
    }),
    chatTemplate: template?.source,
  });
}

const isChat = (row: Row): boolean =>
  row.kind === 'messages' || (row.kind === 'completion' && typeof row.prompt !== 'string');

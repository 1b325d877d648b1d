import { isTraining, type StageConfig } from '../../config/schema/experiment';
import { UserError } from '../../config/errors';
import type { ResolvedStage } from '../../config/experiment';
import { readRows } from '../../data/files';
import type { Message, Row } from '../../data/rows';
import { contentOf, splitRows } from '../../data/split';
import { ChatTemplate } from '../../models/chat';
import { openCheckpoint } from '../../models/checkpoint';
import { renderPrompt } from '../../models/render';
import type { Tokenizer } from '../../models/tokenizer';
import { ModelWeights } from '../../models/weights';
import type { Runtime } from '../../tensor/runtime';
import { SAMPLE_TOKENS, type SamplePrompt } from '../answers/sample-answers';

/** Rotary tables reach this far beyond max_length, for the answers to sample prompts. */
const ANSWER_ROOM = 256;

/** How many positions a stage needs of a model: its longest row and a sample answer, never above the model's own. */
export const positionsFor = (maxLength: number, maxPositions: number): number =>
  Math.min(maxPositions, maxLength + ANSWER_ROOM);

/** The weights of a model folder as tensors of the runtime. */
export function loadWeights(runtime: Runtime, folder: string, maxLength: number): ModelWeights {
  const checkpoint = openCheckpoint(folder);
  try {
    return ModelWeights.load(
      runtime,
      checkpoint.config,
      positionsFor(maxLength, checkpoint.config.maxPositions),
      (name) => checkpoint.read(name),
    );
  } finally {
    checkpoint.close();
  }
}

/** The chat template of a stage: what its config says, else the model's; null where there is none. */
export function templateOf(
  { chat_template: own }: Pick<StageConfig, 'chat_template'>,
  file: string | null,
  tokenizer: Tokenizer,
): ChatTemplate | null {
  const tokens = tokenizer.namedTokens;
  if (own === null) return ChatTemplate.find(tokenizer.folder);
  return file !== null ? ChatTemplate.fromFile(file, { tokens }) : ChatTemplate.from(own, { tokens });
}

/** The rows of a stage's data, and those held out: a part of them, or a file of their own. */
export function readSplit(stage: ResolvedStage, format?: 'text'): { train: Row[]; heldOut: Row[] } {
  const { config, inputs, seed } = stage;
  const rows = readRows(inputs.data, { format });
  if (inputs.heldOut !== null) return { train: rows, heldOut: readRows(inputs.heldOut, { format }) };
  return splitRows(rows, isTraining(config) ? (config.held_out as number | false) : false, seed, contentOf);
}

/** The part of a row that a model is asked, without the answer; for a text its first words. */
export function questionOf(row: Row): string | Message[] {
  switch (row.kind) {
    case 'prompt':
    case 'completion':
      return row.prompt;
    case 'messages': {
      const last = row.messages.findLastIndex(({ role }) => role === 'assistant');
      return row.messages.slice(0, last < 0 ? undefined : last);
    }
    case 'text':
      return row.text
        .split(/(?<=\s)/)
        .slice(0, 6)
        .join('')
        .trimEnd();
  }
}

export interface SampleSettings {
  tokenizer: Tokenizer;
  template: ChatTemplate | null;
  /** Listed prompts are questions of a user, where the model has a chat template. */
  chat: boolean;
  /** How far the model's positions reach. */
  positions: number;
  warn: (message: string) => void;
}

/** The sample prompts of a stage, rendered. Those that leave no room for an answer are left out, and told. */
export function samplePrompts(stage: ResolvedStage, heldOut: readonly Row[], settings: SampleSettings): SamplePrompt[] {
  const { tokenizer, template, chat, positions, warn } = settings;
  const wish = isTraining(stage.config) ? stage.config.sample_prompts : 0;
  const { samplePrompts: file } = stage.inputs;
  const listed = (text: string): string | Message[] => (chat && template ? [{ role: 'user', content: text }] : text);
  const asked: (string | Message[])[] = Array.isArray(wish)
    ? wish.map(listed)
    : typeof wish === 'number'
      ? heldOut.slice(0, wish).map(questionOf)
      : readRows(file ?? wish).map(questionOf);
  const prompts = asked
    .map((prompt) => ({ prompt, ids: [...renderPrompt(prompt, tokenizer, template)] }))
    .filter(({ ids }) => ids.length > 0);
  const room = positions - SAMPLE_TOKENS;
  const fitting = prompts.filter(({ ids }) => ids.length <= room);
  if (fitting.length < prompts.length)
    warn(
      `${prompts.length - fitting.length} of ${prompts.length} sample prompts are longer than ${room} tokens and were left out: an answer would not fit behind them.`,
    );
  return fitting;
}

export function missingModel(stage: ResolvedStage): UserError {
  return new UserError(`Stage ${stage.name} has no model to start from.`, {
    hint: "Give it `model:`, a folder or another stage's name.",
    code: 'no-model',
  });
}

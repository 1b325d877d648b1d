import type { Command } from 'commander';
import type { Random } from '../data/random';
import type { Message } from '../data/rows';
import { UserError } from '../config/errors';
import { renderPrompt } from '../models/render';
import type { GenerateOptions, Prompt } from '../models/generate';
import type { OpenModel } from './model';
import { device, numberIn, wholeNumber } from './options';
import { collect } from './command';
import { FOLDER_OPTION } from './place';

/** Options of commands that sample. */
export interface SamplingFlags {
  temperature: number;
  topK?: number;
  topP?: number;
  repetitionPenalty?: number;
  maxNewTokens: number;
  stop?: string[];
  seed: number;
  device?: 'cpu' | 'webgpu';
  threads?: number;
  folder?: string;
}

export function samplingOptions(command: Command, maxNewTokens: number): Command {
  return command
    .option('--temperature <t>', '0 takes the likeliest token', numberIn(0, Infinity), 1)
    .option('--top-k <k>', 'only from the k likeliest tokens', wholeNumber(1))
    .option('--top-p <p>', 'only from the likeliest tokens that make up this share', numberIn(0, 1))
    .option('--repetition-penalty <x>', 'above 1: tokens that were there become less likely', numberIn(0.01, 100))
    .option('--max-new-tokens <n>', 'longest answer in tokens', wholeNumber(1), maxNewTokens)
    .option('--stop <text>', 'a text that ends an answer; repeatable', collect)
    .option('--seed <n>', 'the same seed gives the same answers', wholeNumber(0), 42)
    .option('--device <device>', 'cpu or webgpu', device)
    .option('--threads <n>', 'threads for the arithmetic', wholeNumber(1))
    .option(...FOLDER_OPTION);
}

/** The options for the generator. `room` is how many tokens the longest prompt leaves. */
export function generateOptions(flags: SamplingFlags, model: OpenModel, room: number): GenerateOptions {
  return {
    temperature: flags.temperature,
    topK: flags.topK,
    topP: flags.topP,
    repetitionPenalty: flags.repetitionPenalty,
    maxNewTokens: Math.min(flags.maxNewTokens, room),
    stopIds: model.tokenizer.eosIds,
    stopStrings: flags.stop,
    decode: (ids) => model.tokenizer.decode(ids, { skipSpecial: true }),
  };
}

/** A prompt in tokens. Throws a UserError where it leaves no room for an answer. */
export function promptOf(prompt: string | readonly Message[], model: OpenModel, random: Random): Prompt {
  const ids = [...renderPrompt(prompt, model.tokenizer, model.template)];
  const { positions } = model.weights;
  if (ids.length === 0)
    throw new UserError('The prompt is empty, and the model has no token that begins a text.', {
      hint: 'Write at least one word.',
    });
  if (ids.length >= positions)
    throw new UserError(`The prompt has ${ids.length} tokens; the model knows ${positions} positions.`, {
      hint: 'Shorten it.',
    });
  return { ids, random };
}

/** An answer as text, cut before the text that ended it. */
export function answerText(ids: readonly number[], model: OpenModel, stop: readonly string[] = []): string {
  const text = model.tokenizer.decode(ids, { skipSpecial: true });
  const ends = stop.map((end) => text.indexOf(end)).filter((at) => at >= 0);
  return ends.length > 0 ? text.slice(0, Math.min(...ends)) : text;
}

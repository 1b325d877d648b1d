import { UserError } from '../../config/errors';
import type { ResolvedStage } from '../../config/experiment';
import { shownPath } from '../../data/files';
import { type JsonObject, kindOf, readJsonl } from '../../data/jsonl';
import { FaultReport } from '../../data/report';
import { type Message, type Row, RowReader, type TemplateInputs } from '../../data/rows';
import type { ChatTemplate } from '../../models/chat';
import { atRow, renderPrompt } from '../../models/render';
import type { Tokenizer } from '../../models/tokenizer';
import { questionOf } from '../training/texts';

/** A prompt to answer, rendered up to where the answer begins. */
export interface PromptRow {
  prompt: string | Message[];
  ids: readonly number[];
  tags: readonly string[];
  /** Its place among the rows of the data, from 0: the name of its random streams. */
  row: number;
  /** Relative to the config file's folder where it lies in it; lines count from 1. */
  file: string;
  line: number;
  /** The row as the file has it, for rules. */
  source: JsonObject;
}

export interface PromptSettings {
  tokenizer: Tokenizer;
  template: ChatTemplate | null;
  /** Tokens that an answer may have. */
  maxNewTokens: number;
  /** How far the model's positions reach; of several models the least. */
  positions: number;
  warn: (message: string) => void;
}

/**
 * The prompts of a stage's `prompts:` files: rows with `prompt` (a text, taken as it is, or messages), or demonstrations,
 * of which the question counts; `tags` is a list of strings. A prompt is never cut, since half a question is another
 * one: those that leave no room for an answer within `max_length` and the model's positions are left out and told, or
 * an error under `overlength: error`. Prompts that occur twice stay, and are told. Throws a UserError with file and line
 * for rows that cannot be read or rendered, and where no prompt is left.
 */
export function readPrompts(stage: ResolvedStage, settings: PromptSettings): PromptRow[] {
  const { config } = stage;
  const { tokenizer, template, maxNewTokens, positions, warn } = settings;
  const room = Math.min(positions, config.max_length) - maxNewTokens;
  const prompts: PromptRow[] = [];
  const tooLong: PromptRow[] = [];
  for (const { row, source, tags } of readSources(stage.inputs.prompts)) {
    const { file, line, index } = row;
    const prompt = questionOf(row);
    const ids = [...atRow(row, () => renderPrompt(prompt, tokenizer, template, inputsOf(row)))];
    if (ids.length === 0)
      throw new UserError('the prompt is empty, and the model has no token that begins a text', {
        file,
        line,
        code: 'data',
        hint: 'write at least one word, or delete the row',
      });
    const rendered = { prompt, ids, tags, row: index, file: shownPath(stage.folder, file), line, source };
    (ids.length <= room ? prompts : tooLong).push(rendered);
  }
  const [first] = tooLong;
  if (first && (config.overlength === 'error' || prompts.length === 0)) throw tooLongError(first, room, maxNewTokens);
  if (first)
    warn(
      `${tooLong.length} of ${tooLong.length + prompts.length} prompts are longer than ${room} tokens and were left out (the first at ${first.file}:${first.line}): an answer of ${maxNewTokens} tokens would not fit behind them.`,
    );
  tellRepeated(prompts, warn);
  return prompts;
}

/** An answer's tokens as text. A template says how a turn is set off; a text goes on exactly where the prompt ended. */
export function answerText(prompt: PromptRow['prompt'], ids: readonly number[], tokenizer: Tokenizer): string {
  const text = tokenizer.decode(ids, { skipSpecial: true });
  return typeof prompt === 'string' ? text : text.trim();
}

interface SourceRow {
  row: Row;
  source: JsonObject;
  tags: string[];
}

function readSources(files: readonly string[]): SourceRow[] {
  const rows: SourceRow[] = [];
  for (const file of files) {
    const report = new FaultReport(file);
    const reader = new RowReader(report);
    for (const json of readJsonl(file, { report })) {
      const row = reader.read(json, rows.length);
      const tags = tagsOf(json.value.tags, json.line, report);
      if (row && tags) rows.push({ row, source: json.value, tags });
    }
    report.throwIfAny();
  }
  return rows;
}

function tagsOf(value: unknown, line: number, report: FaultReport): string[] | null {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((tag): tag is string => typeof tag === 'string')) return value;
  const what = Array.isArray(value) ? 'a list with something other than strings' : kindOf(value);
  report.add({ line, field: 'tags', message: `tags is ${what}, must be a list of strings` });
  return null;
}

const inputsOf = (row: Row): TemplateInputs =>
  row.kind === 'text' ? {} : { tools: row.tools, arguments: row.arguments };

function tooLongError({ file, line, ids }: PromptRow, room: number, maxNewTokens: number): UserError {
  return new UserError(
    `the prompt has ${ids.length} tokens; with ${maxNewTokens} of an answer there is room for ${Math.max(0, room)}`,
    { file, line, code: 'overlength', hint: 'shorten it, lower max_new_tokens, or raise max_length' },
  );
}

function tellRepeated(prompts: readonly PromptRow[], warn: (message: string) => void): void {
  const seen = new Map<string, PromptRow>();
  const repeated: [PromptRow, PromptRow][] = [];
  for (const row of prompts) {
    const key = row.ids.join(' ');
    const before = seen.get(key);
    if (before) repeated.push([before, row]);
    else seen.set(key, row);
  }
  if (repeated.length === 0) return;
  const [[before, again]] = repeated;
  warn(
    `${repeated.length} of ${prompts.length} prompts occur more than once (${again.file}:${again.line} is ${before.file}:${before.line} again): each occurrence is answered.`,
  );
}

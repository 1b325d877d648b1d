import { UserError } from '../config/errors';
import type { Example, ExampleNote } from '../data/example';
import type { Message, Row, TemplateInputs } from '../data/rows';
import type { ChatTemplate, RenderOptions } from './chat';
import type { Section, Tokenizer } from './tokenizer';
import { renderTurns } from './turns';

export type { Example, ExampleNote } from '../data/example';

export interface RenderSettings {
  /** Most tokens of an example; none = as long as it comes. */
  maxLength?: number;
  /** What happens to a longer one: cut at the end, left out, or an error. Default `truncate`. */
  overlength?: 'truncate' | 'drop' | 'error';
  /** Which tokens are learnt: the assistant's (default for messages and prompt/completion) or all. Text: always all. */
  lossOn?: 'assistant' | 'all';
  /** True: control tokens in messages' contents count as such. Default false: data cannot forge a turn. */
  trustContent?: boolean;
}

/** The range of tokens [from, to) of one learnt turn. */
interface TokenSpan {
  from: number;
  to: number;
}

/** Tokens of a row before truncation. */
interface Rendered {
  ids: number[];
  /** What is learnt; undefined = everything. */
  learnt?: TokenSpan[];
  notes: ExampleNote[];
}

/**
 * Renders a row to tokens and the mask of learnt ones. Strings are taken as they are (the tokenizer's BOS before, EOS
 * appended where it is missing); messages go through the chat template, which is tokenised once and as a whole.
 * Null: the row is too long and `overlength` says drop. Throws UserError at the row's line when it cannot be rendered.
 */
export function renderRow(
  row: Row,
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  settings: RenderSettings = {},
): Example | null {
  const rendered = atRow(row, () => renderWhole(row, tokenizer, template, settings));
  const { maxLength = Infinity, overlength = 'truncate' } = settings;
  const cut = Math.max(0, rendered.ids.length - maxLength);
  if (cut > 0 && overlength === 'drop') return null;
  if (cut > 0 && overlength === 'error') {
    throw new UserError(`the row has ${rendered.ids.length} tokens, max_length is ${maxLength}`, {
      file: row.file,
      line: row.line,
      code: 'overlength',
      hint: 'raise max_length, shorten the row, or set overlength: truncate or drop',
    });
  }
  const ids = Int32Array.from(cut ? rendered.ids.slice(0, maxLength) : rendered.ids);
  const mask = new Uint8Array(ids.length);
  const spans = rendered.learnt ?? [{ from: 0, to: rendered.ids.length }];
  for (const { from, to } of spans) mask.fill(1, from, to);
  if (mask.length) mask[0] = 0; // nothing predicts the first token
  const stops = new Set(tokenizer.eosIds);
  return {
    ids,
    mask,
    row: row.index,
    file: row.file,
    line: row.line,
    cut,
    terminated: spans.every(({ to }) => to > 0 && to <= ids.length && stops.has(ids[to - 1])),
    notes: onePerKind(rendered.notes),
  };
}

/** Rows rendered in order; those over max_length under `overlength: drop` are counted apart. */
export interface RenderedRows {
  examples: Example[];
  dropped: Row[];
}

/** Renders rows as `renderRow` does. Throws UserError at the first row that cannot be rendered. */
export function renderRows(
  rows: readonly Row[],
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  settings: RenderSettings = {},
): RenderedRows {
  const examples: Example[] = [];
  const dropped: Row[] = [];
  for (const row of rows) {
    const example = renderRow(row, tokenizer, template, settings);
    if (example) examples.push(example);
    else dropped.push(row);
  }
  return { examples, dropped };
}

/** Tokens to sample from: a string as it is, messages with the generation prompt at the end. */
export function renderPrompt(
  prompt: string | readonly Message[],
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  settings: RenderOptions & { trustContent?: boolean } = {},
): Int32Array {
  if (typeof prompt === 'string') return Int32Array.from(withBegin(tokenizer, tokenizer.encode(prompt)));
  const messages = settings.trustContent ? prompt : prompt.map((message) => broken(message, tokenizer));
  const text = need(template).render(messages, { ...settings, addGenerationPrompt: true });
  return Int32Array.from(tokenizer.encode(text));
}

function renderWhole(
  row: Row,
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  settings: RenderSettings,
): Rendered {
  switch (row.kind) {
    case 'text':
      return { ids: withEnd(tokenizer, withBegin(tokenizer, tokenizer.encode(row.text))), notes: [] };
    case 'messages':
      return renderMessages(row.messages, 0, row, tokenizer, need(template), settings);
    case 'completion':
      if (typeof row.prompt === 'string' && typeof row.completion === 'string') {
        return renderStrings(row.prompt, row.completion, tokenizer, settings);
      } else {
        const prompt = listOf(row.prompt);
        const messages = [...prompt, ...listOf(row.completion)];
        return renderMessages(messages, prompt.length, row, tokenizer, need(template), settings);
      }
    case 'prompt':
      throw new UserError('the row has a prompt and no answer to learn', { hint: 'give a completion, or messages' });
  }
}

function listOf(messages: string | Message[]): Message[] {
  return typeof messages === 'string' ? [] : messages;
}

function renderStrings(prompt: string, completion: string, tokenizer: Tokenizer, settings: RenderSettings): Rendered {
  const text = prompt + completion;
  const sections = tokenizer.sections(text);
  const plain = sections.flatMap(({ ids }) => ids);
  const begun = withBegin(tokenizer, plain);
  const ids = withEnd(tokenizer, begun);
  const notes: ExampleNote[] = [];
  if (completion === '') notes.push({ kind: 'empty-answer', text: 'the completion is empty: only the end is learnt' });
  if (settings.lossOn === 'all') return { ids, notes };
  const { count, split } = tokensBefore(tokenizer, text, sections, prompt.length);
  if (split) {
    const show = (list: readonly number[]) => list.map((id) => JSON.stringify(tokenizer.decode([id]))).join(' ');
    notes.push({
      kind: 'boundary',
      text:
        `a token reaches over the border of prompt and completion: the prompt alone ends in ${show(split.alone)}, ` +
        `together they read ${show(split.together)}; learnt from there on. Move the blank into the completion.`,
    });
  }
  const from = count + begun.length - plain.length;
  return { ids, learnt: [{ from, to: ids.length }], notes };
}

function renderMessages(
  messages: readonly Message[],
  from: number,
  inputs: TemplateInputs,
  tokenizer: Tokenizer,
  template: ChatTemplate,
  settings: RenderSettings,
): Rendered {
  const safe = settings.trustContent ? messages : messages.map((message) => broken(message, tokenizer));
  const notes: ExampleNote[] = [];
  const forged = safe.findIndex((message, i) => message.content !== messages[i].content);
  if (forged >= 0) {
    notes.push({ kind: 'control-text', text: `message ${forged + 1} holds a control token's text; it stays text` });
  }
  const options: RenderOptions = { tools: inputs.tools, arguments: inputs.arguments };
  const all = settings.lossOn === 'all';
  const turns = all
    ? { text: template.render(safe, options), spans: [], notes: [] }
    : renderTurns(template, safe, from, options);
  notes.push(...turns.notes);
  const sections = tokenizer.sections(turns.text);
  const ids = sections.flatMap((section) => section.ids);
  if (tokenizer.bosId !== undefined && ids[0] === tokenizer.bosId && ids[1] === tokenizer.bosId) {
    notes.push({ kind: 'double-bos', text: 'the rendered conversation begins with two BOS tokens' });
  }
  if (all) return { ids, notes };
  const learnt = turns.spans.flatMap(({ start, end }) => {
    const first = tokensBefore(tokenizer, turns.text, sections, start).count;
    const after = tokensBefore(tokenizer, turns.text, sections, end);
    const last = after.count + (after.split ? 1 : 0); // a token that reaches over the end was begun by the turn
    return last > first ? [{ from: first, to: endOfTurn(tokenizer, ids, first, last) }] : [];
  });
  const stops = new Set(tokenizer.eosIds);
  const odd = learnt.map(({ to }) => ids[to - 1]).find((id) => tokenizer.isControl(id) && !stops.has(id));
  if (odd !== undefined) {
    const where = tokenizer.stopsNamed ? 'generation_config.json' : 'the model’s files';
    notes.push({
      kind: 'terminator',
      text:
        `the template ends a turn with ${tokenizer.token(odd)}, which is no stop token of ${where}: ` +
        `sampling would run on. Add ${odd} to eos_token_id in generation_config.json.`,
    });
  }
  return { ids, learnt, notes };
}

/**
 * Where a learnt turn ends: with its last control token when only blanks follow (the line break after an end-of-turn
 * token is never sampled), and with a stop token that stands right behind it.
 */
function endOfTurn(tokenizer: Tokenizer, ids: readonly number[], from: number, to: number): number {
  let last = to - 1;
  while (last >= from && !tokenizer.isControl(ids[last]) && tokenizer.decode([ids[last]]).trim() === '') last--;
  if (last >= from && (tokenizer.isControl(ids[last]) || tokenizer.eosIds.includes(ids[last]))) return last + 1;
  return to < ids.length && tokenizer.eosIds.includes(ids[to]) ? to + 1 : to;
}

/**
 * How many tokens of a text lie before place `at` of it. Where a token reaches over the place, that token is not
 * counted, and `split` shows the tokens of the text up to there and of the whole from where the two part.
 */
function tokensBefore(
  tokenizer: Tokenizer,
  text: string,
  sections: readonly Section[],
  at: number,
): { count: number; split?: { alone: number[]; together: number[] } } {
  let count = 0;
  for (const section of sections) {
    if (section.end <= at) {
      count += section.ids.length;
      continue;
    }
    if (section.start >= at) break;
    if (section.added)
      return { count, split: { alone: tokenizer.encode(text.slice(section.start, at)), together: section.ids } };
    const alone = tokenizer.encodePlain(text.slice(section.start, at), section.index);
    let same = 0;
    while (same < alone.length && alone[same] === section.ids[same]) same++;
    const clean = same === alone.length;
    const together = section.ids.slice(same, same + 2);
    return clean ? { count: count + same } : { count: count + same, split: { alone: alone.slice(same), together } };
  }
  return { count };
}

function withBegin(tokenizer: Tokenizer, ids: number[]): number[] {
  const begin = tokenizer.beginIds;
  return begin.every((id, i) => ids[i] === id) ? ids : [...begin, ...ids];
}

function withEnd(tokenizer: Tokenizer, ids: number[]): number[] {
  const { eosId, eosIds } = tokenizer;
  const last = ids[ids.length - 1];
  return eosId === undefined || last === eosId || eosIds.includes(last) ? ids : [...ids, eosId];
}

function broken(message: Message, tokenizer: Tokenizer): Message {
  return { ...message, content: tokenizer.breakControl(message.content) };
}

function need(template: ChatTemplate | null): ChatTemplate {
  if (template) return template;
  throw new UserError('the data are messages, but the model has no chat template', {
    code: 'chat-template',
    hint: 'set `chat_template:` to a .jinja file, or give the data as prompt and completion',
  });
}

/** Says in which row of the data something went wrong; the template's own place stays in the message. */
export function atRow<T>(row: Row, render: () => T): T {
  try {
    return render();
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    const place = [cause.file, cause.line].filter((part) => part !== undefined).join(':');
    throw new UserError(place ? `${cause.message} (${place})` : cause.message, {
      file: row.file,
      line: row.line,
      hint: cause.hint,
      code: cause.code,
      cause,
    });
  }
}

function onePerKind(notes: readonly ExampleNote[]): ExampleNote[] {
  return notes.filter((note, i) => notes.findIndex(({ kind }) => kind === note.kind) === i);
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from '@huggingface/jinja';
import { UserError } from '../config/errors';
import type { Message, TemplateInputs } from '../data/rows';
import { compileTemplate, runTemplate } from './template-engine';
import { lineOfFailure, lineOfSyntaxError, type RenderSource } from './template-lines';
import { isJsonObject, readModelJson } from './tokenizer-files';

/** Stand for the borders of a `{% generation %}` span in rendered text; noncharacters, never in text for interchange. */
export const SPAN_OPEN = '\ufdd2';
export const SPAN_CLOSE = '\ufdd3';

export interface RenderOptions extends TemplateInputs {
  /** End with the beginning of an assistant turn, for the model to go on. */
  addGenerationPrompt?: boolean;
}

const MARKS = new RegExp(`[${SPAN_OPEN}${SPAN_CLOSE}]`, 'g');

/** A part of a rendered conversation that the template marks as generated, in UTF-16 units. */
export interface TextSpan {
  start: number;
  end: number;
}

const GENERATION_TAG = /(^[ \t]*)?\{%(-?)\s*(end)?generation\s*(-?)%\}(\n)?/gm;

/** A chat template in Jinja, as models carry it. */
export class ChatTemplate {
  /** Whether the template marks what the assistant generates with `{% generation %}`. */
  readonly marksGeneration: boolean;
  private readonly template: Template;

  private constructor(
    readonly source: string,
    /** Where the template came from, for messages. */
    readonly file: string | undefined,
    private readonly tokens: Readonly<Record<string, string>>,
    private readonly now: () => Date,
  ) {
    this.marksGeneration = source.search(GENERATION_TAG) >= 0;
    this.template = this.compile(source);
  }

  /** `eos_token`, which some templates put once, behind the whole conversation. */
  get endToken(): string | undefined {
    return this.tokens.eos_token;
  }

  /**
   * A template from its source. `tokens` are the special tokens by name (bos_token …), `now` is what `strftime_now`
   * tells. Throws UserError with the line for a template that cannot be parsed.
   */
  static from(
    source: string,
    options: { file?: string; tokens?: Readonly<Record<string, string>>; now?: () => Date } = {},
  ): ChatTemplate {
    return new ChatTemplate(source, options.file, options.tokens ?? {}, options.now ?? (() => new Date()));
  }

  /**
   * The template of a model folder: chat_template.jinja, else `chat_template` of tokenizer_config.json (a text, or a
   * list of named ones, of which `default` counts). Throws UserError naming the key `chat_template` when there is none.
   */
  static load(folder: string, options: { now?: () => Date } = {}): ChatTemplate {
    const template = ChatTemplate.find(folder, options);
    if (template) return template;
    throw new UserError('the model has no chat template, and the data are messages', {
      file: folder,
      code: 'chat-template',
      hint: 'set `chat_template:` to a .jinja file, or give the data as prompt and completion',
    });
  }

  /** As `load`, but null when the folder has no template. */
  static find(folder: string, options: { now?: () => Date } = {}): ChatTemplate | null {
    const config = readModelJson(folder, 'tokenizer_config.json') ?? {};
    const tokens = tokensOf(config);
    const file = join(folder, 'chat_template.jinja');
    if (existsSync(file)) return ChatTemplate.fromFile(file, { tokens, ...options });
    const value = config.chat_template;
    const at = { file: join(folder, 'tokenizer_config.json'), tokens, ...options };
    if (typeof value === 'string') return ChatTemplate.from(value, at);
    if (!Array.isArray(value)) return null;
    const named = value.filter(isJsonObject);
    const chosen = named.find(({ name }) => name === 'default') ?? (named.length === 1 ? named[0] : undefined);
    if (chosen && typeof chosen.template === 'string') return ChatTemplate.from(chosen.template, at);
    const names = named.map(({ name }) => String(name)).join(', ');
    throw new UserError(`none of the chat templates is named default (there are: ${names || 'none'})`, {
      file: at.file,
      code: 'chat-template',
      hint: 'set `chat_template:` to a .jinja file',
    });
  }

  /** A template from a .jinja file. */
  static fromFile(
    file: string,
    options: { tokens?: Readonly<Record<string, string>>; now?: () => Date } = {},
  ): ChatTemplate {
    let source: string;
    try {
      source = readFileSync(file, 'utf8').replace(/^\ufeff/, '');
    } catch (cause) {
      const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
      throw new UserError(`the chat template cannot be read (${why})`, { file, code: 'chat-template', cause });
    }
    return ChatTemplate.from(source, { file, ...options });
  }

  /** The conversation as the model reads it. Throws UserError with the template's line when the template refuses it. */
  render(messages: readonly Message[], options: RenderOptions = {}): string {
    return this.renderWithSpans(messages, options).text;
  }

  /** The conversation and the spans that `{% generation %}` marks; no spans for a template without the marks. */
  renderWithSpans(messages: readonly Message[], options: RenderOptions = {}): { text: string; spans: TextSpan[] } {
    if (!this.marksGeneration) return { text: this.run(messages, options), spans: [] };
    const clean = messages.map(({ content, ...rest }) => ({ ...rest, content: content.replace(MARKS, '\ufffd') }));
    const marked = this.run(clean, options);
    const spans: TextSpan[] = [];
    let text = '';
    let from = 0;
    let open = -1;
    for (const { 0: mark, index } of marked.matchAll(MARKS)) {
      text += marked.slice(from, index);
      from = index + 1;
      if (mark === SPAN_OPEN) open = text.length;
      else if (open >= 0) {
        if (text.length > open) spans.push({ start: open, end: text.length });
        open = -1;
      }
    }
    return { text: text + marked.slice(from), spans };
  }

  private compile(source: string): Template {
    try {
      return compileTemplate(markSpans(source));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const words = why.startsWith('Cannot read properties') ? 'it ends inside a block or a tag' : why;
      throw new UserError(`the chat template cannot be parsed: ${words.slice(0, 300)}`, {
        file: this.file,
        line: lineOfSyntaxError(source, why),
        code: 'chat-template',
        cause,
      });
    }
  }

  private run(messages: readonly Message[], options: RenderOptions): string {
    const render: RenderSource = (compiled, extra) =>
      runTemplate(compiled, {
        strftime_now: (format: unknown) => strftime(String(format), this.now()),
        ...this.tokens,
        ...options.arguments,
        messages: messages.map(({ role, content, extra: more }) => ({ ...more, role, content })),
        tools: options.tools ?? null,
        add_generation_prompt: options.addGenerationPrompt ?? false,
        ...extra,
      });
    try {
      return render(this.template);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(`the chat template refuses this conversation: ${why.slice(0, 300)}`, {
        file: this.file,
        line: lineOfFailure(this.source, render),
        code: 'chat-template',
        cause,
      });
    }
  }
}

/**
 * Writes the `{% generation %}` tags as characters in the output. The engine drops them before it looks at whitespace,
 * and so strips blanks that Jinja itself keeps; here they go as around any block tag (trim_blocks, lstrip_blocks, minus).
 */
function markSpans(source: string): string {
  return source.replace(GENERATION_TAG, (_, _indent, before: string, end: string | undefined, after: string) => {
    return `{{${before} "${end ? SPAN_CLOSE : SPAN_OPEN}" ${after}}}`;
  });
}

function tokensOf(config: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (!name.endsWith('_token')) continue;
    const token = isJsonObject(value) ? value.content : value;
    if (typeof token === 'string') tokens[name] = token;
  }
  return tokens;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** The part of C's strftime that chat templates use, in local time. */
export function strftime(format: string, date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const fields: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    e: () => String(date.getDate()).padStart(2, ' '),
    '-d': () => String(date.getDate()),
    '-m': () => String(date.getMonth() + 1),
    B: () => MONTHS[date.getMonth()],
    b: () => MONTHS[date.getMonth()].slice(0, 3),
    A: () => DAYS[date.getDay()],
    a: () => DAYS[date.getDay()].slice(0, 3),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    F: () => strftime('%Y-%m-%d', date),
    T: () => strftime('%H:%M:%S', date),
    '%': () => '%',
  };
  return format.replace(/%(-?[a-zA-Z%])/g, (whole, name: string) => fields[name]?.() ?? whole);
}

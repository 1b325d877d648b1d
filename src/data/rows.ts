import type { JsonLine, JsonObject } from './jsonl';
import { isObject, kindOf } from './jsonl';
import type { FaultReport } from './report';

export const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

export interface Message {
  role: Role;
  content: string;
  /** Other keys of the message (tool_calls, name …), for the chat template only. */
  extra?: JsonObject;
}

/** Where a row came from: its place among the rows of its data and its line in the file. */
export interface RowPlace {
  file: string;
  /** Counts from 0 over the rows of the data. */
  index: number;
  /** Counts from 1; for a document of a text file the line of its first word. */
  line: number;
}

/** What a chat template may be given beside the messages. */
export interface TemplateInputs {
  tools?: unknown[];
  /** Extra variables for the template (TRL's `chat_template_kwargs`). */
  arguments?: JsonObject;
}

export type MessagesRow = RowPlace & TemplateInputs & { kind: 'messages'; messages: Message[] };
export type TextRow = RowPlace & { kind: 'text'; text: string };
/** A prompt and its answer; both are strings or both are message lists. */
export type CompletionRow = RowPlace &
  TemplateInputs & { kind: 'completion' } & (
    { prompt: string; completion: string } | { prompt: Message[]; completion: Message[] }
  );
/** A prompt alone, for sampling. */
export type PromptRow = RowPlace & TemplateInputs & { kind: 'prompt'; prompt: string | Message[] };
/** One row of training data, whichever way the file wrote it. */
export type Row = MessagesRow | TextRow | CompletionRow | PromptRow;

/** The ways to write a row that the reader knows. */
export type RowFormat =
  'messages' | 'prompt and completion' | 'prompt and completion as messages' | 'text' | 'conversations' | 'prompt';

const SHAREGPT_ROLES: Record<string, Role> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  chatgpt: 'assistant',
  system: 'system',
  tool: 'tool',
  function_response: 'tool',
  observation: 'tool',
};

/** Keys of other formats and what to write instead. */
const FOREIGN_KEYS: [string[], string][] = [
  [['instruction', 'output'], 'rename instruction to prompt and output to completion'],
  [['instruction', 'response'], 'rename instruction to prompt and response to completion'],
  [['question', 'answer'], 'rename question to prompt and answer to completion'],
  [['prompt', 'response'], 'rename response to completion'],
  [['prompt', 'chosen', 'rejected'], 'these are preference pairs: they belong to a reward or dpo stage'],
  [['chosen', 'rejected'], 'these are preference pairs: they belong to a reward or dpo stage'],
  [['input_ids'], 'rows of token ids cannot be read: give the text'],
  [['content'], 'rename content to text'],
  [['dialog'], 'rename dialog to messages'],
  [['completion'], 'a completion needs a prompt; for plain text write text'],
];

/** What a line gives, before its place among the rows is known. */
type Bare =
  | (TemplateInputs & { kind: 'messages'; messages: Message[] })
  | { kind: 'text'; text: string }
  | (TemplateInputs & { kind: 'completion'; prompt: string; completion: string })
  | (TemplateInputs & { kind: 'completion'; prompt: Message[]; completion: Message[] })
  | (TemplateInputs & { kind: 'prompt'; prompt: string | Message[] });

/**
 * Turns JSON objects into rows. All rows of one file must be written in one format: a reader is made per file.
 * Faults name line and field and go to the report.
 */
export class RowReader {
  private format: { name: RowFormat; line: number } | null = null;

  constructor(private readonly report: FaultReport) {}

  /** The row of a line, or null when a fault was reported. `index` is its place among the rows of the data. */
  read({ line, value }: JsonLine, index: number): Row | null {
    const reader = new FieldReader(this.report, line);
    const format = reader.formatOf(value);
    if (!format) return null;
    if (this.format && this.format.name !== format) {
      const message = `this row is ${format}, the rows before it are ${this.format.name} (line ${this.format.line})`;
      reader.fault(undefined, message, 'write all rows of a file in one format');
      return null;
    }
    this.format ??= { name: format, line };
    const bare = reader.row(value, format);
    return bare ? { ...bare, file: this.report.file, line, index } : null;
  }
}

/** Reads the fields of one row and reports at its line. */
class FieldReader {
  constructor(
    private readonly report: FaultReport,
    private readonly line: number,
  ) {}

  fault(field: string | undefined, message: string, hint?: string): null {
    this.report.add({ line: this.line, field, message, hint });
    return null;
  }

  /** Which format a row is written in, by its keys. */
  formatOf(value: JsonObject): RowFormat | null {
    const has = (key: string) => value[key] !== undefined && value[key] !== null;
    const found: RowFormat[] = [];
    if (has('messages')) found.push('messages');
    if (has('conversations')) found.push('conversations');
    if (has('prompt') && has('completion')) {
      const lists = Array.isArray(value.prompt) || Array.isArray(value.completion);
      found.push(lists ? 'prompt and completion as messages' : 'prompt and completion');
    }
    if (has('text')) found.push('text');
    if (found.length > 1) {
      return this.fault(undefined, `the row has ${found.join(' and also ')}`, 'keep one of them in every row');
    }
    if (found.length === 1) return found[0];
    const foreign = FOREIGN_KEYS.find(([keys]) => keys.every(has));
    if (has('prompt') && !foreign) return 'prompt';
    const keys = Object.keys(value)
      .slice(0, 8)
      .map((key) => JSON.stringify(key.slice(0, 40)));
    const message = keys.length
      ? `the row has none of messages, prompt and completion, text, conversations; its keys are ${keys.join(', ')}`
      : 'the row is an empty object';
    return this.fault(
      undefined,
      message,
      foreign?.[1] ?? 'write {"messages": …}, {"prompt": …, "completion": …} or {"text": …}',
    );
  }

  row(value: JsonObject, format: RowFormat): Bare | null {
    switch (format) {
      case 'text': {
        const text = this.text(value.text, 'text');
        return text === null ? null : { kind: 'text', text };
      }
      case 'messages':
      case 'conversations': {
        const messages =
          format === 'messages'
            ? this.messages(value.messages, 'messages')
            : this.conversations(value.conversations, value.system);
        const inputs = this.inputs(value);
        return messages && inputs ? { kind: 'messages', messages, ...inputs } : null;
      }
      case 'prompt and completion': {
        const prompt = this.text(value.prompt, 'prompt');
        const completion = this.text(value.completion, 'completion');
        const inputs = this.inputs(value);
        if (prompt === null || completion === null || !inputs) return null;
        return { kind: 'completion', prompt, completion, ...inputs };
      }
      case 'prompt and completion as messages': {
        const prompt = this.messages(value.prompt, 'prompt');
        const completion = this.messages(value.completion, 'completion');
        const inputs = this.inputs(value);
        return prompt && completion && inputs ? { kind: 'completion', prompt, completion, ...inputs } : null;
      }
      case 'prompt': {
        const prompt = Array.isArray(value.prompt)
          ? this.messages(value.prompt, 'prompt')
          : this.text(value.prompt, 'prompt');
        const inputs = this.inputs(value);
        return prompt !== null && inputs ? { kind: 'prompt', prompt, ...inputs } : null;
      }
    }
  }

  private text(value: unknown, field: string): string | null {
    return typeof value === 'string' ? value : this.fault(field, `${field} is ${kindOf(value)}, must be a string`);
  }

  private list(value: unknown, field: string): unknown[] | null {
    if (!Array.isArray(value)) return this.fault(field, `${field} is ${kindOf(value)}, must be a list of messages`);
    return value.length
      ? value
      : this.fault(field, `${field} is an empty list`, 'give at least one message, or delete the row');
  }

  private messages(value: unknown, field: string): Message[] | null {
    return this.each(this.list(value, field), (item, i) => this.message(item, `${field}[${i}]`));
  }

  private message(value: unknown, field: string): Message | null {
    if (!isObject(value)) return this.fault(field, `${field} is ${kindOf(value)}, must be {"role": …, "content": …}`);
    const { role, content, ...extra } = value;
    const known = ROLES.find((name) => name === role);
    if (!known) {
      const what = typeof role === 'string' ? JSON.stringify(role.slice(0, 40)) : kindOf(role);
      const hint = typeof role === 'string' && SHAREGPT_ROLES[role] ? `write "${SHAREGPT_ROLES[role]}"` : undefined;
      return this.fault(`${field}.role`, `${field}.role is ${what}, must be one of ${ROLES.join(', ')}`, hint);
    }
    // A turn that only calls tools has no text.
    const text = content ?? (known === 'assistant' && Array.isArray(extra.tool_calls) ? '' : content);
    if (typeof text !== 'string') {
      return this.fault(`${field}.content`, `${field}.content is ${kindOf(content)}, must be a string`);
    }
    return Object.keys(extra).length ? { role: known, content: text, extra } : { role: known, content: text };
  }

  private conversations(value: unknown, system: unknown): Message[] | null {
    const turns = this.each(this.list(value, 'conversations'), (item, i) => {
      const field = `conversations[${i}]`;
      if (!isObject(item)) return this.fault(field, `${field} is ${kindOf(item)}, must be {"from": …, "value": …}`);
      if (item.from === undefined && item.role !== undefined) {
        return this.fault(
          field,
          `${field} has role and content, must have from and value`,
          'rename conversations to messages',
        );
      }
      const role = typeof item.from === 'string' ? SHAREGPT_ROLES[item.from.toLowerCase()] : undefined;
      if (!role) {
        const what = typeof item.from === 'string' ? JSON.stringify(item.from.slice(0, 40)) : kindOf(item.from);
        return this.fault(`${field}.from`, `${field}.from is ${what}, must be one of human, gpt, system, tool`);
      }
      const content = this.text(item.value, `${field}.value`);
      return content === null ? null : { role, content };
    });
    if (!turns || typeof system !== 'string' || system === '') return turns;
    return [{ role: 'system', content: system }, ...turns];
  }

  private each(items: unknown[] | null, read: (item: unknown, index: number) => Message | null): Message[] | null {
    if (!items) return null;
    const messages: Message[] = [];
    for (let i = 0; i < items.length; i++) {
      const message = read(items[i], i);
      if (!message) return null; // one fault a row: what follows from the first would only hide it
      messages.push(message);
    }
    return messages;
  }

  private inputs(value: JsonObject): TemplateInputs | null {
    const inputs: TemplateInputs = {};
    let tools: unknown = value.tools;
    if (typeof tools === 'string') {
      try {
        tools = JSON.parse(tools) as unknown;
      } catch {
        return this.fault('tools', 'tools is a string that is not JSON', 'give a list of tools, or that list as JSON');
      }
    }
    if (tools !== undefined && tools !== null) {
      if (!Array.isArray(tools)) return this.fault('tools', `tools is ${kindOf(tools)}, must be a list`);
      if (tools.length) inputs.tools = tools;
    }
    const extra = value.chat_template_kwargs ?? undefined;
    if (extra !== undefined) {
      if (!isObject(extra)) {
        return this.fault('chat_template_kwargs', `chat_template_kwargs is ${kindOf(extra)}, must be an object`);
      }
      inputs.arguments = extra;
    }
    return inputs;
  }
}

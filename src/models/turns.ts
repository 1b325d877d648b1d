import { UserError } from '../config/errors';
import type { ExampleNote } from '../data/example';
import type { Message } from '../data/rows';
import type { ChatTemplate, RenderOptions, TextSpan } from './chat';

/** A rendered conversation and which parts of its text the assistant said, in UTF-16 units. */
export interface RenderedTurns {
  text: string;
  spans: TextSpan[];
  notes: ExampleNote[];
}

/**
 * Renders a conversation and finds the assistant's turns in it: by the template's `{% generation %}` marks, else by
 * rendering up to each turn without it (ending in the generation prompt) and with it; what the second adds is the turn.
 *
 * That works only where the template leaves earlier turns as they were. A turn that reads otherwise in the whole
 * conversation than when it was said (thinking dropped, blanks stripped) is not learnt, and a note says so. Throws
 * UserError where even the text before a turn depends on the turn.
 *
 * `from`: the first message that may be learnt (a prompt's messages come before it).
 */
export function renderTurns(
  template: ChatTemplate,
  messages: readonly Message[],
  from: number,
  options: RenderOptions,
): RenderedTurns {
  const whole = template.renderWithSpans(messages, options);
  const { text } = whole;
  if (whole.spans.length > 0) {
    const before = from > 0 ? commonPrefix(template.render(messages.slice(0, from), options), text) : 0;
    return { text, spans: whole.spans.filter(({ start }) => start >= before), notes: [] };
  }
  const spans: TextSpan[] = [];
  const notes: ExampleNote[] = [];
  for (let i = from; i < messages.length; i++) {
    if (messages[i].role !== 'assistant') continue;
    const asked = template.render(messages.slice(0, i), { ...options, addGenerationPrompt: true });
    let said = i === messages.length - 1 ? text : template.render(messages.slice(0, i + 1), options);
    // Some templates end every conversation, not every turn, with the end token.
    const { endToken } = template;
    if (endToken && !text.startsWith(said) && said.endsWith(endToken)) said = said.slice(0, -endToken.length);
    if (!text.startsWith(said.trimEnd())) {
      notes.push({
        kind: 'rewritten',
        text:
          `the chat template writes message ${i + 1} in another way once the conversation goes on ` +
          `(${excerpt(said, commonPrefix(said, text))} becomes ${excerpt(text, commonPrefix(said, text))}); ` +
          'such turns are not learnt. Give each answer a row of its own, or mark it with {% generation %}.',
      });
      continue;
    }
    const start = commonPrefix(asked, said);
    if (start < asked.length) {
      if (start < template.render(messages.slice(0, i), options).trimEnd().length)
        throw entangled(template, i, asked, said);
      notes.push({
        kind: 'prompt-differs',
        text:
          `the generation prompt ends in ${excerpt(asked, start)}, but message ${i + 1} begins with ` +
          `${excerpt(said, start)}: the model would learn what it is not asked at sampling`,
      });
    }
    const end = text.startsWith(said) ? said.length : said.trimEnd().length;
    if (end > start) spans.push({ start, end });
  }
  return { text, spans, notes };
}

function entangled(template: ChatTemplate, index: number, asked: string, said: string): UserError {
  const at = commonPrefix(asked, said);
  return new UserError(
    `the chat template writes what comes before message ${index + 1} in another way when that message is there ` +
      `(${excerpt(asked, at)} becomes ${excerpt(said, at)}), so the assistant's part cannot be told`,
    {
      file: template.file,
      code: 'chat-template',
      hint: 'mark the assistant’s part with {% generation %} … {% endgeneration %} in the template, or set loss_on: all',
    },
  );
}

export function commonPrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

function excerpt(text: string, at: number): string {
  const part = text.slice(at, at + 30);
  return JSON.stringify(at + 30 < text.length ? `${part}…` : part);
}

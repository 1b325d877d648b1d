import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import type { Message } from '../../src/data/rows';
import { ChatTemplate, strftime } from '../../src/models/chat';

const user: Message = { role: 'user', content: 'hi' };

function refused(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function folderWith(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'chat-'));
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  }
  return folder;
}

describe('finding the template of a model', () => {
  const load = (files: Record<string, unknown>) => ChatTemplate.load(folderWith(files)).render([user]);

  it('takes chat_template.jinja first', () => {
    const files = { 'chat_template.jinja': 'file', 'tokenizer_config.json': { chat_template: 'config' } };
    expect(load(files)).toBe('file');
  });

  it('takes a text or the default of a list from tokenizer_config.json, with the special tokens', () => {
    const text = { chat_template: '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}' };
    const tokens = { bos_token: '<s>', eos_token: { content: '</s>' } };
    expect(load({ 'tokenizer_config.json': { ...text, ...tokens } })).toBe('<s>hi</s>');
    const list = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ];
    expect(load({ 'tokenizer_config.json': { chat_template: list } })).toBe('plain');
    expect(load({ 'tokenizer_config.json': { chat_template: list.slice(0, 1) } })).toBe('tools');
  });

  it('names the key chat_template where there is none', () => {
    const folder = folderWith({ 'tokenizer_config.json': {} });
    expect(ChatTemplate.find(folder)).toBeNull();
    const error = refused(() => ChatTemplate.load(folder));
    expect(error.message).toContain('no chat template');
    expect(error.hint).toContain('`chat_template:`');
  });

  it('lists the names where none is the default', () => {
    const list = ['rag', 'tool_use'].map((name) => ({ name, template: 'x' }));
    const error = refused(() => ChatTemplate.load(folderWith({ 'tokenizer_config.json': { chat_template: list } })));
    expect(error.message).toContain('rag, tool_use');
  });
});

describe('a template that fails', () => {
  const cases: [string, string, number, RegExp][] = [
    ['a bad expression', 'line\n{% if messages %}\n{{ foo( }}\n{% endif %}', 3, /cannot be parsed/],
    ['an unknown tag', 'line\n\n{% frobnicate %}', 3, /cannot be parsed/],
    ['raise_exception', '{% for m in messages %}\n{{ raise_exception("no " + m.role) }}\n{% endfor %}', 2, /no user/],
    ['a call of what is no function', 'a\nb\n{{ messages() }}', 3, /refuses/],
    ['an index where text is due', 'a\n{% set x = "}}" %}\n{{ messages["x" + 1][2] - {} }}', 3, /refuses/],
    ['an unknown filter', '{# }} {{ #}\n{{ messages | frobnicate }}', 2, /refuses/],
    ['a range without end', 'a\n{% for i in range(1000000000) %}x{% endfor %}', 2, /at most 100000/],
    ['a macro that calls itself', 'a\n{% macro f() %}{{ f() }}{% endmacro %}\n{{ f() }}', 2, /refuses/],
  ];
  it.each(cases)('gives the line of %s', (_, source, line, words) => {
    const error = refused(() => ChatTemplate.from(source, { file: 'x.jinja' }).render([user]));
    expect(error.message).toMatch(words);
    expect([error.file, error.line]).toEqual(['x.jinja', line]);
  });

  it('says that a block is not closed', () => {
    expect(refused(() => ChatTemplate.from('{% if x %}')).message).toMatch(/ends inside a block/);
  });
});

describe('what a template may use', () => {
  const render = (source: string, ...messages: Message[]) => ChatTemplate.from(source).render(messages);

  it('is the tools, the arguments of the row and the other keys of a message', () => {
    const source = '{{ tools[0].name if tools }} {{ mood }} {{ messages[0].name }} {{ tools is none }}';
    const template = ChatTemplate.from(source);
    const message = { ...user, extra: { name: 'Ada' } };
    expect(template.render([message], { tools: [{ name: 'sum' }], arguments: { mood: 'calm' } })).toBe(
      'sum calm Ada false',
    );
    expect(template.render([message])).toContain('true');
  });

  it('is strip with characters, as in Python', () => {
    expect(
      render("{{ 'xxaxbx'.strip('x') }}|{{ '\\n a \\n'.lstrip('\\n') }}|{{ 'ab..'.rstrip('.') }}|{{ ' a '.strip() }}"),
    ).toBe('axb| a \n|ab|a');
  });

  it('is a clock that stands still within a run', () => {
    const now = () => new Date(2024, 6, 9, 8, 5, 3);
    const template = ChatTemplate.from("{{ strftime_now('%d %b %Y, %A %H:%M:%S %p') }}", { now });
    expect(template.render([user])).toBe('09 Jul 2024, Tuesday 08:05:03 AM');
    expect(strftime('%Y-%m-%d %B %-d %e %y %% %Q', now())).toBe('2024-07-09 July 9  9 24 % %Q');
  });

  it('keeps white space around generation marks as Jinja does around any block', () => {
    const source = 'a\n  {% generation %}\nb\n{% endgeneration %}\nc {%- generation -%} \n d {% endgeneration %} e';
    const { text, spans } = ChatTemplate.from(source).renderWithSpans([user]);
    expect(text).toBe('a\nb\ncd  e');
    expect(spans.map(({ start, end }) => text.slice(start, end))).toEqual(['b\n', 'd ']);
  });
});

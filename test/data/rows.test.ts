import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRows } from '../../src/data/files';
import type { Row } from '../../src/data/rows';

const folder = mkdtempSync(join(tmpdir(), 'rows-'));
let files = 0;

/** The rows of objects written to a file, without their places. */
function read(...objects: unknown[]): unknown[] {
  const file = join(folder, `${files++}.jsonl`);
  writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n'));
  return readRows(file).map((row: Row) => {
    const { file: _file, index: _index, line: _line, ...bare } = row;
    return bare;
  });
}

const hi = { role: 'user', content: 'hi' };
const yes = { role: 'assistant', content: 'yes' };

describe('row formats', () => {
  it('messages', () => {
    expect(read({ messages: [hi, yes], id: 7 })).toEqual([{ kind: 'messages', messages: [hi, yes] }]);
  });

  it('prompt and completion, as strings or as messages', () => {
    expect(read({ prompt: 'a', completion: 'b' })).toEqual([{ kind: 'completion', prompt: 'a', completion: 'b' }]);
    expect(read({ prompt: [hi], completion: [yes] })).toEqual([
      { kind: 'completion', prompt: [hi], completion: [yes] },
    ]);
  });

  it('text, and a prompt alone', () => {
    expect(read({ text: 'a' })).toEqual([{ kind: 'text', text: 'a' }]);
    expect(read({ prompt: 'a' }, { prompt: [hi] })).toEqual([
      { kind: 'prompt', prompt: 'a' },
      { kind: 'prompt', prompt: [hi] },
    ]);
  });

  it('conversations, with their roles made ours and a system text beside them', () => {
    const conversations = [
      { from: 'human', value: 'hi' },
      { from: 'gpt', value: 'yes' },
    ];
    expect(read({ conversations, system: 'be kind' }, { conversations, system: '' })).toEqual([
      { kind: 'messages', messages: [{ role: 'system', content: 'be kind' }, hi, yes] },
      { kind: 'messages', messages: [hi, yes] },
    ]);
  });

  it('a prompt beside messages does not count', () => {
    expect(read({ prompt: 'hi', messages: [hi, yes] })).toEqual([{ kind: 'messages', messages: [hi, yes] }]);
  });

  it('tools as a list or as JSON, template arguments, and the other keys of a message', () => {
    const tools = [{ name: 'sum' }];
    const call = { role: 'assistant', content: null, tool_calls: [{ id: 1 }] };
    const row = { messages: [hi, call], chat_template_kwargs: { mood: 'calm' } };
    const expected = {
      kind: 'messages',
      messages: [hi, { role: 'assistant', content: '', extra: { tool_calls: [{ id: 1 }] } }],
      tools,
      arguments: { mood: 'calm' },
    };
    expect(read({ ...row, tools }, { ...row, tools: JSON.stringify(tools) })).toEqual([expected, expected]);
  });
});

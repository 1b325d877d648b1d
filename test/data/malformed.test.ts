import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { readRows } from '../../src/data/files';
import { readJsonl } from '../../src/data/jsonl';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'malformed');

interface Expected {
  file: string;
  line: number;
  column?: number;
  message: string;
}

const expected = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Expected[];

function refused(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const temporary = (content: string | Buffer, name = 'x.jsonl'): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'malformed-')), name);
  writeFileSync(file, content);
  return file;
};

describe('a malformed data file', () => {
  it('is expected for every file in the folder', () => {
    const files = readdirSync(FOLDER).filter((name) => name !== 'expected.json');
    expect(files.sort()).toEqual(expected.map(({ file }) => file).sort());
    expect(files.length).toBeGreaterThanOrEqual(20);
  });

  it.each(expected.map((entry) => [entry.file, entry] as const))('%s', (name, { line, column, message }) => {
    const error = refused(() => readRows(join(FOLDER, name)));
    expect(error.message).toContain(message);
    expect({ file: error.file, line: error.line, column: error.column }).toEqual({
      file: join(FOLDER, name),
      line,
      column,
    });
    // The words are for a user: one sentence, no trace of our code.
    expect(error.message).not.toMatch(/undefined|\[object|\bat \w+ \(|Unexpected token/);
  });
});

describe('files that are none', () => {
  it('a folder', () => {
    expect(refused(() => readRows(FOLDER)).message).toMatch(/folder/);
  });

  it('a missing file', () => {
    const error = refused(() => readRows(join(FOLDER, 'nowhere.jsonl')));
    expect(error.message).toBe('there is no such file');
    expect(error.hint).toContain('`data:`');
  });

  it('a file below a file', () => {
    expect(refused(() => readRows(join(temporary('x'), 'y.jsonl'))).message).toBe('there is no such file');
  });

  it.runIf(process.platform !== 'win32')('a device', () => {
    expect(refused(() => readRows('/dev/zero')).message).toMatch(/device/);
  });
});

describe('many faults', () => {
  it('come in one report', () => {
    const file = temporary('{"text":1}\n{"text":"ok"}\nx\n{"text":2}\n');
    const error = refused(() => readRows(file));
    expect(error.line).toBe(1);
    const lines = error.message.split('\n');
    expect(lines[0]).toBe('text is a number, must be a string');
    expect(lines.slice(1, 3).map((text) => text.slice(file.length))).toEqual([
      ':3:1: the line is not JSON: a value is expected, not x',
      ':4: text is a number, must be a string',
    ]);
    expect(lines[3]).toBe('3 faults');
  });

  it('stop the reading at twenty', () => {
    const error = refused(() => readRows(temporary('{"text":1}\n'.repeat(100))));
    expect(error.message.split('\n')).toHaveLength(21);
    expect(error.message).toContain('reading stopped there');
  });
});

describe('a line over the limit', () => {
  it('is refused with its number, and the others are read', () => {
    const file = temporary(`{"text":"a"}\n{"text":"${'b'.repeat(3_000_000)}"}\n{"text":"c"}\n{"text":7}`);
    const seen: number[] = [];
    const error = refused(() => {
      for (const { line } of readJsonl(file, { mostLineBytes: 1024 * 1024 })) seen.push(line);
    });
    expect([error.line, seen]).toEqual([2, [1, 3, 4]]);
    expect(error.message).toBe('the line is longer than 1 MB');
  });
});

describe('what is accepted', () => {
  it('a byte order mark, CRLF, blank lines and a last line without its end', () => {
    const file = temporary('\ufeff{"text":"a"}\r\n\r\n  \r\n{"text":"b\\r"}\r\n{"text":"c"}');
    const rows = readRows(file);
    expect(rows.map((row) => [row.kind === 'text' && row.text, row.line, row.index])).toEqual([
      ['a', 1, 0],
      ['b\r', 4, 1],
      ['c', 5, 2],
    ]);
  });

  it('lines that lie over the border of two chunks', () => {
    const texts = Array.from({ length: 40 }, (_, i) => 'é東'.repeat(20_000 + i));
    const rows = readRows(temporary(texts.map((text) => JSON.stringify({ text })).join('\n')));
    expect(rows.map((row) => row.kind === 'text' && row.text)).toEqual(texts);
  });

  it('deep nesting in a key that nobody reads', () => {
    const file = temporary(`{"text":"a","meta":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`);
    expect(readRows(file)).toHaveLength(1);
    const torn = temporary(`{"text":"a","meta":${'['.repeat(100_000)}`);
    expect(refused(() => readRows(torn)).message).toContain('torn');
  });

  it('several files, with rows counted on', () => {
    const folder = mkdtempSync(join(tmpdir(), 'several-'));
    mkdirSync(join(folder, 'a'));
    const [one, two] = [join(folder, 'a', '1.jsonl'), join(folder, '2.txt')];
    writeFileSync(one, '{"text":"a"}\n{"text":"b"}\n');
    writeFileSync(two, 'first\n\nstill first\n<|document|>\n\n<|document|>\nsecond\n');
    expect(readRows([one, two]).map((row) => [row.kind === 'text' && row.text, row.line, row.index])).toEqual([
      ['a', 1, 0],
      ['b', 2, 1],
      ['first\n\nstill first', 1, 2],
      ['second', 7, 3],
    ]);
    expect(readRows([one, two], { most: 3 })).toHaveLength(3);
  });
});

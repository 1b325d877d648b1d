import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { readRows } from '../../src/data/files';
import { findJsonFault } from '../../src/data/json-fault';
import { Random } from '../../src/data/random';

const GOOD = [
  '{"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi \\u00e9 \\"x\\""},{"role":"assistant","content":"yes 東京"}],"id":7}',
  '{"prompt":"a\\n","completion":" b","meta":{"score":-1.5e3,"tags":["x",null,true]}}',
  '{"conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"yes"}]}',
  '{"text":"Once upon a time\\tthere was 🙂"}',
];
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\n',
  '\r',
  '\0',
  '\ufeff',
  'null',
  '1e999',
  '-',
  "'",
  '\ud800',
  '[[',
];

/** Damages a file: flips, drops, doubles, cuts and swaps bytes, lines and pieces of JSON. */
function mutate(random: Random, content: Buffer): Buffer {
  const at = random.int(content.length + 1);
  const to = Math.min(content.length, at + random.int(8));
  const before = content.subarray(0, at);
  const after = content.subarray(to);
  switch (random.int(7)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, Buffer.from(PIECES[random.int(PIECES.length)]), content.subarray(at)]);
    case 2:
      return Buffer.concat([before, Buffer.from([random.int(256)]), content.subarray(at + 1)]);
    case 3:
      return Buffer.concat([before, content.subarray(at, to), content.subarray(at, to), after]);
    case 4:
      return content.subarray(0, at); // cut short
    case 5:
      return Buffer.concat([after, before]);
    default:
      return Buffer.concat([content, Buffer.from('\n' + GOOD[random.int(GOOD.length)])]);
  }
}

describe('damaged data files', () => {
  it('give rows, or a UserError with file and line, and nothing else', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'fuzz-')), 'x.jsonl');
    const random = Random.from(20240709, 'fuzz');
    let refused = 0;
    for (let run = 0; run < 1200; run++) {
      const line = GOOD[run % GOOD.length];
      let content: Buffer = Buffer.from(`${line}\n${line}\n${line}\n`);
      for (let times = 1 + random.int(4); times > 0; times--) content = mutate(random, content);
      writeFileSync(file, content);
      try {
        for (const row of readRows(file)) expect(row.line).toBeGreaterThan(0);
      } catch (error) {
        if (!(error instanceof UserError))
          throw new Error(`run ${run}: ${JSON.stringify(content.toString())}`, { cause: error });
        expect([run, error.file, (error.line ?? 0) > 0]).toEqual([run, file, true]);
        expect(error.message).not.toMatch(/undefined|\[object/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(1200);
  });

  it('show a fault exactly where JSON.parse refuses', () => {
    const random = Random.from(20240709, 'json');
    for (let run = 0; run < 5000; run++) {
      let content: Buffer = Buffer.from(GOOD[run % GOOD.length]);
      for (let times = 1 + random.int(3); times > 0; times--) content = mutate(random, content);
      const text = content.toString();
      let sound = true;
      try {
        JSON.parse(text);
      } catch {
        sound = false;
      }
      const fault = findJsonFault(text);
      expect([text, fault === null]).toEqual([text, sound]);
      if (fault) expect(fault.index).toBeLessThanOrEqual(text.length);
    }
  });
});

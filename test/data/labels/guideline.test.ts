import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/config/errors';
import { keepGuideline, parseGuideline, readGuideline } from '../../../src/data/labels/guideline';
import { newFolder } from './rows';

const SOURCE = `---
criteria:
  - name: honest
    question: Is it true?
    low: lies
    high: true throughout
  - brief
edge_cases:
  - Both wrong? Both bad.
---
# Which answer is better

Read **both**.

---

The longer one is not the better one.
`;

function faultOf(source: string): UserError {
  try {
    parseGuideline(source, 'guideline.md');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('no fault was found');
}

describe('a guideline', () => {
  it('has criteria and edge cases in its front matter, and text behind it', () => {
    const guideline = parseGuideline(SOURCE, 'guideline.md');
    expect(guideline).toMatchObject({
      title: 'Which answer is better',
      criteria: [
        { name: 'honest', question: 'Is it true?', low: 'lies', high: 'true throughout' },
        { name: 'brief', question: '', low: '', high: '' },
      ],
      edgeCases: ['Both wrong? Both bad.'],
    });
    expect(guideline.text).toMatch(/^# Which[\s\S]*---\n\nThe longer one is not the better one\.$/);
  });

  it('needs no front matter', () => {
    const none = { title: 'Guideline', criteria: [], edgeCases: [] };
    expect(parseGuideline('Be fair.', 'g.md')).toMatchObject({ ...none, text: 'Be fair.' });
    expect(parseGuideline('---\n---\nBe fair.', 'g.md')).toMatchObject({ ...none, text: 'Be fair.' });
    expect(parseGuideline('---\ntitle: Fairness\n---', 'g.md')).toMatchObject({ ...none, title: 'Fairness', text: '' });
    expect(parseGuideline('', 'g.md')).toMatchObject({ ...none, text: '' });
  });

  it('has a hash of its content; line ends and a byte order mark do not count', () => {
    const { hash } = parseGuideline(SOURCE, 'guideline.md');
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(parseGuideline(`\ufeff${SOURCE.replaceAll('\n', '\r\n')}`, 'other.md').hash).toBe(hash);
    expect(parseGuideline(SOURCE.replace('brief', 'short'), 'guideline.md').hash).not.toBe(hash);
  });

  it('names file and line of what is wrong', () => {
    const line = (source: string): number | undefined => faultOf(source).line;
    expect(line('---\ntitle: x\n')).toBe(1);
    expect(line('---\ntitle: x\ncriteria: [a\n---\n')).toBeGreaterThanOrEqual(3);
    expect(line('---\ntitle: x\ncriterion: [a]\n---\n')).toBe(3);
    expect(line('---\ncriteria:\n  - name: a\n  - question: b\n---\n')).toBe(4);
    expect(line('---\ncriteria: [a, a]\n---\n')).toBe(2);
    expect(line('---\n- a\n---\n')).toBe(2);
    expect(line('---\nedge_cases: 7\n---\n')).toBe(2);
    expect(faultOf('---\nedge_cases: 7\n---\n').file).toBe('guideline.md');
  });

  it('is read from a file, and each version is kept once', () => {
    const folder = newFolder();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'guideline.md');
    expect(() => readGuideline(file)).toThrow(UserError);
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x41, 0]));
    expect(() => readGuideline(file)).toThrow('UTF-8');
    writeFileSync(file, SOURCE);
    const guideline = readGuideline(file);
    for (let time = 0; time < 2; time++) keepGuideline(folder, SOURCE, guideline);
    expect(readdirSync(join(folder, 'guidelines'))).toEqual([`${guideline.hash}.md`]);
    expect(readFileSync(join(folder, 'guidelines', `${guideline.hash}.md`), 'utf8')).toBe(SOURCE);
  });
});

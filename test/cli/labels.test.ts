import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli, jsonLines } from './program';

const cli = new Cli();
beforeAll(() => cli.open());
afterAll(() => cli.close());

const at = (...path: string[]): string => join(cli.folder, ...path);
const write = (path: string, rows: readonly object[], tail = ''): void =>
  writeFileSync(at(path), rows.map((row) => `${JSON.stringify(row)}\n`).join('') + tail);

describe('align import and export', () => {
  it('what is imported comes out again in the explicit format; bad lines are named', async () => {
    const before = '\n\nHuman: Hi\n\nAssistant:';
    write(
      'mixed.jsonl',
      [
        { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.' },
        { chosen: `${before} Hello.`, rejected: `${before} Go away.` },
        { prompt: 'q', chosen: 'same', rejected: 'same ' },
        { prompt: 'q' },
      ],
      '{"prompt": "torn',
    );
    const { code, stdout, stderr } = await cli.run('import', 'mixed.jsonl', '--out', 'labels/mixed');
    expect([code, stdout]).toEqual([
      0,
      '2 pairs and 2 labels were added to labels/mixed.\nLeft out: 1 with equal answers, 2 that could not be read.\n',
    ]);
    expect(stderr).toContain('mixed.jsonl:4: ');
    expect(stderr).toContain('mixed.jsonl:5: ');
    expect(readFileSync(at('.align', '.gitignore'), 'utf8')).toBe('*\n');
    expect(existsSync(at('labels', '.align'))).toBe(false);
    expect(await cli.json('import', 'mixed.jsonl', '--out', 'labels/mixed')).toMatchObject({ added: 0, labels: 0 });

    const counts = await cli.json('export', 'labels/mixed', '--out', 'out.jsonl');
    expect(counts).toEqual({ rows: 2, ties: 0, unlabeled: 0, edits: 0, faults: 0, unknown: 0 });
    expect(jsonLines(readFileSync(at('out.jsonl'), 'utf8'))).toEqual([
      { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.' },
      {
        prompt: [{ role: 'user', content: 'Hi' }],
        chosen: [{ role: 'assistant', content: 'Hello.' }],
        rejected: [{ role: 'assistant', content: 'Go away.' }],
      },
    ]);
  });

  it('exports what the majority prefers and what was edited; ties, undone and unknown labels are not in it', async () => {
    mkdirSync(at('labels', 'votes'), { recursive: true });
    write(
      'labels/votes/pairs.jsonl',
      [1, 2, 3, 4].map((n) => ({ id: `p${n}`, prompt: `q${n}`, a: `a${n}`, b: `b${n}` })),
    );
    const row = (id: string, annotator: string, pair: string, value: unknown, rest: object = {}): object => ({
      ...{ v: 1, id, annotator, pair, value, time: 0, ms: 0, guideline: null, shown: 'ab', ...rest },
    });
    write('labels/votes/ada.x1.jsonl', [
      row('1', 'Ada', 'p1', 2),
      row('2', 'Ada', 'p2', -1),
      row('3', 'Ada', 'p3', 'skip', { edit: { side: 'a', text: 'better' } }),
      row('4', 'Ada', 'p4', 1),
      { v: 1, id: '5', annotator: 'Ada', pair: 'p4', time: 1, undoes: '4' },
      row('6', 'Ada', 'gone', 1),
    ]);
    write('labels/votes/ben.x1.jsonl', [row('7', 'Ben', 'p1', 1), row('8', 'Ben', 'p2', 1)]);
    write('labels/votes/cleo.x1.jsonl', [row('9', 'Cleo', 'p1', -1)], '<<<<<<< HEAD\n');
    expect(await cli.json('export', 'labels/votes', '--out', 'votes.jsonl')).toEqual({
      rows: 2,
      ties: 1,
      unlabeled: 2,
      edits: 1,
      faults: 1,
      unknown: 1,
    });
    expect(jsonLines(readFileSync(at('votes.jsonl'), 'utf8'))).toEqual([
      { prompt: 'q1', chosen: 'b1', rejected: 'a1' },
      { prompt: 'q3', chosen: 'better', rejected: 'a3' },
    ]);
    const ada = await cli.json('export', 'labels/votes', '--out', 'votes.jsonl', '--annotator', 'Ada', '--no-edits');
    expect(ada).toMatchObject({ rows: 2, ties: 0, edits: 0 });
  });

  it('exports what was edited and accepted as demonstrations for sft', async () => {
    mkdirSync(at('labels', 'talk'), { recursive: true });
    const prompt = [{ role: 'user', content: 'Hi' }];
    write('labels/talk/pairs.jsonl', [{ id: 'p1', prompt, a: 'Yo.', b: 'Hello there.' }]);
    const row = (id: string, rest: object): object => ({
      ...{ v: 1, id, annotator: 'Ada', pair: 'p1', value: 'skip', time: 0, ms: 0, guideline: null, shown: 'ab' },
      ...rest,
    });
    write('labels/talk/ada.x1.jsonl', [
      row('1', { value: 1, verdicts: { b: 'accept' }, edit: { side: 'a', text: 'Hello.' } }),
      row('2', { pair: 'q1', edit: { side: 'a', text: 'I do not know.' }, answer: { prompt, text: 'Perhaps.' } }),
    ]);
    const counts = await cli.json('export', 'labels/talk', '--demonstrations', '--out', 'talk.jsonl');
    expect(counts).toEqual({ rows: 3, edits: 2, accepted: 1, disputed: 0, faults: 0 });
    const completion = (content: string) => [{ role: 'assistant', content }];
    expect(jsonLines(readFileSync(at('talk.jsonl'), 'utf8'))).toEqual([
      { prompt, completion: completion('Hello.') },
      { prompt, completion: completion('Hello there.') },
      { prompt, completion: completion('I do not know.') },
    ]);
    // The same edits are preferences for dpo and reward.
    expect(await cli.json('export', 'labels/talk', '--out', 'talk-pairs.jsonl')).toMatchObject({ rows: 3, edits: 2 });
    const none = await cli.run('export', 'labels/mixed', '--demonstrations', '--out', 'x.jsonl');
    expect([none.code, none.stdout]).toEqual([2, '']);
    expect(none.stderr).toContain('No answer was edited, and none accepted');
    expect(existsSync(at('x.jsonl'))).toBe(false);
  });

  it('says what is missing', async () => {
    write('none.jsonl', [{ text: 'x' }]);
    for (const args of [
      ['import', 'none.jsonl', '--out', 'labels/none'],
      ['import', 'gone.jsonl', '--out', 'labels/none'],
      ['export', 'labels/none', '--out', 'x.jsonl'],
      ['export', 'labels/mixed', '--out', 'x.jsonl', '--method', 'mean'],
    ]) {
      const { code, stdout, stderr } = await cli.run(...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).not.toContain('    at ');
    }
    expect(existsSync(at('labels', 'none'))).toBe(false);
  });
});

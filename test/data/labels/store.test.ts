import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/config/errors';
import { annotatorName, cloneId, labelFileName } from '../../../src/data/labels/annotator';
import { effectiveLabels, isUndo, readLabels } from '../../../src/data/labels/labels';
import { LabelStore, type LabelDraft } from '../../../src/data/labels/store';
import { label, newFolder } from './rows';

function judged(pair: string, rest: Partial<LabelDraft> = {}): LabelDraft {
  return { pair, ms: 1200, guideline: null, shown: 'ba', value: -1, ...rest };
}

const open = (folder: string, annotator = 'Ada'): LabelStore => LabelStore.open(folder, { annotator, clone: 'x1y2' });
const pairsIn = (folder: string): string[] => effectiveLabels(readLabels(folder).rows).labels.map(({ pair }) => pair);

describe('LabelStore', () => {
  it('writes a row that the reader gives back, with all that was judged', async () => {
    const folder = newFolder();
    const store = open(folder);
    const given = judged('p', {
      value: 'both_bad',
      ratings: { honest: { a: 4, b: 1 } },
      verdicts: { a: 'accept' },
      edit: { side: 'b', text: 'Better.\n' },
      rationale: 'Both "lie" \u2028 \ud800',
      tags: ['hard'],
      repeat: true,
    });
    const stored = await store.append(given);
    expect(stored).toMatchObject({ v: 1, annotator: 'Ada', ...given });
    expect(readLabels(folder).rows).toEqual([stored]);
    expect(fs.readdirSync(folder)).toEqual(['ada.x1y2.jsonl']);
  });

  it('a retry with the same id stores nothing anew, in this window and in another', async () => {
    const folder = newFolder();
    await open(folder).append(judged('p', { id: 'one', time: 5 }));
    const size = fs.statSync(join(folder, 'ada.x1y2.jsonl')).size;
    for (const store of [open(folder), open(folder)]) await store.append(judged('p', { id: 'one', time: 5 }));
    expect(fs.statSync(join(folder, 'ada.x1y2.jsonl')).size).toBe(size);
  });

  it('undoes at any depth, over windows', async () => {
    const folder = newFolder();
    const [one, other] = [open(folder), open(folder)];
    for (const pair of ['p', 'q', 'r']) await one.append(judged(pair));
    await other.append(judged('s'));
    expect((await one.undo()).map(({ pair }) => pair)).toEqual(['s']);
    expect((await other.undo(2)).map(({ pair }) => pair)).toEqual(['r', 'q']);
    expect(pairsIn(folder)).toEqual(['p']);
    expect((await one.undo(9)).map(({ pair }) => pair)).toEqual(['p']);
    expect(await one.undo()).toEqual([]);
    expect(pairsIn(folder)).toEqual([]);
    expect(readLabels(folder).rows.filter(isUndo)).toHaveLength(4);
  });

  it('takes one label back once', async () => {
    const folder = newFolder();
    const store = open(folder);
    const { id } = await store.append(judged('p'));
    await store.append(judged('q'));
    expect((await store.undoLabel(id))?.pair).toBe('p');
    expect(await store.undoLabel(id)).toBeNull();
    expect(pairsIn(folder)).toEqual(['q']);
  });

  it('goes on behind a torn line, whose writer was killed', async () => {
    const folder = newFolder();
    const store = open(folder);
    await store.append(judged('p'));
    const other = open(folder);
    fs.appendFileSync(store.file, JSON.stringify(label('torn', 'x')).slice(0, 30));
    await store.append(judged('q'));
    await other.append(judged('r'));
    expect(pairsIn(folder)).toEqual(['p', 'q', 'r']);
    expect(readLabels(folder).faults).toMatchObject([{ line: 2, kind: 'json' }]);
  });

  it('writes again what was glued to a torn line between its look and its write', async () => {
    const folder = newFolder();
    let torn = '';
    // The clock is asked for the time of an undo after the file was read and before it is written.
    const now = (): number => {
      if (torn !== '') fs.appendFileSync(store.file, torn);
      torn = '';
      return 7;
    };
    const store = LabelStore.open(folder, { annotator: 'Ada', clone: 'x1y2', now });
    for (const pair of ['p', 'q']) await store.append(judged(pair));
    torn = JSON.stringify(label('torn', 'x')).slice(0, 30);
    await store.undo();
    expect(pairsIn(folder)).toEqual(['p']);
    const { rows, faults, repeated } = readLabels(folder);
    expect([rows.length, faults.length, repeated]).toEqual([3, 1, 0]);
  });

  it('follows the file when git puts another in its place, and makes the folder again', async () => {
    const folder = newFolder();
    const store = open(folder);
    await store.append(judged('p'));
    fs.rmSync(folder, { recursive: true });
    await store.append(judged('q'));
    expect(pairsIn(folder)).toEqual(['q']);
    fs.writeFileSync(`${store.file}.new`, `${JSON.stringify(label('other', 'r'))}\n`);
    fs.renameSync(`${store.file}.new`, store.file);
    await store.append(judged('s'));
    expect(pairsIn(folder)).toEqual(['r', 's']);
    expect(store.rows().map(({ pair }) => pair)).toEqual(['r', 's']);
  });

  it('sees what another window adds', async () => {
    const folder = newFolder();
    const [one, other] = [open(folder), open(folder)];
    expect(one.refresh()).toBe(false);
    await other.append(judged('p'));
    expect(one.refresh()).toBe(true);
    expect(one.rows()).toEqual(other.rows());
  });

  it('stores many with one write, in order, also when asked at once', async () => {
    const folder = newFolder();
    const store = open(folder);
    const many = Array.from({ length: 50 }, (_, n) => judged(`p${n}`));
    await Promise.all([store.appendAll(many.slice(0, 25)), store.appendAll(many.slice(25))]);
    expect(pairsIn(folder)).toEqual(many.map(({ pair }) => pair));
  });

  it('refuses what is no label, and says where nothing can be written', async () => {
    const folder = newFolder();
    await expect(open(folder).append(judged('p', { ms: NaN }))).rejects.toThrow(TypeError);
    expect(fs.existsSync(folder)).toBe(false);
    fs.mkdirSync(dirname(folder), { recursive: true });
    fs.writeFileSync(folder, 'a file where the folder should be');
    const nowhere = open(folder).append(judged('p'));
    await expect(nowhere).rejects.toThrow(UserError);
    await expect(nowhere).rejects.toThrow('could not be stored');
  });
});

describe('the names of label files', () => {
  it('are good on every file system, and differ where the names do', () => {
    const file = (name: string): string => labelFileName(name, 'x1y2');
    expect(file('Ada Lovelace')).toBe('ada-lovelace.x1y2.jsonl');
    expect(file('ada@example.org')).toBe('ada-example-org.x1y2.jsonl');
    expect(file('José')).toBe('jose.x1y2.jsonl');
    expect(file('CON')).toBe('_con.x1y2.jsonl');
    expect(file('../../etc/passwd')).toBe('etc-passwd.x1y2.jsonl');
    for (const name of ['Ада', '東京', '🙂', '', 'x'.repeat(300), 'a/b:c*d?"<>|'])
      expect(file(name)).toMatch(/^[a-z0-9_-]{1,60}\.x1y2\.jsonl$/);
    expect(file('Ада')).not.toBe(file('東京'));
    expect(file(`${'x'.repeat(70)}1`)).not.toBe(file(`${'x'.repeat(70)}2`));
  });

  it('an annotator’s name is one bounded line without control and direction characters', () => {
    expect(annotatorName('  Ada\n\u202eevil\u0007 \u200b ')).toBe('Ada evil');
    expect(annotatorName('\u0000')).toBe('anonymous');
    expect([...annotatorName('🙂'.repeat(500))]).toHaveLength(80);
  });

  it('a clone keeps its id, out of git', () => {
    const folder = newFolder();
    const id = cloneId(folder);
    expect(id).toMatch(/^[a-z0-9]{7}$/);
    expect(cloneId(folder)).toBe(id);
    expect(cloneId(newFolder())).not.toBe(id);
    expect(fs.readFileSync(join(folder, '.align', '.gitignore'), 'utf8')).toBe('*\n');
    fs.writeFileSync(join(folder, '.align', 'clone'), '../x');
    expect(cloneId(folder)).toMatch(/^[a-z0-9]{7}$/);
    expect(fs.readdirSync(join(folder, '.align')).sort()).toEqual(['.gitignore', 'clone']);
  });
});

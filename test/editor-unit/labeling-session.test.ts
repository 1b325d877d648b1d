import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agreementReport } from '../../src/data/agreement/report';
import { effectiveLabels, type Label, type LabelRow } from '../../src/data/labels/labels';
import { alphaOf } from '../../src/editor/labeling/agreement';
import type { LabelingSession } from '../../src/editor/labeling/session';
import { draftOf, labelDraft, labelValue, labelWords } from '../../src/editor/labeling/texts';
import { CHOICES, type Choice, type Judgement, type Ratings, type Verdicts } from '../../src/protocol/labeling';
import { LabelingFolder } from './labeling-folder';

let folder: LabelingFolder;
beforeEach(() => (folder = new LabelingFolder()));
afterEach(() => folder.remove());

function judgement(choice: Choice = 'first', changes: Partial<Judgement> = {}): Judgement {
  return { choice, much: false, ms: 1000, rationale: '', ratings: {}, verdicts: {}, edit: null, ...changes };
}

function next(session: LabelingSession) {
  const [pair] = session.ahead(1);
  if (!pair) throw new Error('nothing is left');
  return pair;
}

const judgeNext = async (session: LabelingSession, ...given: Parameters<typeof judgement>): Promise<string> => {
  const pair = next(session);
  expect(await session.judge(pair.key, judgement(...given))).toBe(true);
  return pair.key;
};

describe('a labeling session', () => {
  it('shows pairs blind, and stores a choice in the order of the pair', async () => {
    folder.writePairs(12);
    const session = folder.open();
    expect(JSON.stringify(session.ahead(12))).not.toContain('secret-model');
    const firsts: string[] = [];
    while (session.progress.left > 0) {
      const pair = next(session);
      firsts.push(pair.first.text);
      await session.judge(pair.key, judgement('first', { much: firsts.length === 1 }));
    }
    const rows = folder.rows();
    expect(rows.length).toBeGreaterThanOrEqual(12);
    rows.forEach(({ value, shown }, i) => {
      const aFirst = firsts[i]?.startsWith('Answer a');
      expect(shown).toBe(aFirst ? 'ab' : 'ba');
      expect(Math.sign(Number(value))).toBe(aFirst ? -1 : 1);
    });
    expect(Math.abs(Number(rows[0]?.['value']))).toBe(2);
    // Both orders come up, or the order would not be random.
    expect(new Set(rows.map(({ shown }) => shown)).size).toBe(2);
    expect(session.progress).toMatchObject({ total: rows.length, left: 0, done: rows.length, pace: 1 });
  });

  it('shows some pairs a second time, the other way round, and tells how often the choice was the same', async () => {
    folder.writePairs(60);
    const session = folder.open();
    // Always the first: a repeated pair then gets the other side.
    while (session.progress.left > 0) await judgeNext(session, 'first');
    const repeated = folder.rows().filter(({ repeat }) => repeat === true);
    expect(repeated.length).toBeGreaterThan(0);
    expect(session.progress.repeats).toEqual({ same: 0, of: repeated.length });
    await session.undo();
    expect(next(session).key).toContain(folder.rows().at(-2)?.['repeat'] === true ? ':again:' : ':first:');
  });

  it('stores ratings, verdicts, rationale, edit and the hash of the guideline by the sides of the pair', async () => {
    folder.writePairs(1);
    const session = folder.open('Ann', folder.writeGuideline());
    expect(session.guideline?.criteria.map(({ name }) => name)).toEqual(['Truth']);
    await judgeNext(session, 'second', {
      ratings: { Truth: { first: 5, second: 2 } },
      verdicts: { second: 'accept' },
      rationale: ' short \n',
      edit: { place: 'first', text: 'Better.' },
    });
    const row = folder.rows()[0] ?? {};
    const [first, second] = row['shown'] === 'ab' ? ['a', 'b'] : ['b', 'a'];
    expect(row).toMatchObject({
      ratings: { Truth: { [first]: 5, [second]: 2 } },
      verdicts: { [second]: 'accept' },
      rationale: 'short',
      edit: { side: first, text: 'Better.' },
      ms: 1000,
    });
    expect(readdirSync(join(folder.labels, 'guidelines'))).toEqual([`${String(row['guideline'])}.md`]);
  });

  it('takes labels back at any depth, and the last one taken back comes first', async () => {
    folder.writePairs(6);
    const session = folder.open();
    const order = [];
    for (let i = 0; i < 4; i++) order.push(await judgeNext(session, 'tie', { rationale: `why ${i}` }));
    const back = [];
    for (let i = 0; i < 4; i++) {
      const undone = await session.undo();
      back.push(undone?.draft.rationale);
      expect(undone?.words).toBe('tie');
      expect(next(session).key.split(':')[0]).toBe(order[3 - i]?.split(':')[0]);
    }
    expect(back).toEqual(['why 3', 'why 2', 'why 1', 'why 0']);
    expect(await session.undo()).toBeNull();
    expect(session.progress).toMatchObject({ left: 6, done: 0 });
    // Nothing was ever taken out of the file.
    expect(folder.rows()).toHaveLength(8);
    // Then all come again in the order of before.
    for (const key of order) expect((await judgeNext(session)).split(':')[0]).toBe(key.split(':')[0]);
  });

  it('goes on after a reload where it was, with the same key for the same showing', async () => {
    folder.writePairs(5);
    const session = folder.open();
    await judgeNext(session);
    const ahead = session.ahead(4);
    expect(folder.open().ahead(4)).toEqual(ahead);
    expect(new Set(ahead.map(({ key }) => key)).size).toBe(4);
  });

  it('stores nothing twice where two windows judge the same pair', async () => {
    folder.writePairs(3);
    const [one, two] = [folder.open(), folder.open()];
    const key = next(one).key;
    expect(next(two).key).toBe(key);
    expect(await one.judge(key, judgement('first'))).toBe(true);
    expect(await two.judge(key, judgement('second'))).toBe(false);
    expect(await one.judge(key, judgement('second'))).toBe(false);
    expect(folder.rows()).toHaveLength(1);
    expect(two.progress.left).toBe(2);
    expect(await two.judge('no such key', judgement())).toBe(false);
  });

  it('stores one label for two keys at the same moment', async () => {
    folder.writePairs(2);
    const session = folder.open();
    const { key } = next(session);
    const stored = await Promise.all([session.judge(key, judgement('first')), session.judge(key, judgement('second'))]);
    expect(stored).toEqual([true, false]);
    expect(folder.rows()).toHaveLength(1);
  });

  it('sees new pairs, other clones and broken lines, and says where they stand', async () => {
    const session = folder.open();
    expect(session.progress.total).toBe(0);
    folder.writePairs(4);
    expect(session.refresh()).toBe(true);
    expect(session.refresh()).toBe(false);
    expect(session.progress.left).toBe(4);
    await judgeNext(session);
    expect(session.progress.left).toBe(3);
    const [pair] = session.ahead(1);
    const row = { v: 1, id: 'x', pair: pair?.key.split(':')[0], annotator: 'Ann', time: 1, value: 0 };
    folder.write('ann.other.jsonl', `${JSON.stringify(row)}\n{"v": 1, "id"\n`);
    expect(session.refresh()).toBe(true);
    expect(session.progress.left).toBe(2);
    expect(session.warnings).toHaveLength(1);
    expect(session.warnings[0]).toMatch(/labels.collect.ann\.other\.jsonl:2: /);
  });

  it('reads the guideline again, and labels without one that is broken', async () => {
    folder.writePairs(2);
    const file = folder.writeGuideline();
    const session = folder.open('Ann', file);
    folder.writeGuideline('---\ncriteria: 7\n---\n');
    session.refresh();
    expect(session.guideline).toBeNull();
    expect(session.warnings[0]).toMatch(/^guideline\.md:2: /);
    await judgeNext(session);
    rmSync(file);
    session.refresh();
    await judgeNext(session);
    expect(folder.rows().map(({ guideline }) => guideline)).toEqual([null, null]);
  });

  it('sends the beginning of a long answer, and all of it when asked', () => {
    folder.writePairs(1, () => ({ a: '🙂'.repeat(500_000), b: 'b'.repeat(1_000_000) }));
    const session = folder.open();
    const pair = next(session);
    const place = pair.first.text.startsWith('b') ? 'second' : 'first';
    expect(pair[place].length).toBe(1_000_000);
    expect(pair[place].text.length).toBeLessThan(25_000);
    expect(pair[place].text).not.toMatch(/[\ud800-\udbff]$/);
    expect(session.whole(pair.key, place)).toBe('🙂'.repeat(500_000));
    expect(session.whole(pair.key, 0)).toBe('Question 0?');
    expect(session.whole(pair.key, 3)).toBeUndefined();
    expect(session.whole('other', 0)).toBeUndefined();
  });
});

describe('labels and drafts', () => {
  const showing = fc.record({
    pair: fc.constant('p'),
    shown: fc.constantFrom('ab' as const, 'ba' as const),
    repeat: fc.boolean(),
  });

  it('are the same both ways', () => {
    const place = fc.constantFrom('first' as const, 'second' as const);
    const drafts = fc.record({
      rationale: fc.constantFrom('', 'why'),
      ratings: fc.constantFrom<Ratings>(
        {},
        { Truth: { first: 1 } },
        { Truth: { first: 1, second: 5 }, Help: { second: 2 } },
      ),
      verdicts: fc.constantFrom<Verdicts>({}, { first: 'accept' }, { first: 'reject', second: 'accept' }),
      edit: fc.option(fc.record({ place, text: fc.string() })),
    });
    fc.assert(
      fc.property(showing, drafts, (shown, draft) => {
        const label = labelDraft(shown, judgement('tie', draft), null);
        const row: Label = { v: 1, id: 'i', annotator: 'Ann', time: 0, ...label };
        expect(draftOf(JSON.parse(JSON.stringify(row)) as Label)).toEqual(draft);
      }),
    );
  });

  it('keep the meaning of a choice in either order', () => {
    for (const choice of CHOICES) {
      const [ab, ba] = [labelValue({ choice, much: false }, 'ab'), labelValue({ choice, much: false }, 'ba')];
      if (typeof ab === 'number') expect(ab + Number(ba)).toBe(0);
      else expect(ab).toBe(ba);
      expect(labelWords({ value: ab, shown: 'ab' })).toBe(labelWords({ value: ba, shown: 'ba' }));
    }
    expect(labelWords({ value: labelValue({ choice: 'second', much: true }, 'ba'), shown: 'ba' })).toBe(
      'B much better',
    );
  });
});

describe('the α of a lens', () => {
  it('is the ordinal α of the agreement report', () => {
    const value = fc.constantFrom(-2, -1, 0, 1, 2, 'skip' as const, 'both_bad' as const);
    const row = fc.record({ pair: fc.integer({ min: 0, max: 5 }), annotator: fc.constantFrom('x', 'y', 'z'), value });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (list) => {
        const rows = list.map(({ pair, annotator, value }, i): LabelRow => ({
          v: 1,
          id: String(i),
          pair: `p${pair}`,
          annotator,
          time: i,
          ms: 0,
          guideline: null,
          shown: 'ab',
          value: value as Label['value'],
        }));
        const ratings = effectiveLabels(rows).labels.map((label) => ({
          unit: label.pair,
          annotator: label.annotator,
          value: typeof label.value === 'number' ? label.value : null,
        }));
        const report = agreementReport({ ratings, scale: 'preference' }, { draws: 0 });
        const expected = report.overall.alpha.ordinal.value;
        const alpha = alphaOf(rows);
        if (expected === null) expect(alpha).toBeNull();
        else expect(alpha).toBeCloseTo(expected, 10);
      }),
    );
  });
});

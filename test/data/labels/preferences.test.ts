import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importPreferences } from '../../../src/data/labels/import';
import { effectiveLabels, readLabels } from '../../../src/data/labels/labels';
import { toPair } from '../../../src/data/labels/pairs';
import { writePairs } from '../../../src/data/labels/pairs-writer';
import {
  preferenceFor,
  preferenceToJson,
  readPreferences,
  type PreferencesContent,
} from '../../../src/data/labels/preferences';
import { draft, lines, newFolder } from './rows';

function read(rows: readonly object[]): PreferencesContent {
  const file = join(newFolder(), 'preferences.jsonl');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines(rows));
  return readPreferences(file);
}
const user = (content: string): object => ({ role: 'user', content });
const assistant = (content: string): object => ({ role: 'assistant', content });

describe('reading preferences', () => {
  it('in TRL’s explicit format, plain and conversational', () => {
    const { rows, faults, formats } = read([
      { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.', tags: ['colour', 3] },
      { prompt: [user('Sky?')], chosen: [assistant('Blue.')], rejected: [assistant('Green.')] },
      { prompt: [user('Sky?')], chosen: 'Blue.', rejected: 'Green.' },
      { prompt: 'Sky?', chosen: [assistant('Blue.')], rejected: [assistant('Green.')] },
    ]);
    expect([faults, formats.explicit]).toEqual([[], 4]);
    expect(rows[0]).toEqual({ prompt: 'The sky is', chosen: ' blue.', rejected: ' green.', tags: ['colour'], line: 1 });
    for (const row of rows.slice(1))
      expect(row).toMatchObject({ prompt: [user('Sky?')], chosen: 'Blue.', rejected: 'Green.' });
  });

  it('in TRL’s implicit format: messages part at a message, strings at a turn or a word', () => {
    const talk = [user('Sky?'), assistant('Which?'), user('Day.')];
    const { rows, faults, formats } = read([
      { chosen: [...talk, assistant('Blue.')], rejected: [...talk, assistant('Green.')] },
      { prompt: 'Sky?', chosen: [...talk, assistant('Blue.')], rejected: [...talk, assistant('Green.')] },
      { chosen: 'The sky is blue.', rejected: 'The sky is blau.' },
      { chosen: 'A sky is', rejected: 'A sky is blue' },
      { chosen: '<|user|>Sky?<|assistant|>So blue.', rejected: '<|user|>Sky?<|assistant|>So green.' },
    ]);
    expect([faults, formats.implicit]).toEqual([[], 5]);
    const parts = rows.map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected]);
    expect(parts).toEqual([
      [talk, 'Blue.', 'Green.'],
      [talk, 'Blue.', 'Green.'],
      ['The sky is', ' blue.', ' blau.'],
      ['A sky', ' is', ' is blue'],
      ['<|user|>Sky?<|assistant|>', 'So blue.', 'So green.'],
    ]);
  });

  it('in the transcripts of hh-rlhf', () => {
    const before = '\n\nHuman: Hi\n\nAssistant: Hello,\n\nwhat now?\n\nHuman: Tell me\n\nAssistant:';
    const { rows, faults, formats } = read([{ chosen: `${before} No.\n\nReally.`, rejected: `${before} ` }]);
    expect([faults, formats.transcript]).toEqual([[], 1]);
    expect(rows[0].prompt).toEqual([user('Hi'), assistant('Hello,\n\nwhat now?'), user('Tell me')]);
    expect([rows[0].chosen, rows[0].rejected]).toEqual(['No.\n\nReally.', '']);
  });

  it('in transcripts where a speaker goes on in a second turn', () => {
    const before = '\n\nHuman: Hi\n\nHuman: Are you there?\n\nAssistant:';
    const { rows } = read([{ chosen: `${before} Yes.`, rejected: `${before} No.\n\nAssistant: Go.` }]);
    expect(rows[0]).toMatchObject({
      prompt: [user('Hi\n\nAre you there?')],
      chosen: 'Yes.',
      rejected: 'No.\n\nGo.',
    });
  });

  it('names rows that are none, and goes on', () => {
    const { rows, faults } = read([
      { prompt: 'q', chosen: 'x' },
      { chosen: 'One', rejected: 'Two' },
      { chosen: '\n\nHuman: a\n\nAssistant: b', rejected: '\n\nHuman: c\n\nAssistant: d' },
      { chosen: '\n\nHuman: a\n\nAssistant: b\n\nHuman: c', rejected: '\n\nHuman: a\n\nAssistant: d' },
      { prompt: 7, chosen: 'x', rejected: 'y' },
      { prompt: 'q', chosen: 'x', rejected: 'y' },
    ]);
    expect(rows.map(({ line }) => line)).toEqual([6]);
    expect(faults.map(({ line, kind }) => [line, kind])).toEqual([1, 2, 3, 4, 5].map((line) => [line, 'row']));
    expect(faults[3].message).toContain('2 turns');
  });

  it('nothing of two strings is lost by cutting, and both answers have something', () => {
    const words = fc.array(fc.constantFrom('sky', ' ', '\n', 'blue', '\nAssistant:', '[/INST]'), { maxLength: 8 });
    fc.assert(
      fc.property(words, words, words, (shared, one, other) => {
        const [chosen, rejected] = [one, other].map((tail) => [...shared, ...tail].join(''));
        const { rows } = read([{ chosen, rejected }]);
        for (const row of rows) {
          const prompt = typeof row.prompt === 'string' ? row.prompt : '';
          expect([prompt + row.chosen, prompt + row.rejected]).toEqual([chosen, rejected]);
          expect([prompt, row.chosen, row.rejected].every((part) => part.length > 0)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('writing preferences', () => {
  it('what is written is read back as it was, prompts as text and as messages', () => {
    const pairs = [
      toPair(draft(1)),
      toPair(draft(2, { prompt: [{ role: 'user', content: 'Hi', extra: { name: 'Ben' } }] })),
    ];
    const preferences = [preferenceFor(pairs[0], 'a'), preferenceFor(pairs[1], 'b')];
    const json = preferences.map(preferenceToJson);
    expect(json[1]).toEqual({
      prompt: [{ role: 'user', content: 'Hi', name: 'Ben' }],
      chosen: [assistant('second answer 2')],
      rejected: [assistant('first answer 2')],
    });
    expect(read(json).rows).toMatchObject(preferences);
  });
});

describe('importing preferences', () => {
  const rows = Array.from({ length: 40 }, (_, n) => ({
    prompt: `q${n}`,
    chosen: `good ${n}`,
    rejected: `bad ${n}`,
    tags: [],
    line: n,
  }));
  const options = { annotator: 'imported', clone: 'x1y2', file: '/data/hh.jsonl' };

  it('gives pairs and labels that prefer what was chosen, on both sides, once', async () => {
    const folder = newFolder();
    const { pairs, labels } = await importPreferences(folder, rows, options);
    expect([pairs.added, labels]).toEqual([40, 40]);
    const read = effectiveLabels(readLabels(folder).rows, new Set(pairs.pairs.map(({ id }) => id)));
    const better = read.labels.map(({ pair: id, value }) => {
      const pair = pairs.pairs.find((one) => one.id === id);
      return value === -1 ? pair?.a : pair?.b;
    });
    expect(better.sort()).toEqual(rows.map(({ chosen }) => chosen).sort());
    expect(new Set(read.labels.map(({ value }) => value))).toEqual(new Set([-1, 1]));
    expect(read.labels.every(({ source }) => source === 'imported')).toBe(true);
    expect(pairs.pairs[0].provenance).toEqual({ source: 'imported', file: 'hh.jsonl', line: 0 });

    const again = await importPreferences(folder, rows, options);
    expect([again.pairs.added, again.pairs.kept, again.labels]).toEqual([0, 0, 0]);
  });

  it('labels a pair that is there the other way round, and leaves equal and empty answers out', async () => {
    const folder = newFolder();
    const { pairs } = writePairs(join(folder, 'pairs.jsonl'), [{ prompt: 'q0', a: 'bad 0', b: 'good 0' }]);
    const more = [rows[0], { ...rows[1], rejected: '' }, { ...rows[2], rejected: rows[2].chosen }];
    const result = await importPreferences(folder, more, options);
    expect(result.pairs).toMatchObject({ added: 0, empty: 1, equal: 1 });
    expect(readLabels(folder).rows).toMatchObject([{ pair: pairs[0].id, value: 1 }]);
  });

  it('can give pairs alone, for people to label', async () => {
    const folder = newFolder();
    expect(await importPreferences(folder, rows, { ...options, pairsOnly: true })).toMatchObject({ labels: 0 });
    expect(readLabels(folder).files).toEqual([]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedStage } from '../../src/config/experiment';
import { loadExperiment, resolveStage } from '../../src/config/load';
import type { RewardConfig } from '../../src/config/schema/experiment';
import type { LabelValue } from '../../src/data/labels/labels';
import { pairToLine, toPair } from '../../src/data/labels/pairs';
import { ChatTemplate } from '../../src/models/chat';
import { loadTokenizer, type Tokenizer } from '../../src/models/tokenizer';
import { type PairSettings, renderPreferences } from '../../src/stages/preferences/preference-pairs';
import { type Preference, promptOf, splitPreferences } from '../../src/stages/preferences/preferences';
import { writeTinyModel } from '../host/tiny-model.mjs';

let folder: string;
let tokenizer: Tokenizer;
let template: ChatTemplate;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'align-preferences-'));
  writeTinyModel(join(folder, 'model'));
  mkdirSync(join(folder, 'labels', 'collect'), { recursive: true });
  tokenizer = loadTokenizer(join(folder, 'model'));
  template = ChatTemplate.load(join(folder, 'model'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (rows: readonly unknown[]): string =>
  rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('');

function stageWith(keys: Record<string, unknown>): ResolvedStage & { config: RewardConfig } {
  const stage = { type: 'reward', held_out: false, ...keys };
  const collect = { type: 'generate', prompts: 'p.jsonl' };
  writeFileSync(join(folder, 'align.yaml'), JSON.stringify({ model: './model', stages: { collect, reward: stage } }));
  writeFileSync(join(folder, 'p.jsonl'), lines([{ prompt: 'x' }]));
  const { experiment, diagnostics } = loadExperiment(join(folder, 'align.yaml'));
  if (!experiment) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  const resolved = resolveStage(experiment, 'reward');
  if (resolved.config.type !== 'reward') throw new Error('no reward stage');
  return { ...resolved, config: resolved.config };
}

const split = (keys: Record<string, unknown>) => {
  const stage = stageWith(keys);
  return splitPreferences(stage, stage.config);
};

const question = (i: number) => [{ role: 'user' as const, content: `question ${i}` }];
const pairs = Array.from({ length: 6 }, (_, i) =>
  toPair({ prompt: question(i), a: `a ${i}`, b: `b ${i}`, tags: [`t${i % 2}`] }),
);

/** Writes labels by annotator: [pair, value] each. */
function writeLabels(votes: Record<string, readonly [number, LabelValue, object?][]>): void {
  const at = join(folder, 'labels', 'collect');
  rmSync(at, { recursive: true });
  mkdirSync(at);
  writeFileSync(join(at, 'pairs.jsonl'), lines(['', ...pairs.map(pairToLine)]));
  for (const [annotator, values] of Object.entries(votes)) {
    const rows = values.map(([pair, value, rest], i) => {
      const id = `${annotator}${i}`;
      return { v: 1, id, pair: pairs[pair]?.id ?? 'nowhere', annotator, time: i, shown: 'ab', value, ...rest };
    });
    writeFileSync(join(at, `${annotator}.x.jsonl`), lines(rows));
  }
}

describe('labels of a generate stage', () => {
  it('become preferences in the order of the pairs, with what says no preference counted', () => {
    writeLabels({
      ada: [
        [0, 2],
        [1, -1],
        [2, 0],
        [3, 'both_bad'],
        [9, 1],
      ],
      ben: [
        [0, 1],
        [1, 1],
        [3, 'skip'],
        [4, -2],
      ],
    });
    const { train, heldOut, report } = split({ labels: 'collect' });
    expect(heldOut).toEqual([]);
    expect(train.map(({ a, p, strength, margin, line }) => [a, p, strength, margin, line])).toEqual([
      ['a 0', 1, 1.5, 0.5, 2],
      ['a 1', 0.5, 0, 0, 3],
      ['a 2', 0.5, 0, 0, 4],
      ['a 4', 0, -2, 1, 6],
    ]);
    expect(train[0]).toMatchObject({ tags: ['t0'], file: join('labels', 'collect', 'pairs.jsonl') });
    expect(report).toMatchObject({ pairs: 4, ties: 2, bothBad: 1, skipped: 1, unlabeled: 1, undecided: 1, unknown: 1 });
  });

  it('are those of the named annotators, soft where asked, without ties where asked', () => {
    writeLabels({
      ada: [
        [0, 1],
        [2, 0],
      ],
      ben: [
        [0, -1],
        [1, -1],
      ],
      cleo: [[0, 1]],
    });
    expect(split({ labels: 'collect', aggregate: 'soft' }).train.map(({ p }) => p)).toEqual([2 / 3, 0, 0.5]);
    expect(split({ labels: 'collect', annotators: 'ben' }).train.map(({ a, p }) => [a, p])).toEqual([
      ['a 0', 0],
      ['a 1', 0],
    ]);
    const { train, report } = split({ labels: 'collect', ties: 'drop' });
    expect(train.map(({ a }) => a)).toEqual(['a 0', 'a 1']);
    expect(report).toMatchObject({ ties: 1, tiesDropped: 1 });
    expect(() => split({ labels: 'collect', annotators: ['ben', 'dora'] })).toThrow(/"dora", who has no labels/);
  });

  it('an edit is a better answer than the one it mends', () => {
    writeLabels({ ada: [[0, -1, { edit: { side: 'b', text: 'mended' } }]] });
    const { train, report } = split({ labels: 'collect' });
    expect(train.map(({ a, b, p }) => [a, b, p])).toEqual([
      ['a 0', 'b 0', 0],
      ['b 0', 'mended', 1],
    ]);
    expect(report.edits).toBe(1);
  });

  it('an edit of an answer that was read for itself is one as well, also where nobody compared pairs', () => {
    const answer = { prompt: question(7), text: 'as it was', tags: ['t7'] };
    const edit = { side: 'a', text: 'as it should be' };
    writeLabels({ ada: [[9, 'skip', { answer, edit }]], ben: [[9, 'skip', { answer, verdicts: { a: 'accept' } }]] });
    const { train, report } = split({ labels: 'collect' });
    expect(train).toMatchObject([{ prompt: question(7), a: 'as it was', b: 'as it should be', p: 1, tags: ['t7'] }]);
    expect(report).toMatchObject({ pairs: 1, edits: 1, unknown: 0 });
  });

  it('none that says a preference is an error that says so', () => {
    writeLabels({ ada: [[0, 'skip']] });
    expect(() => split({ labels: 'collect' })).toThrow(/no pair of which one answer was preferred/);
  });
});

describe('preference data', () => {
  it('are read in both ways; bad lines are counted with their place', () => {
    const rows = [
      { prompt: 'Say hi.', chosen: ' Hi.', rejected: ' No.', margin: 0.5 },
      '{"prompt": "torn',
      {
        chosen: [...question(1), { role: 'assistant', content: 'x' }],
        rejected: [...question(1), { role: 'assistant', content: 'y' }],
      },
    ];
    writeFileSync(join(folder, 'd.jsonl'), lines(rows));
    const { train, report } = split({ data: 'd.jsonl' });
    expect(train.map(({ prompt, a, b, p, margin, line }) => [prompt, a, b, p, margin, line])).toEqual([
      ['Say hi.', ' Hi.', ' No.', 0, 0.5, 1],
      [question(1), 'x', 'y', 0, 0, 3],
    ]);
    expect(report.faults).toBe(1);
    expect(report.faultPlaces[0]).toMatchObject({ file: 'd.jsonl', line: 2 });
  });

  it('a prompt is never on both sides, whatever the share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { minLength: 30, maxLength: 60 }),
        fc.double({ min: 0.05, max: 0.6, noNaN: true }),
        (prompts, share) => {
          const distinct = new Set(prompts).size;
          fc.pre(distinct > 1);
          writeFileSync(
            join(folder, 'd.jsonl'),
            lines(prompts.map((n, i) => ({ prompt: `p${n}`, chosen: `c${i}`, rejected: `r${i}` }))),
          );
          const { train, heldOut } = split({ data: 'd.jsonl', held_out: share });
          const asked = new Set(train.map(promptOf));
          expect(train.length + heldOut.length).toBe(prompts.length);
          expect(heldOut.length).toBeGreaterThan(0);
          expect(heldOut.some((row) => asked.has(promptOf(row)))).toBe(false);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('prompts of a held-out file are not trained on', () => {
    writeFileSync(
      join(folder, 'd.jsonl'),
      lines([0, 1, 2].map((i) => ({ prompt: `p${i}`, chosen: 'c', rejected: 'r' }))),
    );
    writeFileSync(join(folder, 'h.jsonl'), lines([{ prompt: 'p1', chosen: 'x', rejected: 'y' }]));
    const { train, heldOut } = split({ data: 'd.jsonl', held_out: 'h.jsonl' });
    expect(train.map(({ prompt }) => prompt)).toEqual(['p0', 'p2']);
    expect(heldOut.map(({ a }) => a)).toEqual(['x']);
  });
});

describe('rendered preferences', () => {
  const preference = (rest: Partial<Preference>): Preference => ({
    prompt: question(1),
    a: 'yes',
    b: 'no no',
    p: 0,
    strength: -1,
    margin: 0,
    tags: [],
    file: 'd.jsonl',
    line: 7,
    ...rest,
  });
  const render = (rows: Partial<Preference>[], settings: Partial<PairSettings> = {}) =>
    renderPreferences(rows.map(preference), tokenizer, template, { maxLength: 64, overlength: 'drop', ...settings });
  const text = (ids: Int32Array): string => tokenizer.decode([...ids]);

  it('are a prompt with its generation prompt and two answers that end as a sampled one does', () => {
    const {
      pairs: [pair],
    } = render([{ p: 1 }]);
    expect(text(pair.chosen)).toContain('no no');
    expect(text(pair.rejected)).toContain('yes');
    for (const answer of [pair.chosen, pair.rejected]) expect(tokenizer.eosIds).toContain(answer.at(-1));
    expect(text(pair.prompt)).toBe(template.render(question(1), { addGenerationPrompt: true }));
    const [plain] = render([{ prompt: 'Say', a: ' x', b: ' y' }]).pairs;
    expect(plain.chosen.at(-1)).toBe(tokenizer.eosId);
  });

  it('of a soft label has the likelier answer as chosen, of a tie the first', () => {
    const { pairs } = render([{ p: 0.25 }, { p: 0.75 }, { p: 0.5 }]);
    expect(pairs.map(({ p, chosen }) => [p, text(chosen).includes('yes')])).toEqual([
      [0.75, true],
      [0.75, false],
      [0.5, true],
    ]);
  });

  it('too long is dropped, cut or an error; equal and empty answers are counted', () => {
    const long = preference({ a: 'long '.repeat(80) });
    expect(render([long, { a: '' }, { a: 'no no' }]).report).toEqual({
      dropped: 1,
      cut: 0,
      equal: 1,
      empty: 1,
      unterminated: 0,
    });
    const cut = render([long], { overlength: 'truncate' });
    expect(cut.report.cut).toBe(1);
    expect(cut.pairs[0].prompt.length + cut.pairs[0].chosen.length).toBe(64);
    expect(render([long], { overlength: 'truncate', maxLength: 4 }).report.dropped).toBe(1);
    expect(() => render([long], { overlength: 'error' })).toThrow(/max_length is 64/);
  });
});

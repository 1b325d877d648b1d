import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoopProject, fixedPrompts, preferencesOf } from '../../bench/loop-project';
import { pairDrafts } from '../../bench/rows/labels';
import { loadExperiment, resolveStage } from '../../src/config/load';
import { usablePairs } from '../../src/data/labels/pairs-writer';
import { Random } from '../../src/data/random';
import { loadTokenizer } from '../../src/models/tokenizer';

const demonstration = (i: number) => ({
  messages: [
    { role: 'user' as const, content: `question ${i}` },
    { role: 'assistant' as const, content: `answer ${i}` },
  ],
});

describe('preferences of demonstrations', () => {
  it('put the answer of the question over the answer of the next one', () => {
    const rows = preferencesOf([0, 1, 2, 3].map(demonstration), 2);
    expect(rows.map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected].map(([m]) => m.content))).toEqual([
      ['question 0', 'answer 0', 'answer 1'],
      ['question 2', 'answer 2', 'answer 3'],
    ]);
  });

  it('begin anew where there are too few', () => {
    const rows = preferencesOf([0, 1].map(demonstration), 3);
    expect(rows).toHaveLength(3);
    expect(rows[2]).toEqual(rows[0]);
  });
});

describe('prompts of a fixed number of tokens', () => {
  /** A word is a token; an "x" makes it two, and so does the beginning of the text. */
  const encode = (text: string): number[] =>
    text.split(' ').flatMap((word, i) => (i === 0 || word.includes('x') ? [0, word.length] : [word.length]));

  it('have just that many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 8 }), (length, count) => {
        const prompts = fixedPrompts(['one', 'two', 'axe'], { count, length, encode });
        expect(prompts).toHaveLength(count);
        for (const { prompt, ids } of prompts) {
          expect(ids).toHaveLength(length);
          expect(ids).toEqual(encode(prompt));
          expect(prompt).not.toContain('axe');
        }
      }),
    );
  });

  it('say where no word will do', () => {
    expect(() => fixedPrompts(['axe'], { count: 1, length: 4, encode })).toThrow('one token');
  });
});

it('makes as many usable pairs to label as were asked for', () => {
  const { pairs, equal, empty, duplicates } = usablePairs(pairDrafts(50, Random.from(1)));
  expect([pairs.length, equal, empty, duplicates]).toEqual([50, 0, 0, 0]);
});

describe("the loop's project", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'loop-project-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is one that our config reads, with the threads of the benchmark', () => {
    const project = new LoopProject('examples/quickstart', join(folder, 'project'), 2);
    project.write('pairs.jsonl', project.preferences(4));
    project.stage('dpo', { type: 'dpo', data: 'pairs.jsonl', beta: 0.2 });
    const { experiment, diagnostics } = loadExperiment(project.configFile);
    expect(diagnostics).toEqual([]);
    expect(experiment && resolveStage(experiment, 'dpo')).toMatchObject({ threads: 2, config: { beta: 0.2 } });
  });

  it('has a model that never ends an answer, and prompts of its tokens', () => {
    const project = new LoopProject('examples/quickstart', join(folder, 'project'), 2);
    const [usual, endless] = [project.path('model'), project.endlessModel('endless')].map(loadTokenizer);
    expect(endless.eosIds).toEqual([usual.padId]);
    expect(usual.eosIds).not.toContain(usual.padId);
    for (const { prompt, ids } of project.fixedPrompts(4, 24)) {
      expect(ids).toHaveLength(24);
      expect([...usual.encode(prompt)]).toEqual(ids);
    }
  });

  it('needs a model to start from', () => {
    writeFileSync(join(folder, 'align.yaml'), '');
    expect(() => new LoopProject(folder, join(folder, 'project'), 1)).toThrow('no model');
  });
});

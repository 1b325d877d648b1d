import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseExperiment } from '../../src/config/parse';
import { STAGE_TYPES, stageKeys, TOP_KEYS, type StageType } from '../../src/config/schema/experiment';
import { FOREIGN_KEYS } from '../../src/config/schema/foreign';
import { LATER_KEYS, LATER_STAGE_TYPES } from '../../src/config/schema/later';
import type { KeySpec } from '../../src/config/schema/meta';
import { jsonSchema, referenceTable } from '../../src/config/schema/reference';
import { editDistance, nearest, snakeCase } from '../../src/config/suggest';
import { applied } from './edits';

const ALL = [TOP_KEYS, ...STAGE_TYPES.map(stageKeys)].flatMap((keys) => [...keys.values()]);

describe('every key', () => {
  test.each(ALL.map((spec) => [spec.name, spec] as const))('%s has words for its docs', (_, spec) => {
    expect(spec.doc).toMatch(/^[A-Z].*\.$/);
    expect(spec.expects).not.toBe('a value');
    expect(spec.required || spec.default !== undefined).toBe(true);
    expect(spec.default === null && !spec.defaultText).toBe(false);
    if (spec.default !== null && spec.default !== undefined)
      expect(spec.schema.safeParse(spec.default).success).toBe(true);
  });

  test.each(STAGE_TYPES)('%s: a name stands for one thing only', (type) => {
    const keys = [...stageKeys(type).values()];
    const names = keys.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    const others = [...FOREIGN_KEYS.keys(), ...LATER_KEYS.keys()];
    expect(names.filter((name) => others.includes(name))).toEqual([]);
    expect(names.every((name) => snakeCase(name) === name)).toBe(true);
  });
});

/** The least that a stage of the type needs, by key. */
const LEAST: Readonly<Record<StageType, Readonly<Record<string, string>>>> = {
  pretrain: { data: 'd' },
  sft: { data: 'd' },
  generate: { prompts: 'd' },
  reward: { labels: './l' },
  dpo: { labels: './l' },
  ppo: { prompts: 'd', reward: './r' },
  grpo: { prompts: 'd', reward: './r' },
  rloo: { prompts: 'd', reward: './r' },
  evaluate: { prompts: 'd', models: './m' },
};

test('every other name of every key leads to ours by its fix', () => {
  for (const type of STAGE_TYPES) {
    for (const spec of stageKeys(type).values()) {
      for (const alias of spec.aliases ?? []) {
        const others = Object.entries(LEAST[type]).filter(([key]) => key !== spec.name);
        const lines = [...others.map(([key, value]) => `${key}: ${value}`)];
        const head = `model: ./m\nstages:\n  s:\n    type: ${type}\n${lines.map((line) => `    ${line}\n`).join('')}`;
        const text = `${head}    ${alias}: ${LEAST[type][spec.name] ?? JSON.stringify(spec.default)}\n`;
        const { diagnostics } = parseExperiment(text, 'align.yaml');
        const found = diagnostics.find(({ code }) => code === 'other-name');
        expect(found?.message, `${type}.${alias}`).toContain(`called \`${spec.name}\``);
        const fixed = found ? applied(text, found.fixes[0]) : '';
        expect(
          parseExperiment(fixed, 'align.yaml').diagnostics.map(({ code }) => code),
          `${type}.${alias}`,
        ).not.toContain('other-name');
      }
    }
  }
});

test.each([...LATER_STAGE_TYPES.keys()])('type %s is known and refused with a way round', (type) => {
  const { diagnostics } = parseExperiment(`stages:\n  s:\n    type: ${type}\n    data: d\n`, 'align.yaml');
  expect(diagnostics).toMatchObject([{ code: 'not-yet', range: { start: { line: 3 } } }]);
});

test.each([...FOREIGN_KEYS.keys(), ...LATER_KEYS.keys()])('%s is answered at its line', (key) => {
  const { diagnostics } = parseExperiment(
    `model: ./m\nstages:\n  s:\n    type: sft\n    data: d\n    ${key}: 1\n`,
    'align.yaml',
  );
  expect(diagnostics).toHaveLength(1);
  expect(diagnostics[0].range.start.line).toBe(6);
  expect(diagnostics[0].hint.length).toBeGreaterThan(10);
});

describe('derived from the schema', () => {
  test('a JSON Schema that has every key with its doc, and none of our own words', () => {
    const schema = jsonSchema();
    const text = JSON.stringify(schema);
    for (const { name, doc } of ALL) expect(text).toContain(`${JSON.stringify(name)}:`.slice(0, doc ? undefined : 0));
    expect(text).not.toMatch(/"(doc|expects|aliases|defaultText|usual|role|takes)":/);
    expect(schema).toMatchObject({ type: 'object', required: ['stages'], additionalProperties: false });
  });

  test('the table of the README has every key once a section', () => {
    const table = referenceTable();
    for (const { name } of ALL) if (name !== 'type') expect(table).toContain(`| \`${name}\` |`);
    expect(table.match(/^\| `batch_size` \|/gm)).toHaveLength(1);
    expect(table.match(/^\| `learning_rate` \|/gm)).toHaveLength(1);
    expect(table).toMatch(/^\| `learning_rate` \| `1.0e-6` .*; pretrain `1.0e-3`/m);
    const cells = table
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split(/(?<!\\)\|/).length);
    expect(new Set(cells)).toEqual(new Set([6]));
  });

  test('the grammar highlights exactly the keys and types of the schema', () => {
    const file = path.join(import.meta.dirname, '../../syntaxes/align.tmLanguage.json');
    const rule = z.object({ match: z.string() });
    const grammar = z
      .object({ repository: z.object({ type: rule, top: rule, key: rule }) })
      .parse(JSON.parse(readFileSync(file, 'utf8')));
    const words = (match: string) => [...match.matchAll(/\(([a-z_|0-9]+)\)/g)].map(([, list]) => list.split('|'));
    const { type, top, key } = grammar.repository;
    expect(words(type.match)).toEqual([['type'], [...STAGE_TYPES].sort(), [...LATER_STAGE_TYPES.keys()].sort()]);
    expect(words(top.match)[0]).toEqual([...TOP_KEYS.keys()].sort());
    const specs = STAGE_TYPES.flatMap((name) => [...stageKeys(name).values()]);
    const deep = ({ name, keys }: KeySpec): string[] => [name, ...[...keys.values()].flatMap(deep)];
    const names = specs.flatMap(deep).filter((name) => name !== 'type' && name !== 'model');
    expect(words(key.match)[0]).toEqual([...new Set(names)].sort());
  });
});

describe('did you mean', () => {
  const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c', '_') });

  test('the edit distance is a distance', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, a)).toBe(0);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });

  test.each([
    ['epcohs', 'epochs'],
    ['learningRate', 'learning_rate'],
    ['bach_size', 'batch_size'],
    ['EPOCHS', 'epochs'],
    ['zzqx', undefined],
    ['x', undefined],
  ])('%s: %s', (typed, meant) => {
    expect(nearest(typed, [...stageKeys('sft').keys()])).toBe(meant);
  });
});

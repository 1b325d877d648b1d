import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const sources = join(root, 'src', 'editor');

/** The names that each feature's file gives to its commands, as they stand in its source. */
function registered(): string[] {
  const calls =
    /\b(?:(?:command|control|onAnswer|onNote)\(|registerCommand\(\s*context,)\s*'([a-zA-Z]+)'|registerCommand\(\s*'alignment-lab\.([a-zA-Z]+)'/g;
  return readdirSync(sources, { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(sources, name), 'utf8').matchAll(calls)])
    .map(([, short, long]) => short ?? long);
}

it('registers every command once: a second one of the same name keeps the extension from starting', () => {
  const names = registered();
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

it('registers every command that the palette and the menus name', () => {
  const contributed = [
    ...readFileSync(join(root, 'package.json'), 'utf8').matchAll(/"command": "alignment-lab\.(\w+)"/g),
  ];
  const names = new Set(registered());
  expect(contributed.map(([, name]) => name).filter((name) => !names.has(name))).toEqual([]);
});

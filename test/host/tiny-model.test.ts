import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint';
import { loadTokenizer } from '../../src/models/tokenizer';
import { writeTinyModel } from './tiny-model.mjs';

const folder = mkdtempSync(join(tmpdir(), 'alignment-lab-tiny-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is a model that the product opens', () => {
  writeTinyModel(folder);
  const checkpoint = openCheckpoint(folder);
  expect(checkpoint.config.vocabSize).toBe(261);
  checkpoint.close();
  const tokenizer = loadTokenizer(folder);
  expect(tokenizer.decode(tokenizer.encode('Größe?'))).toBe('Größe?');
});

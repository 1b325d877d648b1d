import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Message } from '../../src/data/rows';

/** What make_fixtures.py recorded of Hugging Face's Python libraries. */
export const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), 'fixtures');

export const TOKENIZERS = ['byte-level', 'split', 'sentence-piece'] as const;

export interface TokenizerCase {
  text: string;
  ids: number[];
  with_special: number[];
  decoded: string;
  skipped: string;
}

export interface TemplateCase {
  template: string;
  tokenizer: string;
  messages: Message[];
  text: string;
  ids: number[];
  mask: number[];
  prompt_ids: number[];
}

export function readFixture<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(FIXTURES, ...path), 'utf8')) as T;
}

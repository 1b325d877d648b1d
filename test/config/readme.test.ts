import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { expect, it } from 'vitest';
import { referenceTable } from '../../src/config/schema/reference';

it('README.md has the tables of the schema (npm run readme)', async () => {
  const file = join(import.meta.dirname, '../../README.md');
  const readme = readFileSync(file, 'utf8');
  const options = await prettier.resolveConfig(file);
  const tables = await prettier.format(referenceTable(), { ...options, parser: 'markdown' });
  expect(readme).toContain(tables.trim());
});

// Writes the tables of keys in README.md anew from the schema in src/config. Run it after a change of the schema.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import * as prettier from 'prettier';

const root = join(import.meta.dirname, '..');
const bundle = join(root, 'dist', 'readme.tmp.cjs');
await esbuild.build({
  bundle: true,
  platform: 'node',
  format: 'cjs',
  outfile: bundle,
  logLevel: 'warning',
  entryPoints: [join(root, 'src/config/schema/reference.ts')],
});
const { referenceTable } = createRequire(import.meta.url)(bundle);
rmSync(bundle);

const file = join(root, 'README.md');
const [before, rest] = readFileSync(file, 'utf8').split(/(?<=<!-- keys[^>]*-->\n)/);
const after = rest.slice(rest.indexOf('<!-- /keys -->'));
const text = `${before}\n${referenceTable()}\n${after}`;
writeFileSync(file, await prettier.format(text, { ...(await prettier.resolveConfig(file)), parser: 'markdown' }));

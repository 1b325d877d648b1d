// `node scripts/run-ts.mjs FILE.ts [ARGUMENTS]`: bundles a TypeScript program and runs it.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const root = join(import.meta.dirname, '..');
const [program, ...rest] = process.argv.slice(2);
const bundle = join(root, 'dist', `run-${process.pid}.tmp.mjs`);
await esbuild.build({
  entryPoints: [resolve(program)],
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: bundle,
  packages: 'external',
  logLevel: 'warning',
});
process.argv.splice(1, process.argv.length, bundle, ...rest);
try {
  await import(pathToFileURL(bundle).href);
} finally {
  rmSync(bundle, { force: true });
}

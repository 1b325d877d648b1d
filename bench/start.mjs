#!/usr/bin/env node
// `npm run bench`: bundles the TypeScript of this folder into a folder of its own and runs it. What is measured then runs
// from a bundle, as the product does, with no loader in its process.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const here = import.meta.dirname;
const root = dirname(here);
// Inside node_modules, so that the bundles find the packages that they do not hold.
const cache = join(root, 'node_modules', '.cache');
mkdirSync(cache, { recursive: true });
const out = mkdtempSync(join(cache, 'bench-'));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.once('exit', () => rmSync(out, { recursive: true, force: true, maxRetries: 3 }));

/** A bundled module still knows the folder that it was written in. @type {esbuild.Plugin} */
const ownFolders = {
  name: 'own-folders',
  setup(build) {
    build.onLoad({ filter: /\.(ts|mjs)$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
};

await esbuild.build({
  entryPoints: { bench: join(here, 'main.ts'), measure: join(here, 'measure', 'main.ts') },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  plugins: [ownFolders],
});
const { main } = await import(pathToFileURL(join(out, 'bench.mjs')).href);
process.exitCode = await main(process.argv.slice(2), join(out, 'measure.mjs'));

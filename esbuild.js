// Bundles the extension, the trainer, the command line and the webviews. `--watch` rebuilds on change.
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import * as esbuild from 'esbuild';

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** Native or WebAssembly packages stay files of their own. */
const external = [
  'vscode',
  'onnxruntime-node',
  'koffi',
  'quickjs-emscripten-core',
  '@jitl/quickjs-wasmfile-release-sync',
];
/** zod exports its messages in fifty languages as one object; ours are our own. @type {esbuild.Plugin} */
const withoutLocales = {
  name: 'without-locales',
  setup(build) {
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};', loader: 'js' }));
  },
};
const shared = {
  bundle: true,
  sourcemap: !production,
  minify: production,
  logLevel: 'warning',
  legalComments: 'none',
  plugins: [withoutLocales],
};
/** ESM bundles may hold CommonJS packages that call require(). */
const esmRequire =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/**
 * The extension in parts, so that activation loads only what it needs: esbuild splits ESM alone, and VS Code takes
 * CommonJS, so each part is turned into CommonJS by itself. @type {esbuild.Plugin}
 */
const asCommonJs = {
  name: 'as-common-js',
  setup(build) {
    build.onStart(() => rmSync('dist/extension', { recursive: true, force: true }));
    build.onEnd(async ({ outputFiles = [] }) => {
      for (const { path, text } of outputFiles) {
        // Turned into CommonJS as it is, each of these would copy all of VS Code's API into an object of its own.
        const api = text.replace(/\bimport ?\* ?as ([\w$]+) ?from ?"vscode";/g, 'var $1=require("vscode");');
        const { code, map } = await esbuild.transform(api, {
          format: 'cjs',
          platform: 'node',
          target: 'node20',
          supported: { 'dynamic-import': false },
          minify: production,
          legalComments: 'none',
          sourcemap: production ? false : 'external',
          sourcefile: path,
        });
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, map ? `${code}//# sourceMappingURL=${basename(path)}.map\n` : code);
        if (map) writeFileSync(`${path}.map`, map);
      }
    });
  },
};

/** @type {esbuild.BuildOptions[]} */
const builds = [
  {
    ...shared,
    entryPoints: ['src/editor/extension.ts'],
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    chunkNames: 'extension/[name]-[hash]',
    splitting: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    sourcemap: production ? false : 'inline',
    plugins: [withoutLocales, asCommonJs],
  },
  {
    ...shared,
    entryPoints: ['src/trainer/main.ts'],
    outfile: 'dist/trainer.js',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    banner: { js: esmRequire },
  },
  {
    ...shared,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/align.js',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    banner: { js: `#!/usr/bin/env node\n${esmRequire}` },
  },
  ...['curves', 'labeling', 'compare'].map((name) => ({
    ...shared,
    entryPoints: [`webview/${name}/main.ts`],
    outfile: `dist/webview/${name}.js`,
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    loader: { '.ttf': 'file' },
  })),
].filter((build) => existsSync(build.entryPoints[0]));

/** The JSON Schema of align files, from the one schema in src/config, for editors other than ours. */
async function writeJsonSchema() {
  const bundle = join(import.meta.dirname, 'dist', 'schema.tmp.cjs');
  await esbuild.build({
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: bundle,
    stdin: {
      contents: "export { jsonSchema } from './src/config/schema/reference';",
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
  });
  const { jsonSchema } = createRequire(import.meta.url)(bundle);
  rmSync(bundle);
  writeFileSync('dist/align.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`);
}

mkdirSync('dist/webview', { recursive: true });
if (existsSync('node_modules/@vscode/codicons/dist/codicon.css')) {
  for (const file of ['codicon.css', 'codicon.ttf'])
    copyFileSync(`node_modules/@vscode/codicons/dist/${file}`, `dist/webview/${file}`);
}
if (watch) {
  for (const build of builds) await (await esbuild.context(build)).watch();
  console.log('watching');
} else {
  await Promise.all([writeJsonSchema(), ...builds.map((build) => esbuild.build(build))]);
  if (existsSync('dist/align.js')) chmodSync('dist/align.js', 0o755);
}

#!/usr/bin/env node
// `npm run package`: a VSIX for this platform (or `-- --target linux-arm64`), with only the files that run there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { thirdPartyNotices } from './notices.mjs';

const root = join(import.meta.dirname, '..');
const LIMIT_MIB = 28;
const { values } = parseArgs({
  options: { target: { type: 'string', default: `${process.platform}-${process.arch}` }, out: { type: 'string' } },
});
const { target } = values;
const [platform, arch] = target.split('-');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const out = values.out ?? join(root, `${manifest.name}-${manifest.version}-${target}.vsix`);

const runtime = `node_modules/onnxruntime-node/bin/napi-v6/${platform}/${arch}`;
const koffi = `node_modules/@koromix/koffi-${target}`;
const missing = [runtime, koffi].find((path) => !existsSync(join(root, path)));
if (missing) {
  console.error(
    missing === koffi
      ? `The native part of koffi for ${target} is not installed: run npm i --no-save --force @koromix/koffi-${target}@${manifest.dependencies.koffi}`
      : `onnxruntime-node has no library for ${target}.`,
  );
  process.exit(1);
}
// The runtime's library lies there twice on macOS; the short name is the one that onnxruntime-node's binding asks for.
const libraries = '{libonnxruntime.so.1,libonnxruntime.1.dylib,*.dll}';
const native = [
  `!${runtime}/onnxruntime_binding.node`,
  `!${runtime}/${libraries}`,
  `!${koffi}/package.json`,
  `!${koffi}/index.js`,
  `!${koffi}/${platform}_${arch}/koffi.node`,
];

/**
 * @param {string[]} args
 */
function node(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}`);
}

node(['esbuild.js', '--production']);
const own = mkdtempSync(join(tmpdir(), 'alignment-lab-package-'));
try {
  writeFileSync(join(root, 'dist', 'THIRD_PARTY_NOTICES.md'), thirdPartyNotices(root));
  const ignore = join(own, 'vscodeignore');
  writeFileSync(ignore, `${readFileSync(join(root, '.vscodeignore'), 'utf8')}\n${native.join('\n')}\n`);
  rmSync(out, { force: true });
  node([
    'node_modules/@vscode/vsce/vsce',
    'package',
    `--target=${target}`,
    `--out=${out}`,
    `--ignoreFile=${ignore}`,
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
  ]);
} finally {
  rmSync(own, { recursive: true, force: true });
}
const size = statSync(out).size / 2 ** 20;
console.log(`${out}: ${size.toFixed(1)} MiB`);
if (size > LIMIT_MIB) {
  console.error(`The package is larger than ${LIMIT_MIB} MiB.`);
  process.exitCode = 1;
}

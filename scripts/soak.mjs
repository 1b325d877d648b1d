#!/usr/bin/env node
// `npm run soak`: the tests that have a long form, in it: fifty kills of sft, thirty of ppo and of dpo, two hundred within
// bursts of labels, ten thousand steps, twenty thousand mutated configs. One after the other, so that kills fall where
// they should; about an hour. `npm run soak -- resume policy` runs those whose path has one of these words.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const LONG_FORM = 'ALIGN_SOAK';

const wanted = process.argv.slice(2);
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && readFileSync(join(root, 'test', name), 'utf8').includes(LONG_FORM))
  .map((name) => join('test', name).replaceAll('\\', '/'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`No test with a long form has "${wanted.join('" or "')}" in its path.`);
  process.exit(2);
}
console.log(files.join('\n'));
// The long tests have limits of their own, for their counts; the rest must not fail because the machine is busy.
const limits = ['--testTimeout=600000', '--hookTimeout=600000'];
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', '--no-file-parallelism', ...limits, ...files], {
  cwd: root,
  env: { ...process.env, [LONG_FORM]: '1' },
  stdio: 'inherit',
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));

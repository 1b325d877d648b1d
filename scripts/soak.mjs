#!/usr/bin/env node
// `npm run soak`: all tests in their long forms (full counts of kills, steps and mutations). Takes hours, not minutes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const script = join(import.meta.dirname, 'test.mjs');
const child = spawn(process.execPath, [script, ...process.argv.slice(2)], {
  env: { ...process.env, ALIGN_SOAK: '1' },
  stdio: 'inherit',
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));

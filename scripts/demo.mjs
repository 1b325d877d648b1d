#!/usr/bin/env node
// `npm run demo`: builds, then trains the quickstart in a temporary copy and shows answers and scores before and after.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const node = (/** @type {string[]} */ ...args) =>
  spawnSync(process.execPath, args, { cwd: process.cwd(), stdio: 'inherit' }).status ?? 1;

const built = spawnSync(process.execPath, ['esbuild.js'], { cwd: root, stdio: 'inherit' }).status ?? 1;
process.exitCode = built === 0 ? node(join(root, 'dist', 'align.js'), 'demo', ...process.argv.slice(2)) : built;

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
/** Under node_modules, so that the program finds the packages. */
const folder = join(root, 'node_modules', '.cache', `exit-test-${process.pid}`);
const program = join(folder, 'ending.mjs');

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  buildSync({
    entryPoints: [join(import.meta.dirname, 'ending.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi', 'onnxruntime-node'],
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['cpu', 'webgpu'])('a process with an open runtime on %s', (device) => {
  test.each([
    ['return', 0],
    ['exit', 3],
    ['exit while running', 3],
    ['throw while running', 1],
  ])('ends as it means to: %s', (how, code) => {
    const { status, signal, stderr } = spawnSync(process.execPath, [program, how, device], { encoding: 'utf8' });
    expect({ status, signal, stderr: code === 1 ? '' : stderr }).toEqual({ status: code, signal: null, stderr: '' });
    if (code === 1) expect(stderr).toContain('thrown on purpose');
  });
});

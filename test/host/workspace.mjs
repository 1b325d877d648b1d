// Throw-away workspaces for tests, and the end of the runs that tests started in them.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyModel } from './tiny-model.mjs';

const root = join(import.meta.dirname, '..', '..');
const TEST_WORKSPACE = 'test/fixtures/workspace';

/**
 * Copies a fixture, so that a test may write into it; the tests' own gets the tiny model.
 * @param {string} target the folder to make
 * @param {string} [fixture] a folder of the repo
 * @returns {string} the target
 */
export function makeWorkspace(target, fixture = TEST_WORKSPACE) {
  mkdirSync(target, { recursive: true });
  cpSync(join(root, fixture), target, {
    recursive: true,
    filter: (path) => !/[\\/]\.align([\\/]|$)/.test(path.slice(root.length)),
  });
  if (fixture === TEST_WORKSPACE) writeTinyModel(join(target, 'model'));
  return target;
}

/**
 * Ends trainers that a workspace's runs name as theirs: they outlive the window on purpose, a test must not.
 * @param {string} workspace
 */
export function stopRuns(workspace) {
  const runs = join(workspace, '.align', 'runs');
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    try {
      const run = JSON.parse(readFileSync(join(runs, name, 'run.json'), 'utf8'));
      if (
        ['running', 'paused', 'stopping', 'queued'].includes(run.state) &&
        Number.isInteger(run.pid) &&
        run.pid > 1 &&
        run.pid !== process.pid
      )
        process.kill(run.pid, 'SIGKILL');
    } catch {
      // A run that never came to write its file, or a process that has ended, needs no end.
    }
  }
}

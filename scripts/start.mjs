#!/usr/bin/env node
// `npm start`: opens a copy of the quickstart in VS Code with the extension loaded from this folder.
// `npm start -- FOLDER` opens that folder instead, as it is.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { desktopVSCode } from '../test/host/desktop.mjs';
import { cacheFolder, hostSupported, installHost } from '../test/host/install.mjs';
import { extensionPath, startServer, workbenchUrl } from '../test/host/server.mjs';
import { makeWorkspace } from '../test/host/workspace.mjs';

const root = join(import.meta.dirname, '..');

/** @returns {string} the folder to open: the user's, or a copy of the quickstart that later starts find again */
function workspace() {
  const [given] = process.argv.slice(2);
  if (given) return resolve(given);
  const copy = join(tmpdir(), 'alignment-lab-quickstart');
  if (!existsSync(join(copy, 'align.yaml'))) makeWorkspace(copy, 'examples/quickstart');
  return copy;
}

/** @returns {string | undefined} `code` on the PATH */
function installedCode() {
  const name = process.platform === 'win32' ? 'code.cmd' : 'code';
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

/**
 * Opens a window of desktop VS Code and lets it live on.
 * @param {string} executable
 * @param {string[]} args
 */
function openWindow(executable, args) {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox', `--user-data-dir=${join(cacheFolder, 'start')}`] : [];
  const shell = process.platform === 'win32';
  const all = [...asRoot, ...args].map((arg) => (shell ? `"${arg}"` : arg));
  const child = spawn(shell ? `"${executable}"` : executable, all, { detached: true, stdio: 'ignore', shell });
  child.once('error', (error) => {
    console.error(`VS Code did not start: ${error.message}`);
    process.exitCode = 1;
  });
  child.unref();
}

if (!existsSync(join(root, 'node_modules', 'esbuild'))) {
  console.error('Run npm ci first: the packages that the build needs are missing.');
  process.exit(1);
}
const build = spawnSync(process.execPath, ['esbuild.js'], { cwd: root, stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);

const folder = workspace();
console.log(`workspace: ${folder}`);
const args = [folder, `--extensionDevelopmentPath=${root}`, '--new-window'];
const code = installedCode() ?? (await desktopVSCode());
if (code) {
  console.log(`VS Code: ${code}`);
  openWindow(code, args);
} else {
  if (!hostSupported()) throw new Error('VS Code was not found and could not be downloaded. Put `code` on the PATH.');
  const data = join(cacheFolder, 'start');
  mkdirSync(data, { recursive: true });
  const host = installHost();
  const own = mkdtempSync(join(tmpdir(), 'alignment-lab-start-'));
  const server = await startServer({
    host,
    data,
    extensions: join(data, 'extensions'),
    trusted: true,
    smokeTest: false,
  });
  console.log(
    `VS Code runs on this machine. Open ${workbenchUrl({ port: server.port, folder, extension: extensionPath({ host, extension: root, own }) })}`,
  );
  console.log('Ctrl+C ends it.');
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.on(signal, () => void server.stop().then(() => process.exit(0)));
  await server.exited;
}

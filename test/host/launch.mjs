#!/usr/bin/env node
// Looks like VS Code's desktop binary to @vscode/test-electron: takes its arguments, runs the tests in the
// code-server host behind a headless browser, and ends with their exit code.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { chromium } from 'playwright-core';
import { installChromium, installHost } from './install.mjs';
import { BROWSER_ARGUMENTS, extensionPath, isolated, NOISE, startServer, workbenchUrl } from './server.mjs';

/** Options that take a value; every other `--name` is a switch, and those we do not know are swallowed. */
const VALUED = new Set([
  'user-data-dir',
  'extensions-dir',
  'extensionDevelopmentPath',
  'extensionTestsPath',
  'folder-uri',
  'file-uri',
  'locale',
]);
const TIME_LIMIT_SECONDS = Number(process.env.LAUNCH_TIMEOUT ?? 300);

/** @param {string[]} args */
function parse(args) {
  /** @type {Record<string, string>} */
  const values = {};
  /** @type {string[]} */
  const extensions = [];
  const switches = new Set();
  let folder;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (!arg.startsWith('--')) {
      folder = resolve(arg);
      continue;
    }
    const [name = '', inline] = arg.slice(2).split(/=(.*)/s);
    if (!VALUED.has(name)) {
      switches.add(name);
      continue;
    }
    const value = inline ?? args[++i] ?? '';
    if (name === 'extensionDevelopmentPath') extensions.push(resolve(value));
    else if (name === 'folder-uri') folder = fileURLToPath(value);
    else values[name] = value;
  }
  return { values, extensions, switches, folder };
}

const { values, extensions, switches, folder } = parse(process.argv.slice(2));
const own = mkdtempSync(join(tmpdir(), 'vscode-host-'));
/** @type {Awaited<ReturnType<typeof startServer>> | undefined} */
let server;
/** @type {import('playwright-core').Browser | undefined} */
let browser;
let stopping = false;

/** @param {number} code */
async function stop(code) {
  if (stopping) return;
  stopping = true;
  await browser?.close().catch(() => {});
  await server?.stop();
  rmSync(own, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(code);
}
process.on('SIGINT', () => void stop(130));
process.on('SIGTERM', () => void stop(143));
process.on('SIGHUP', () => void stop(129));
setTimeout(() => {
  console.error(`The tests did not end within ${TIME_LIMIT_SECONDS} s (LAUNCH_TIMEOUT).`);
  void stop(124);
}, TIME_LIMIT_SECONDS * 1000).unref();

try {
  // The web workbench keeps one value a key.
  if (extensions.length > 1) throw new Error('This host loads one extension under development, not several.');
  const data = join(own, 'server');
  for (const name of ['Machine', 'User']) mkdirSync(join(data, 'data', name), { recursive: true });
  const settings = join(values['user-data-dir'] ?? own, 'User', 'settings.json');
  if (existsSync(settings))
    for (const name of ['Machine', 'User']) copyFileSync(settings, join(data, 'data', name, 'settings.json'));
  const empty = join(own, 'empty');
  mkdirSync(empty);
  const executablePath = installChromium();
  const host = installHost();
  server = await startServer({
    host,
    data,
    extensions: values['extensions-dir'] ? resolve(values['extensions-dir']) : join(own, 'extensions'),
    env: isolated(own),
    trusted: switches.has('disable-workspace-trust'),
    onOutput: (text) => process.env.LAUNCH_TRACE && process.stderr.write(text),
  });
  void server.exited.then(() => {
    if (!stopping) console.error('The VS Code server ended before the tests did.');
    return stop(1);
  });
  browser = await chromium.launch({
    executablePath,
    headless: true,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    args: BROWSER_ARGUMENTS,
  });
  browser.on('disconnected', () => void stop(1));
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, reducedMotion: 'reduce' });
  // A stack below a line of the workbench's own belongs to it.
  let quiet = false;
  await page.exposeFunction('codeAutomationLog', (/** @type {string} */ level, /** @type {unknown[]} */ args) => {
    const line = format(...args);
    if (quiet && /^\s+at /.test(line)) return;
    quiet = NOISE.test(line);
    if (!quiet) process[level === 'error' || level === 'warn' ? 'stderr' : 'stdout'].write(`${line}\n`);
  });
  await page.exposeFunction('codeAutomationExit', (/** @type {number} */ code) => void stop(code));
  page.on('crash', () => {
    console.error('The browser page crashed.');
    void stop(1);
  });
  await page.goto(
    workbenchUrl({
      port: server.port,
      folder: folder ?? empty,
      extension: extensions[0] && extensionPath({ host, extension: extensions[0], own }),
      tests: values['extensionTestsPath'] ? resolve(values['extensionTestsPath']) : undefined,
    }),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await stop(1);
}

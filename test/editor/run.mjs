#!/usr/bin/env node
// Bundles the API tests and runs them in the real VS Code: a desktop one where it can be downloaded and shown,
// else the code-server host.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { resolveCliPathFromVSCodeExecutablePath, runTests } from '@vscode/test-electron';
import * as esbuild from 'esbuild';
import { desktopVSCode } from '../host/desktop.mjs';
import { cacheFolder, hostFolder, installChromium, installHost } from '../host/install.mjs';
import { makeWorkspace, stopRuns } from '../host/workspace.mjs';

const root = join(import.meta.dirname, '..', '..');
const launcher = join(root, 'test', 'host', 'launch.mjs');
/**
 * Each folder of tests runs in a window of its own: with the workspace trusted or not, and the extension loaded from
 * this repo or installed from the package that users get.
 */
const SUITES = [
  { name: 'trusted', folder: 'test/editor', trusted: true, packaged: false },
  { name: 'untrusted', folder: 'test/editor/untrusted', trusted: false, packaged: false },
  { name: 'packaged', folder: 'test/editor/packaged', trusted: true, packaged: true },
];

/** @returns {Promise<string>} a VS Code executable, or a file that looks like one */
async function executable() {
  const desktop = await desktopVSCode();
  if (desktop) return desktop;
  installHost();
  installChromium();
  return launcher;
}

/**
 * @param {string} folder
 * @param {string} outdir
 */
async function bundle(folder, outdir) {
  const tests = readdirSync(join(root, folder)).filter((name) => name.endsWith('.test.ts'));
  await esbuild.build({
    entryPoints: [join(root, 'test/editor/index.ts'), ...tests.map((name) => join(root, folder, name))],
    outdir,
    outExtension: { '.js': '.cjs' },
    outbase: join(root, folder),
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: 'inline',
    external: ['vscode', 'mocha'],
    logLevel: 'warning',
  });
}

/**
 * Runs all suites, or those named on the command line.
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runApiTests() {
  const wanted = process.argv.slice(2);
  const vscodeExecutablePath = await executable();
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of SUITES) {
    if (wanted.length && !wanted.includes(suite.name)) continue;
    const counts = await runSuite(suite, vscodeExecutablePath);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  return total;
}

/**
 * @param {typeof SUITES[number]} suite
 * @param {string} vscodeExecutablePath
 */
async function runSuite(suite, vscodeExecutablePath) {
  console.log(
    `\nAPI tests, workspace ${suite.trusted ? 'trusted' : 'not trusted'}${suite.packaged ? ', extension installed from its package' : ''}`,
  );
  const own = mkdtempSync(join(tmpdir(), 'alignment-lab-api-'));
  const bundles = join(cacheFolder, 'bundles', suite.name);
  const results = join(own, 'results.json');
  const workspace = makeWorkspace(join(own, 'workspace'));
  const extensions = join(own, 'extensions');
  let finished = false;
  try {
    rmSync(bundles, { recursive: true, force: true });
    await bundle(suite.folder, bundles);
    if (suite.packaged) installPackage(vscodeExecutablePath, extensions, own);
    // With the package installed, another extension must stand for the one under development.
    const extensionDevelopmentPath = suite.packaged ? join(root, 'test', 'host', 'probe') : root;
    const extensionTestsPath = join(bundles, 'index.cjs');
    const launchArgs = [workspace, `--user-data-dir=${userData(own, suite.trusted)}`, `--extensions-dir=${extensions}`];
    const env = { ALIGN_TEST_RESULTS: results };
    if (suite.trusted) {
      const extensionTestsEnv = env;
      await runTests({
        vscodeExecutablePath,
        extensionDevelopmentPath,
        extensionTestsPath,
        launchArgs,
        extensionTestsEnv,
      });
    } else {
      // runTests trusts every folder, so this one is started by hand.
      const development = `--extensionDevelopmentPath=${extensionDevelopmentPath}`;
      const args = [...launchArgs, development, `--extensionTestsPath=${extensionTestsPath}`];
      await launchUntrusted(vscodeExecutablePath, args, env);
    }
    finished = true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  stopRuns(workspace);
  const counts = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  if (!finished && counts.failed === 0) counts.failed = 1;
  rmSync(own, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  return counts;
}

/**
 * A profile of its own for one window.
 * @param {string} own
 * @param {boolean} trusted
 */
function userData(own, trusted) {
  const folder = join(own, 'user');
  mkdirSync(join(folder, 'User'), { recursive: true });
  const settings = {
    'workbench.startupEditor': 'none',
    'security.workspace.trust.enabled': !trusted,
    'security.workspace.trust.startupPrompt': 'never',
    'security.workspace.trust.banner': 'never',
    'chat.disableAIFeatures': true,
  };
  writeFileSync(join(folder, 'User', 'settings.json'), JSON.stringify(settings));
  return folder;
}

/**
 * Makes the package of this platform and installs it, as a user's VS Code does.
 * @param {string} executable
 * @param {string} extensions
 * @param {string} own
 */
function installPackage(executable, extensions, own) {
  const vsix = join(own, 'alignment-lab.vsix');
  execFileSync(process.execPath, [join(root, 'scripts', 'package.mjs'), `--out=${vsix}`], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const common = [`--install-extension=${vsix}`, `--extensions-dir=${extensions}`];
  const [command, args] =
    executable === launcher
      ? [
          join(hostFolder, 'node'),
          [
            join(hostFolder, 'vscode', 'out', 'server-main.js'),
            ...common,
            `--server-data-dir=${join(own, 'server')}`,
            '--accept-server-license-terms',
          ],
        ]
      : [resolveCliPathFromVSCodeExecutablePath(executable), [...common, `--user-data-dir=${join(own, 'install')}`]];
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 */
function launchUntrusted(command, args, env) {
  const child = spawn(
    command,
    ['--no-sandbox', '--disable-updates', '--skip-welcome', '--skip-release-notes', ...args],
    { env: { ...process.env, ...env }, stdio: 'inherit' },
  );
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`the tests ended with ${code}`))));
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const counts = await runApiTests();
  const file = process.env.ALIGN_API_RESULTS;
  if (file) writeFileSync(file, JSON.stringify(counts));
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed ? 1 : 0;
}

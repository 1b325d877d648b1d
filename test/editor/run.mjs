#!/usr/bin/env node
// Bundles the API tests and runs them in the real VS Code: a desktop one where it can be downloaded and shown,
// else the code-server host.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runTests } from '@vscode/test-electron';
import * as esbuild from 'esbuild';
import { desktopVSCode } from '../host/desktop.mjs';
import { cacheFolder, installChromium, installHost } from '../host/install.mjs';
import { makeWorkspace, stopRuns } from '../host/workspace.mjs';

const root = join(import.meta.dirname, '..', '..');
/** Each folder of tests runs in a window of its own, with the workspace trusted or not. */
const SUITES = [
  { name: 'trusted', folder: 'test/editor', trusted: true },
  { name: 'untrusted', folder: 'test/editor/untrusted', trusted: false },
];

/** @returns {Promise<string>} a VS Code executable, or a file that looks like one */
async function executable() {
  const desktop = await desktopVSCode();
  if (desktop) return desktop;
  installHost();
  installChromium();
  return join(root, 'test', 'host', 'launch.mjs');
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
 * Runs all suites.
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runApiTests() {
  const vscodeExecutablePath = await executable();
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of SUITES) {
    if (!existsSync(join(root, suite.folder))) continue;
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
  const own = mkdtempSync(join(tmpdir(), 'alignment-lab-api-'));
  const bundles = join(cacheFolder, 'bundles', suite.name);
  rmSync(bundles, { recursive: true, force: true });
  await bundle(suite.folder, bundles);
  const results = join(own, 'results.json');
  const workspace = makeWorkspace(join(own, 'workspace'));
  const userData = join(own, 'user');
  mkdirSync(join(userData, 'User'), { recursive: true });
  writeFileSync(
    join(userData, 'User', 'settings.json'),
    JSON.stringify({
      'workbench.startupEditor': 'none',
      'security.workspace.trust.enabled': !suite.trusted,
      'security.workspace.trust.startupPrompt': 'never',
      'security.workspace.trust.banner': 'never',
      'chat.disableAIFeatures': true,
    }),
  );
  const extensionDevelopmentPath = [root, join(root, 'test', 'host', 'probe')];
  const extensionTestsPath = join(bundles, 'index.cjs');
  const launchArgs = [workspace, `--user-data-dir=${userData}`, `--extensions-dir=${join(own, 'extensions')}`];
  const env = { ALIGN_TEST_RESULTS: results, ALIGN_TEST_WORKSPACE: workspace };
  console.log(`\nAPI tests, workspace ${suite.trusted ? 'trusted' : 'not trusted'}`);
  try {
    if (suite.trusted)
      await runTests({
        vscodeExecutablePath,
        extensionDevelopmentPath,
        extensionTestsPath,
        launchArgs,
        extensionTestsEnv: env,
      });
    // runTests trusts every folder, so this one is started by hand.
    else
      await launchUntrusted(
        vscodeExecutablePath,
        [
          ...launchArgs,
          ...extensionDevelopmentPath.map((path) => `--extensionDevelopmentPath=${path}`),
          `--extensionTestsPath=${extensionTestsPath}`,
        ],
        env,
      );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    if (!existsSync(results)) return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    stopRuns(workspace);
  }
  const counts = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : { passed: 0, failed: 1, skipped: 0 };
  rmSync(own, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  return counts;
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

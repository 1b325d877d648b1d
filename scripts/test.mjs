#!/usr/bin/env node
// `npm test`: builds, then runs unit, engine and golden tests, API tests and UI tests, and adds their counts up.
// `npm test -- unit api ui` runs only the named parts. With CI set, a skipped test counts as failed.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const results = join(root, 'test-results');
const CI = Boolean(process.env.CI && process.env.CI !== 'false');

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @type {{ name: string, title: string, minutes: number, run: () => Promise<Counts> }[]} */
const PARTS = [
  { name: 'unit', title: 'unit, engine and golden tests', minutes: 20, run: () => vitest('unit', []) },
  { name: 'api', title: 'API tests in VS Code', minutes: 10, run: () => api() },
  {
    name: 'ui',
    title: 'UI tests in VS Code',
    minutes: 25,
    run: () => vitest('ui', ['--config', 'test/ui/vitest.config.ts']),
  },
];

/**
 * Runs a Node script to its end.
 * @param {string[]} args
 * @param {number} minutes
 * @param {Record<string, string>} [env]
 * @returns {Promise<number>} its exit code; 124 when its time was over
 */
function node(args, minutes, env = {}) {
  // A group of its own, so that the workers and windows that it starts end with it.
  const group = process.platform !== 'win32';
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: group,
  });
  const send = (/** @type {NodeJS.Signals} */ signal) => {
    try {
      if (group && child.pid) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  const interrupted = (/** @type {NodeJS.Signals} */ signal) => {
    send(signal);
    setTimeout(() => process.exit(130), 5000);
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      console.error(`no end after ${minutes} minutes: stopped`);
      send('SIGTERM');
      setTimeout(() => send('SIGKILL'), 10_000).unref();
      resolve(124);
    }, minutes * 60_000);
    child.once('error', (error) => console.error(error.message));
    child.once('close', (code) => {
      clearTimeout(limit);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      resolve(code ?? 1);
    });
  });
}

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<Counts>}
 */
async function vitest(name, args) {
  const file = join(results, `${name}.json`);
  const minutes = PARTS.find((part) => part.name === name)?.minutes ?? 10;
  const code = await node(
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...args,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    minutes,
  );
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  // A file that could not even be loaded holds no failed test of its own.
  const broken = report.testResults.filter(
    (/** @type {{ status: string, assertionResults: { status: string }[] }} */ suite) =>
      suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed'),
  );
  const counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  // An error outside any test, or the time limit, must not look like success.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** @returns {Promise<Counts>} */
async function api() {
  const file = join(results, 'api.json');
  const code = await node(['test/editor/run.mjs'], 10, { ALIGN_API_RESULTS: file });
  const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 1, skipped: 0 };
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length) {
  console.error(`There is no part "${unknown[0]}". Parts: ${PARTS.map((part) => part.name).join(', ')}.`);
  process.exit(2);
}
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
/** @type {Counts} */
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
const started = Date.now();
if ((await node(['esbuild.js'], 3)) !== 0) {
  total.failed++;
  lines.push('build: failed');
} else {
  for (const part of PARTS) {
    if (wanted.length && !wanted.includes(part.name)) continue;
    console.log(`\n== ${part.title}`);
    const begin = Date.now();
    const counts = await part.run();
    if (CI) {
      counts.failed += counts.skipped;
    }
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    lines.push(
      `${part.title}: ${counts.passed} passed, ${counts.failed} failed${counts.skipped ? ` (${counts.skipped} skipped${CI ? ', counted as failed' : ''})` : ''}, ${Math.round((Date.now() - begin) / 1000)} s`,
    );
  }
}
writeFileSync(
  join(results, 'summary.json'),
  JSON.stringify({ ...total, seconds: Math.round((Date.now() - started) / 1000) }),
);
console.log(`\n${lines.join('\n')}\nreports: ${relative(process.cwd(), results) || '.'}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed || !total.passed ? 1 : 0;

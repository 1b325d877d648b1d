import * as fs from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import type { RunDir } from '../../src/runs/directory';
import { launchTrainer, logTail, trainerEnvironment, type LaunchOptions } from '../../src/runs/launch';
import { identityOf, liveness } from '../../src/runs/process';
import { processOf } from '../../src/runs/state';
import { bundle, newRun } from './processes';

const pids = new Set<number>();
afterEach(() => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  pids.clear();
});

async function launch(dir: RunDir, behaviour: string, more: Partial<LaunchOptions> = {}): Promise<number> {
  const env = { ...process.env, TEST_TRAINER: behaviour, VSCODE_IPC_HOOK: 'x', ELECTRON_NO_ASAR: '1' };
  const { pid } = await launchTrainer(dir, { trainerPath: bundle('trainer'), env, ...more });
  pids.add(pid);
  return pid;
}

/** What the promise was rejected with. */
async function refusal(promise: Promise<unknown>): Promise<UserError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UserError)) throw new Error(`no UserError but ${String(error)}`);
  return error;
}

describe('launchTrainer', () => {
  it('resolves once the process stands in run.json, with output in the log and a clean environment', async () => {
    const dir = newRun();
    const pid = await launch(dir, 'work');
    const run = dir.readRun();
    expect(run.pid).toBe(pid);
    const identity = processOf(run);
    expect(identity && liveness(identity)).toBe('alive');
    expect(fs.readFileSync(dir.logFile, 'utf8')).toContain('trainer output');
    for (;;) {
      const environment = dir.readEnvironment();
      if (environment === undefined) continue;
      expect(environment).toMatchObject({ ELECTRON_RUN_AS_NODE: '1', TEST_TRAINER: 'work' });
      expect(Object.keys(environment as object)).not.toContain('VSCODE_IPC_HOOK');
      expect(Object.keys(environment as object)).not.toContain('ELECTRON_NO_ASAR');
      break;
    }
  });

  it('refuses a run that a living process has', async () => {
    const dir = newRun();
    await launch(dir, 'work');
    const error = await refusal(launch(dir, 'work'));
    expect(error.message).toMatch(/^Run sft-\S+ is already (queued|running)\.$/);
  });

  it('resolves for a short run, and again for its resume', async () => {
    const dir = newRun();
    const ended = async (): Promise<void> => {
      while (dir.state() === 'queued') await new Promise((resolve) => setImmediate(resolve));
    };
    await launch(dir, 'quick');
    await ended();
    expect(dir.state()).toBe('done');
    // And the same directory again, as resume does.
    const first = dir.readRun().pid;
    const second = await launch(dir, 'quick');
    expect(second).not.toBe(first);
    await ended();
    expect(dir.state()).toBe('done');
  });

  it('says how a trainer failed, with this start of the log and not the last', async () => {
    const dir = newRun();
    fs.writeFileSync(dir.logFile, 'output of an earlier process\n');
    const error = await refusal(launch(dir, 'crash'));
    expect(error.message).toContain('ended with exit code 1');
    expect(error.message).toContain('the base model is missing');
    expect(error.message).not.toContain('earlier');
    expect(error.hint).toContain(dir.logFile);
  });

  it('says where an executable is missing or the trainer was not built', async () => {
    const dir = newRun();
    expect((await refusal(launch(dir, 'work', { execPath: '/no/such/node' }))).message).toContain(
      'could not be started',
    );
    expect((await refusal(launch(dir, 'work', { trainerPath: '/no/trainer.js' }))).hint).toContain('npm run build');
  });

  it('gives up on a trainer that says nothing, and ends it', async () => {
    const dir = newRun();
    const error = await refusal(launch(dir, 'silent', { timeoutMs: 3000 }));
    expect(error.message).toContain('did not come up within 3 s');
    const pid = Number(/pid (\d+)/.exec(fs.readFileSync(dir.logFile, 'utf8'))?.[1]);
    while (identityOf(pid) !== undefined) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('trainerEnvironment', () => {
  it('drops what ties a child to the window and keeps the rest', () => {
    const env = { PATH: '/bin', vscode_pid: '1', NODE_OPTIONS: '--require ms-vscode.js-debug/bootloader.js' };
    expect(trainerEnvironment(env)).toEqual({ PATH: '/bin', ELECTRON_RUN_AS_NODE: '1' });
    expect(trainerEnvironment({ NODE_OPTIONS: '--max-old-space-size=4096' }).NODE_OPTIONS).toBeDefined();
  });
});

describe('logTail', () => {
  it('begins at a line', () => {
    const dir = newRun();
    fs.writeFileSync(dir.logFile, Array.from({ length: 2000 }, (_, line) => `line ${line}\n`).join(''));
    const lines = logTail(dir.logFile).split('\n');
    expect(lines.at(-1)).toBe('line 1999');
    expect(lines[0]).toMatch(/^line \d+$/);
    expect(lines.length).toBeLessThan(600);
  });
});

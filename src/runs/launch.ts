import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { UserError } from '../config/errors';
import type { RunDir } from './directory';
import { errorCode, writeError } from './files';
import { isActive } from './format';
import { identityOf } from './process';
import { liveState } from './state';

export interface LaunchOptions {
  /** dist/trainer.js. */
  trainerPath: string;
  /** Node, or VS Code's own executable, which becomes Node by ELECTRON_RUN_AS_NODE; default: this process's. */
  execPath?: string;
  /** Arguments for Node before the trainer's path. */
  execArgv?: string[];
  /** Arguments for the trainer after the run directory. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** How long the trainer may take to come up. */
  timeoutMs?: number;
}

export interface Launched {
  pid: number;
}

const POLL_MS = 20;
const LOG_TAIL_BYTES = 4096;

/**
 * Starts the trainer as a process of its own that outlives this one, with its output in log.txt. Resolves once it has
 * written itself into run.json; throws a UserError with the end of the log where it ended before.
 */
export async function launchTrainer(dir: RunDir, options: LaunchOptions): Promise<Launched> {
  const before = dir.readRun();
  if (before.pid !== null && isActive(liveState(before))) {
    throw new UserError(`Run ${dir.id} is already ${before.state}.`, {
      hint: 'Stop it first, or start the stage again for a second run.',
      code: 'run-active',
    });
  }
  if (!fs.existsSync(options.trainerPath)) {
    throw new UserError(`The trainer is missing: ${options.trainerPath}.`, { hint: 'Build it with `npm run build`.' });
  }
  let log: number;
  try {
    log = fs.openSync(dir.logFile, 'a');
  } catch (error) {
    throw writeError(error, dir.logFile);
  }
  const logStart = fs.fstatSync(log).size;
  const child = spawn(
    options.execPath ?? process.execPath,
    [...(options.execArgv ?? []), options.trainerPath, dir.path, ...(options.args ?? [])],
    {
      cwd: dir.folder,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', log, log],
      env: trainerEnvironment(options.env ?? process.env),
    },
  );
  fs.closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`));
  });
  child.unref();
  return await whenUp(dir, child.pid, ended, logStart, options.timeoutMs ?? 60_000);
}

async function whenUp(
  dir: RunDir,
  pid: number | undefined,
  ended: Promise<string>,
  logStart: number,
  timeoutMs: number,
): Promise<Launched> {
  // The id may have been that of the process before; its start word tells them apart.
  const start = pid === undefined ? undefined : identityOf(pid)?.start;
  let outcome: string | undefined;
  void ended.then((words) => (outcome = words));
  for (const deadline = Date.now() + timeoutMs; ;) {
    const over = outcome;
    const run = dir.readRun();
    if (pid !== undefined && run.pid === pid && (start === undefined || run.process_start === start)) return { pid };
    const late = Date.now() > deadline;
    if (over === undefined && !late) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      continue;
    }
    // One that came up later would train unseen, after the user was told that it failed.
    if (over === undefined) end(pid);
    const words = over ?? `did not come up within ${Math.round(timeoutMs / 1000)} s`;
    const tail = logTail(dir.logFile, logStart);
    throw new UserError(`The trainer of ${dir.id} ${words}.${tail ? `\n${tail}` : ''}`, {
      hint: `Its whole output is in ${dir.logFile}.`,
      code: 'trainer-failed',
    });
  }
}

function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** The end of the log from `start` on, from a line's beginning. */
export function logTail(file: string, start = 0): string {
  const bytes = fs.existsSync(file) ? fs.readFileSync(file).subarray(start) : Buffer.alloc(0);
  const tail = bytes.subarray(Math.max(0, bytes.length - LOG_TAIL_BYTES)).toString('utf8');
  return (bytes.length > LOG_TAIL_BYTES ? tail.slice(tail.indexOf('\n') + 1) : tail).trimEnd();
}

/**
 * The environment for the trainer: without what VS Code sets for its own children (its IPC handles and its debugger
 * would make the trainer depend on the window), and with the switch that makes Electron a plain Node.
 */
export function trainerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    const upper = name.toUpperCase();
    if (upper.startsWith('VSCODE_') || upper.startsWith('ELECTRON_')) continue;
    if (upper === 'NODE_OPTIONS' && value?.includes('js-debug')) continue;
    result[name] = value;
  }
  result.ELECTRON_RUN_AS_NODE = '1';
  return result;
}

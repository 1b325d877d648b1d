import { spawn } from 'node:child_process';
import type { z } from 'zod';

export interface Ended {
  code: number | null;
  stdout: string;
  /** The end of what it wrote to stderr. */
  stderr: string;
  /** From just before its start to its exit. */
  seconds: number;
}

export interface ProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeoutSeconds: number;
}

const STDERR_KEPT = 4000;

/** Runs a process to its end. Rejects where it cannot be started, or has not ended in time (it is then killed). */
export function runProcess(command: string, args: readonly string[], options: ProcessOptions): Promise<Ended> {
  const { cwd, env, timeoutSeconds } = options;
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): boolean => child.kill();
    process.once('exit', end);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_KEPT)));
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} had not ended after ${timeoutSeconds} s`));
    }, timeoutSeconds * 1e3);
    let seconds = 0;
    child.once('exit', () => (seconds = (performance.now() - start) / 1e3));
    child.once('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(limit);
      process.off('exit', end);
      resolve({ code, stdout, stderr, seconds });
    });
  });
}

/** Runs a process whose last line on stdout is its result. Rejects with the end of its stderr where it failed. */
export async function runForJson<T>(
  command: string,
  args: readonly string[],
  schema: z.ZodType<T>,
  options: ProcessOptions,
): Promise<T> {
  const { code, stdout, stderr } = await runProcess(command, args, options);
  if (code !== 0) throw new Error(lastWords(stderr) || `ended with ${code}`);
  return schema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
}

/** The last line that is not blank: of a Python traceback the error itself. */
export function lastWords(text: string): string {
  return (
    text
      .split('\n')
      .filter((line) => line.trim())
      .at(-1)
      ?.trim() ?? ''
  );
}

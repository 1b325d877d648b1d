import { UserError } from '../config/errors';
import { plain } from './terminal';

/** Exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, stopped: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Faults that lie in neither the command nor the config. */
const FAILURES = new Set([
  'trainer-failed',
  'disk-full',
  'run-failed',
  'not-finite',
  'no-device',
  'doctor',
  'rule',
  'rule-limit',
]);

/** The exit code for something thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof UserError && !FAILURES.has(error.code ?? '') ? EXIT.usage : EXIT.failed;
}

/** What stderr says of something thrown: no stack trace unless ALIGN_DEBUG=1. Messages quote files, models and rules. */
export function explain(error: unknown, debug: boolean): string {
  return plain(wordsFor(error, debug));
}

function wordsFor(error: unknown, debug: boolean): string {
  const stack = error instanceof Error ? error.stack : undefined;
  if (error instanceof UserError) return debug && stack ? `${error.format()}\n${stack}` : error.format();
  if (debug && stack) return stack;
  const message = error instanceof Error ? error.message : String(error);
  return `This is a fault of Alignment Lab: ${message}\n  ALIGN_DEBUG=1 shows where it happened.`;
}

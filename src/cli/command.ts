import type { Command } from 'commander';
import { EXIT, type ExitCode } from './exit';
import { type Terminal, terminalOf } from './terminal';

/** Where a command writes: its answer on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean;
  readonly out: Terminal;
  readonly err: Terminal;
  /** A line for a person: on stdout, or on stderr where stdout holds JSON. */
  readonly say: (line: string) => void;
  /** A line beside the answer, always on stderr. */
  readonly note: (line: string) => void;
  /** The one JSON document of a question. */
  readonly document: (value: unknown) => void;
  /** One JSON line of a stream. */
  readonly line: (value: unknown) => void;
}

export function outputOf(json: boolean): Output {
  const out = terminalOf(process.stdout);
  const err = terminalOf(process.stderr);
  const write = (terminal: Terminal, line: string): void => void terminal.stream.write(`${line}\n`);
  return {
    json,
    out,
    err,
    say: (line) => write(json ? err : out, line),
    note: (line) => write(err, line),
    document: (value) => write(out, JSON.stringify(value, null, 2)),
    line: (value) => write(out, JSON.stringify(value)),
  };
}

/** Options that many commands have. */
export interface CommonOptions {
  json?: boolean;
}

/**
 * Ties a command to its work. `work` gives the exit code where it is not 0. The process then ends by itself, so that
 * what was written is not cut off.
 */
export function action<A extends unknown[]>(command: Command, work: (...args: A) => Promise<ExitCode | void>): Command {
  return command.action(async (...args: unknown[]) => {
    process.exitCode = (await work(...(args as A))) ?? EXIT.done;
  });
}

/** For an option that may be given many times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** Help text with examples behind the options. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

import type { Command } from 'commander';
import { EXIT, type ExitCode } from './exit';
import { guarded, type Terminal, terminalOf } from './terminal';

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
  const write = (terminal: Terminal, line: string): void => void terminal.stream.write(`${guarded(terminal, line)}\n`);
  return {
    json,
    out,
    err,
    say: (line) => write(json ? err : out, line),
    note: (line) => write(err, line),
    document: (value) => out.stream.write(`${harmlessJson(value, 2)}\n`),
    line: (value) => out.stream.write(`${harmlessJson(value)}\n`),
  };
}

/** JSON has escapes for what would steer a terminal; those below U+0020 are written as such anyway. */
const harmlessJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

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

/** Where in a user's file something is wrong. Lines and columns count from 1. */
export interface Place {
  file?: string;
  line?: number;
  column?: number;
}

/** An error that the user can mend: it says what happened, where, and what to do. Anything else thrown is our bug. */
export class UserError extends Error {
  readonly hint: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly code: string | undefined;

  constructor(message: string, details: Place & { hint?: string; code?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'UserError';
    this.hint = details.hint;
    this.file = details.file;
    this.line = details.line;
    this.column = details.column;
    this.code = details.code;
  }

  /** `file:line:column: message` and the mend on a line of its own, as compilers print it. */
  format(): string {
    const place = [this.file, this.line, this.column].filter((part) => part !== undefined).join(':');
    return `${place ? `${place}: ` : ''}${this.message}${this.hint ? `\n  ${this.hint}` : ''}`;
  }
}

/** The message of anything thrown, for logs and for the end of a chain of causes. */
export function messageOf(error: unknown): string {
  return error instanceof UserError ? error.format() : error instanceof Error ? error.message : String(error);
}

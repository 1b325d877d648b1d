import { UserError } from '../config/errors';

/** One thing wrong in a data file: where, what, and the mend. Lines and columns count from 1. */
export interface Fault {
  line: number;
  column?: number;
  /** The field within the row, such as `messages[1].content`. */
  field?: string;
  message: string;
  hint?: string;
}

const MOST_FAULTS = 20;

/** Collects what is wrong in one file, so that a user sees up to twenty faults at once and not one a run. */
export class FaultReport {
  readonly faults: Fault[] = [];

  constructor(readonly file: string) {}

  /** Notes a fault; throws the whole report once twenty stand in it. */
  add(fault: Fault): void {
    this.faults.push(fault);
    if (this.faults.length >= MOST_FAULTS) this.throwIfAny();
  }

  /** Throws a UserError at the first fault's place that lists all of them; returns where there are none. */
  throwIfAny(): void {
    if (this.faults.length === 0) return;
    const [first, ...rest] = this.faults;
    const more = this.faults.length >= MOST_FAULTS ? ` (the first ${MOST_FAULTS}; reading stopped there)` : '';
    const others = rest.map((fault) => `\n${this.file}:${place(fault)}: ${fault.message}`).join('');
    throw new UserError(
      rest.length ? `${first.message}${others}\n${this.faults.length} faults${more}` : first.message,
      {
        file: this.file,
        line: first.line,
        column: first.column,
        hint: first.hint,
        code: 'data',
      },
    );
  }
}

function place(fault: Fault): string {
  return fault.column === undefined ? `${fault.line}` : `${fault.line}:${fault.column}`;
}

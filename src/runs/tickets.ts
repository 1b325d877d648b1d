import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { namesIn, readIfThere, replaceFile, sleepSync, sweepTemporaries } from './files';
import { identitySchema, liveness, ownIdentity, type Liveness, type ProcessIdentity } from './process';
import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from './state';

/**
 * Mutual exclusion between processes by files alone (after Lamport's bakery).
 *
 * A ticket is a file `<number>-<nonce>.json` that holds its owner's identity. To take one: write it with a number above
 * all that are there, then look again; where a higher one has come meanwhile, give it up and try anew. A ticket that
 * passed is *confirmed*. Of two confirmed tickets the lower was on the disk before the higher was written (else it
 * would have seen the higher one and given up), so the owner of the higher one always sees the lower: who has no
 * living ticket below his own holds the lock. Names are never used twice, so anyone may remove a dead owner's ticket.
 */
export interface Ticket {
  readonly name: string;
  readonly number: number;
  /** Living tickets below this one, in order. Removes those of dead processes. */
  ahead(): TicketHolder[];
  /** True while the file is there; someone may have removed it by hand. */
  valid(): boolean;
  release(): void;
}

export interface TicketHolder {
  name: string;
  identity: ProcessIdentity;
  /** What the holder said about itself when it took the ticket (a run's id). */
  label: string;
}

const ticketSchema = z.looseObject({ v: z.number(), identity: identitySchema, label: z.string() });
const NAME = /^(\d{12})-[0-9a-f]{8}\.json$/;

/** Takes a confirmed ticket in `folder`, which must exist. Throws a UserError where it cannot be written. */
export function takeTicket(folder: string, label: string, identity: ProcessIdentity = ownIdentity()): Ticket {
  sweepTemporaries(folder, HEARTBEAT_LOST_MS);
  for (;;) {
    const names = namesIn(folder).filter((name) => NAME.test(name));
    const number = names.reduce((highest, name) => Math.max(highest, numberOf(name)), 0) + 1;
    const name = `${String(number).padStart(12, '0')}-${randomBytes(4).toString('hex')}.json`;
    const path = join(folder, name);
    replaceFile(path, JSON.stringify({ v: 1, identity, label }));
    if (namesIn(folder).every((other) => !NAME.test(other) || other <= name)) return new FileTicket(folder, name);
    fs.rmSync(path, { force: true });
    sleepSync(Math.ceil(Math.random() * 10));
  }
}

function numberOf(name: string): number {
  return Number.parseInt(name, 10);
}

class FileTicket implements Ticket {
  readonly number: number;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly folder: string,
    readonly name: string,
  ) {
    this.number = numberOf(name);
    // Processes that cannot see this one (in another container) judge it by the age of the file.
    this.timer = setInterval(() => this.touch(), HEARTBEAT_MS).unref();
  }

  ahead(): TicketHolder[] {
    return holders(this.folder).filter((holder) => holder.name < this.name);
  }

  valid(): boolean {
    return fs.existsSync(join(this.folder, this.name));
  }

  release(): void {
    clearInterval(this.timer);
    fs.rmSync(join(this.folder, this.name), { force: true });
  }

  private touch(): void {
    try {
      fs.utimesSync(join(this.folder, this.name), new Date(), new Date());
    } catch {
      // A missed beat is made good by the next.
    }
  }
}

/** All living tickets in order. Removes those of dead processes. */
export function holders(
  folder: string,
  look: (identity: ProcessIdentity) => Liveness = liveness,
  now: number = Date.now(),
): TicketHolder[] {
  const living: TicketHolder[] = [];
  for (const name of namesIn(folder).sort()) {
    if (!NAME.test(name)) continue;
    const path = join(folder, name);
    const text = readIfThere(path);
    if (text === undefined) continue;
    const ticket = parseTicket(text);
    const seen = ticket === undefined ? 'unknown' : look(ticket.identity);
    const age = now - (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now);
    if (seen === 'dead' || (seen === 'unknown' && age > HEARTBEAT_LOST_MS)) {
      fs.rmSync(path, { force: true });
    } else {
      const nobody = { pid: 0, start: null, host: '' };
      living.push({ name, identity: ticket?.identity ?? nobody, label: ticket?.label ?? '' });
    }
  }
  return living;
}

function parseTicket(text: string): z.output<typeof ticketSchema> | undefined {
  try {
    return ticketSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

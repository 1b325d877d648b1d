import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../config/errors';
import { errorCode, writeError } from './files';
import { takeTicket, type Ticket, type TicketHolder } from './tickets';

export interface WaitOptions {
  /** `cpu`, `webgpu`, … : runs on different devices do not wait for each other. */
  device: string;
  /** The run's id, for those who wait behind it. */
  label: string;
  /** Called when the place changes: 1 means that one run is before this one. */
  onWait?: (position: number, ahead: readonly TicketHolder[]) => void;
  /** Ends the wait; `waitForTurn` then throws the signal's reason. */
  signal?: AbortSignal;
  /** Asked at each look; true means "run now anyway". */
  runNow?: () => boolean;
  pollMs?: number;
  /** Where tickets lie; default: a folder of this user's in the system's temporary folder. */
  folder?: string;
}

/** A place on a device, kept while the run trains. */
export interface Turn {
  /** True where it runs although others hold the device. */
  readonly jumped: boolean;
  release(): void;
}

/** The machine-wide folder of tickets, readable by this user alone. Throws a UserError where it is another user's. */
export function queueFolder(device: string, root: string = tmpdir()): string {
  const { uid, username } = userInfo();
  const owner = uid >= 0 ? String(uid) : createHash('sha256').update(username).digest('hex').slice(0, 8);
  const folder = join(root, `alignment-lab-${owner}`);
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw writeError(error, folder);
    const stat = fs.lstatSync(folder);
    // The temporary folder is open to all users: take no folder or link that somebody else has put there.
    if (!stat.isDirectory() || (uid >= 0 && stat.uid !== uid)) {
      throw new UserError(`${folder} belongs to another user.`, {
        hint: 'Remove it, or set TMPDIR to a folder of your own.',
        file: folder,
      });
    }
  }
  const queue = join(folder, `queue-${device.replace(/[^A-Za-z0-9_-]/g, '_')}`);
  try {
    fs.mkdirSync(queue, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw writeError(error, queue);
  }
  return queue;
}

/**
 * Waits until every run that came before on this device has ended or died. Give the turn back with `release`; a process
 * that dies gives it back by that.
 */
export async function waitForTurn(options: WaitOptions): Promise<Turn> {
  const folder = options.folder ?? queueFolder(options.device);
  const pollMs = options.pollMs ?? 500;
  let ticket: Ticket = takeTicket(folder, options.label);
  let position = 0;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      // Cleaners of temporary folders remove old files.
      if (!ticket.valid()) {
        ticket.release();
        ticket = takeTicket(folder, options.label);
      }
      const ahead = ticket.ahead();
      if (ahead.length === 0) return turn(ticket, false);
      if (options.runNow?.()) return turn(ticket, true);
      if (ahead.length !== position) options.onWait?.((position = ahead.length), ahead);
      await delay(pollMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
  } catch (error) {
    ticket.release();
    throw error;
  }
}

function turn(ticket: Ticket, jumped: boolean): Turn {
  return { jumped, release: () => ticket.release() };
}

import * as fs from 'node:fs';
import { UserError } from '../config/errors';
import type { RunDir } from './directory';
import { writeError } from './files';
import { takeTicket } from './tickets';

/** Held by the one process that may write a run directory. */
export interface RunLock {
  release(): void;
}

/**
 * Takes the lock of a run directory. Locks of dead processes are passed over.
 * Throws a UserError that names the holder where a living process has it.
 */
export function lockRun(dir: RunDir): RunLock {
  try {
    fs.mkdirSync(dir.lockFolder, { recursive: true });
  } catch (error) {
    throw writeError(error, dir.lockFolder);
  }
  const ticket = takeTicket(dir.lockFolder, dir.id);
  const holder = ticket.ahead()[0];
  if (holder === undefined) return ticket;
  ticket.release();
  const { pid, host } = holder.identity;
  throw new UserError(`Another process already works on run ${dir.id}${pid > 0 ? ` (${pid} on ${host})` : ''}.`, {
    hint: 'Wait for it or stop it first: two processes must not write one run.',
    file: dir.lockFolder,
    code: 'run-locked',
  });
}

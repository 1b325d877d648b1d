import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../config/errors';

/** The `code` of a failed system call, such as `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True where a file or folder is not there. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Names in a folder; none where it is not there. */
export function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The codes with which UserErrors of this file can be told apart. */
export const DISK_FULL = 'disk-full';

/**
 * Turns a failed write into what the user can mend. `safe` says what is unharmed.
 * Errors that are not about the disk come back as they are.
 */
export function writeError(error: unknown, path: string, safe = 'What was there before is unchanged.'): unknown {
  if (error instanceof UserError) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = code === 'EDQUOT' ? 'The disk quota is used up' : 'The disk is full';
    return new UserError(`${what}: ${basename(path)} could not be written in ${dirname(path)}.`, {
      hint: `${safe} Free some space there, then resume the run.`,
      file: path,
      code: DISK_FULL,
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new UserError(`${basename(path)} could not be written in ${dirname(path)}: no permission (${code}).`, {
      hint: `${safe} Make the folder writable, or move the config file to one that is.`,
      file: path,
      code: 'not-writable',
      cause: error,
    });
  }
  if (code === 'ENOENT' || code === 'EBUSY') {
    const [why, mend] =
      code === 'ENOENT'
        ? ['its folder is not there', 'Make the folder again.']
        : ['another program holds it', 'Close that program.'];
    return new UserError(`${basename(path)} could not be written in ${dirname(path)}: ${why}.`, {
      hint: mend,
      file: path,
      code: 'not-writable',
      cause: error,
    });
  }
  return error;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. For waits of milliseconds only. */
export function sleepSync(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

/** Virus scanners and readers hold files open on Windows for a moment; POSIX never gives these codes for that. */
const PASSING = new Set(['EPERM', 'EBUSY', 'EACCES']);

/** Runs `action`, on Windows again for up to about two seconds while another program holds the file. */
export function withRetry<T>(action: () => T, platform: NodeJS.Platform = process.platform): T {
  for (let delay = 5; ; delay *= 2) {
    try {
      return action();
    } catch (error) {
      if (platform !== 'win32' || delay > 1000 || !PASSING.has(errorCode(error) ?? '')) throw error;
      sleepSync(delay);
    }
  }
}

/** Makes a rename or a new file in `folder` survive a power cut. Windows cannot open folders and needs no such call. */
export function fsyncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    // Some network file systems refuse fsync on folders.
    if (!['EINVAL', 'ENOTSUP', 'EISDIR'].includes(errorCode(error) ?? '')) throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** The pattern of names that `temporaryName` gives: left-overs of killed processes. */
export const TEMPORARY = /^\..*\.tmp$/;

/** A hidden name in the same folder, so that the rename stays within one file system. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/** Writes all of `bytes`; a short write is continued. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  // Single writes above 2 GiB are cut short by some systems.
  const chunk = 1 << 30;
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done, Math.min(chunk, bytes.length - done));
}

/** Writes a synced file beside `path` and returns its name. What `write` does to the handle, or the bytes given. */
export function writeTemporary(path: string, data: string | Uint8Array | ((fd: number) => void)): string {
  const temporary = temporaryName(path);
  try {
    const fd = fs.openSync(temporary, 'wx');
    try {
      if (typeof data === 'function') data(fd);
      else writeFully(fd, typeof data === 'string' ? Buffer.from(data) : data);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    return temporary;
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw writeError(error, path);
  }
}

/**
 * Replaces a file as a whole: readers see the old or the new one, also after a kill or a power cut.
 * Throws a UserError where the disk is full or the folder is not writable.
 */
export function replaceFile(path: string, data: string | Uint8Array | ((fd: number) => void)): void {
  const temporary = writeTemporary(path, data);
  try {
    withRetry(() => fs.renameSync(temporary, path));
    fsyncFolder(dirname(path));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw writeError(error, path);
  }
}

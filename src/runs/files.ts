import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
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
  let offset = 0;
  while (offset < bytes.length) offset += fs.writeSync(fd, bytes, offset, bytes.length - offset);
}

function writeTemporary(path: string, data: string | Uint8Array): string {
  const temporary = temporaryName(path);
  try {
    const fd = fs.openSync(temporary, 'wx');
    try {
      writeFully(fd, typeof data === 'string' ? Buffer.from(data) : data);
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
export function replaceFile(path: string, data: string | Uint8Array): void {
  const temporary = writeTemporary(path, data);
  try {
    withRetry(() => fs.renameSync(temporary, path));
    fsyncFolder(dirname(path));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw writeError(error, path);
  }
}

/**
 * As `replaceFile`, but without blocking this thread while the disk works. `wanted` is asked before the file takes its
 * place, so that a later replacement is never undone by an earlier one. Resolves with whether it took it.
 */
export async function replaceFileLater(path: string, data: string, wanted: () => boolean): Promise<boolean> {
  const temporary = temporaryName(path);
  let placed = false;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    if (wanted()) {
      withRetry(() => fs.renameSync(temporary, path));
      placed = true;
    }
  } catch (error) {
    throw writeError(error, path);
  } finally {
    if (!placed) fs.rmSync(temporary, { force: true });
  }
  return placed;
}

/**
 * Creates a file with its whole content at once, or returns false where the name is taken.
 * On file systems without hard links the content follows the name by a moment.
 */
export function createExclusive(path: string, data: string): boolean {
  const temporary = writeTemporary(path, data);
  try {
    try {
      fs.linkSync(temporary, path);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK'].includes(errorCode(error) ?? ''))
        throw error;
      fs.writeFileSync(path, data, { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw writeError(error, path);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** JSON with line ends, as people read it. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Reads a text file; undefined where it is not there. Rides out a replacement on Windows. */
export function readIfThere(path: string): string | undefined {
  try {
    return withRetry(() => fs.readFileSync(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
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

/** Removes what killed processes left of `replaceFile` in `folder`, where it is older than `ageMs`. */
export function sweepTemporaries(folder: string, ageMs = 0): void {
  for (const name of namesIn(folder)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(folder, name);
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && Date.now() - stat.mtimeMs >= ageMs) fs.rmSync(path, { force: true });
  }
}

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../config/errors';

/** Writes all of `bytes` at the file's end. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  // Single writes above 2 GiB are cut short by some systems.
  const chunk = 1 << 30;
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, Math.min(chunk, bytes.length - done));
  }
}

/** Makes a rename or a new entry in `folder` durable, where the platform can (Windows cannot open folders). */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some network file systems refuse this for folders.
    if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL')) throw error;
  } finally {
    closeSync(fd);
  }
}

/** Renames; on Windows a scanner or an indexer may hold a new file for a moment, so it is tried a few times there. */
function renameOver(from: string, to: string): void {
  const tries = process.platform === 'win32' ? 10 : 1;
  for (let i = 1; ; i++) {
    try {
      return renameSync(from, to);
    } catch (error) {
      if (i >= tries) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20 * i);
    }
  }
}

/**
 * Replaces a file atomically: a temporary file beside it is written, synced and renamed over it, so that a reader or a
 * crash meets the old file or the new one, whole.
 * @throws UserError where the disk is full or the folder cannot be written; the old file then stays as it was
 */
export function replaceFile(file: string, write: (fd: number) => void): void {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    const fd = openSync(temporary, 'w');
    try {
      write(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameOver(temporary, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new UserError('The disk is full; the file was not written.', {
        file,
        code: 'ENOSPC',
        hint: 'Free some space and resume.',
        cause: error,
      });
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT' || code === 'EBUSY') {
      throw new UserError(`The file cannot be written (${code}).`, { file, code, cause: error });
    }
    throw error;
  }
}

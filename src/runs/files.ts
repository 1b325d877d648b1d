import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  TEMPORARY,
  errorCode,
  isMissing,
  namesIn,
  temporaryName,
  withRetry,
  writeError,
  writeTemporary,
} from '../data/durable';

export * from '../data/durable';

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

/** Removes what killed processes left of `replaceFile` in `folder`, where it is older than `ageMs`. */
export function sweepTemporaries(folder: string, ageMs = 0): void {
  for (const name of namesIn(folder)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(folder, name);
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() && Date.now() - stat.mtimeMs >= ageMs) fs.rmSync(path, { force: true });
  }
}

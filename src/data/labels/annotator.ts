import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { errorCode, fsyncFolder, isMissing, replaceFile, writeError, writeTemporary } from '../durable';

const MOST_NAME = 80;

/** An annotator's name as labels hold it: on one line, without control and direction characters, of bounded length. */
export function annotatorName(given: string): string {
  const name = given
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return [...name].slice(0, MOST_NAME).join('') || 'anonymous';
}

/** Names that Windows keeps for devices, whatever follows behind a dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/**
 * The name of an annotator's file in one clone: `<annotator>.<clone>.jsonl`. It holds only a–z, 0–9, `-` and `_`, so
 * that every file system takes it; a name that would lose letters gets a piece of its hash.
 */
export function labelFileName(annotator: string, clone: string): string {
  const name = annotatorName(annotator);
  const latin = name.normalize('NFKD').replace(/\p{Mark}/gu, '');
  const slug = latin
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const lossy = slug.length > 40 || /[^\p{ASCII}]/u.test(latin) || slug === '';
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 6);
  const short = slug.slice(0, 40);
  const whole = lossy ? `${short || 'annotator'}-${hash}` : short;
  return `${DEVICE.test(whole) ? `_${whole}` : whole}.${clone}.jsonl`;
}

const CLONE_ID = /^[a-z0-9]{4,16}$/;

/**
 * The id of this clone of a project: random, made at the first call, kept in `<folder>/.align/clone`, which git
 * ignores. So two clones never append to the same label file, and pulls never conflict.
 * Throws a UserError where the folder cannot be written.
 */
export function cloneId(folder: string): string {
  const own = join(folder, '.align');
  const file = join(own, 'clone');
  try {
    fs.mkdirSync(own, { recursive: true });
    const ignore = join(own, '.gitignore');
    if (!fs.existsSync(ignore)) replaceFile(ignore, '*\n');
    for (;;) {
      const known = readId(file);
      if (known !== null) return known;
      const fresh = randomBytes(4).readUInt32LE().toString(36).padStart(7, '0');
      const temporary = writeTemporary(file, `${fresh}\n`);
      try {
        // Unlike a rename, a link never takes the place of the id that another window has just written.
        fs.linkSync(temporary, file);
        fsyncFolder(own);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') {
          if (readId(file) === null) fs.rmSync(file, { force: true });
        } else replaceFile(file, `${fresh}\n`); // a file system without links
      } finally {
        fs.rmSync(temporary, { force: true });
      }
    }
  } catch (error) {
    throw writeError(error, file);
  }
}

/** The id in a file; null where the file is missing or damaged. */
function readId(file: string): string | null {
  try {
    const id = fs.readFileSync(file, 'utf8').trim();
    return CLONE_ID.test(id) ? id : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

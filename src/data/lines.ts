import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../config/errors';

export const MOST_LINE_BYTES = 50 * 1024 * 1024;
const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** One line of a file, as bytes without its line end; `bytes` is null for a line over the limit. */
export interface RawLine {
  line: number;
  bytes: Uint8Array | null;
  /** Whether a line end follows; false only on a last line that lacks one. */
  ended: boolean;
}

/** First bytes that tell a file of another kind, and the mend. */
const OTHER_KINDS: { magic: number[]; kind: string; hint: string }[] = [
  { magic: [0x1f, 0x8b], kind: 'compressed with gzip', hint: 'unpack it first (gunzip)' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], kind: 'compressed with zstd', hint: 'unpack it first (zstd -d)' },
  { magic: [0x50, 0x4b, 0x03, 0x04], kind: 'a zip archive', hint: 'unpack it first' },
  { magic: [0x50, 0x41, 0x52, 0x31], kind: 'a Parquet file', hint: 'convert it to JSON lines' },
  { magic: [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31], kind: 'an Arrow file', hint: 'convert it to JSON lines' },
  { magic: [0xff, 0xfe], kind: 'UTF-16 text', hint: 'save it as UTF-8' },
  { magic: [0xfe, 0xff], kind: 'UTF-16 text', hint: 'save it as UTF-8' },
];

/** Opens a regular file for reading; folders, devices and pipes are refused with a UserError. */
function openRegular(file: string): { handle: number; size: number } {
  let handle: number;
  try {
    // Without O_NONBLOCK opening a named pipe would wait for its writer for ever (the flag is absent on Windows).
    handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw openError(file, cause);
  }
  const stat = fstatSync(handle);
  if (stat.isFile()) return { handle, size: stat.size };
  closeSync(handle);
  throw stat.isDirectory()
    ? new UserError('this is a folder, a data file is expected', { file, code: 'data', hint: 'name a file inside it' })
    : new UserError('this is a device or a pipe, a regular file is expected', { file, code: 'data' });
}

function openError(file: string, cause: unknown): UserError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UserError('there is no such file', { file, code: 'data', cause, hint: 'check the path in `data:`' });
  }
  if (code === 'EISDIR')
    return new UserError('this is a folder, a data file is expected', { file, code: 'data', cause });
  if (code === 'EACCES' || code === 'EPERM') {
    return new UserError('the file may not be read', { file, code: 'data', cause, hint: 'check its permissions' });
  }
  return new UserError(`the file cannot be opened (${code || String(cause)})`, { file, code: 'data', cause });
}

/**
 * Yields a file's lines as bytes, a megabyte at a time. LF and CRLF end a line; a UTF-8 byte order mark is dropped.
 * A file of a known other kind, a folder, a device and a missing file throw a UserError.
 */
export function* readLines(file: string, mostBytes = MOST_LINE_BYTES): Generator<RawLine> {
  const { handle, size: fileSize } = openRegular(file);
  const chunkBytes = Math.min(CHUNK_BYTES, Math.max(4096, fileSize));
  try {
    let line = 1;
    let parts: Uint8Array[] = [];
    let held = 0;
    let first = true;
    const take = (tail: Uint8Array, ended: boolean): RawLine => {
      const size = held + tail.length;
      const whole = held === 0 ? tail : Buffer.concat([...parts, tail]);
      const bytes = size > mostBytes ? null : whole.at(-1) === 0x0d && ended ? whole.subarray(0, -1) : whole;
      parts = [];
      held = 0;
      return { line: line++, bytes, ended };
    };
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const size = readSync(handle, chunk, 0, chunkBytes, null);
      if (size === 0) break;
      let rest: Uint8Array = chunk.subarray(0, size);
      if (first) {
        first = false;
        rest = withoutMark(rest, file);
      }
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        yield take(rest.subarray(0, end), true);
        rest = rest.subarray(end + 1);
      }
      // Beyond the limit only the size is kept: a line of a terabyte must not fill the memory.
      if (held + rest.length <= mostBytes) parts.push(rest);
      else parts = [];
      held += rest.length;
    }
    if (held > 0) yield take(new Uint8Array(0), false);
  } finally {
    closeSync(handle);
  }
}

function withoutMark(bytes: Uint8Array, file: string): Uint8Array {
  const other = OTHER_KINDS.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (other) {
    throw new UserError(`the file is ${other.kind}, text is expected`, {
      file,
      line: 1,
      code: 'data',
      hint: other.hint,
    });
  }
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A line's text, or the column (in characters) of its first byte that is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): { text: string } | { column: number } {
  try {
    return { text: strict.decode(bytes) };
  } catch {
    // The longest valid beginning, by halving: a prefix cut inside a character is still valid when streamed.
    let low = 0;
    let high = bytes.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (isUtf8Prefix(bytes.subarray(0, middle))) low = middle;
      else high = middle - 1;
    }
    return {
      column: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, low), { stream: true }).length + 1,
    };
  }
}

function isUtf8Prefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { UserError } from '../config/errors';
import { errorCode, fsyncFolder, isMissing, temporaryName, withRetry, writeError, writeFully } from './files';

const NEWLINE = 10;
const CHUNK = 1 << 20;

/**
 * A JSONL file that one process appends to. Each row is one write, so that a kill leaves at most one torn last line,
 * which readers skip and the next writer cuts off.
 */
export class JsonlWriter {
  private fd: number | undefined;
  private length: number;

  /** Opens or creates the file and cuts a torn last line off. */
  constructor(readonly path: string) {
    try {
      this.fd = fs.openSync(path, 'a+');
    } catch (error) {
      throw writeError(error, path);
    }
    this.length = fs.fstatSync(this.fd).size;
    const whole = wholeLength(this.fd, this.length);
    if (whole < this.length) this.truncateTo(whole);
  }

  /** Bytes written so far: where a checkpoint cuts the file on resume. */
  get offset(): number {
    return this.length;
  }

  /** Appends a row. Numbers that JSON cannot hold become null. Throws a UserError where the disk is full. */
  append(row: object): void {
    const bytes = Buffer.from(`${JSON.stringify(row)}\n`);
    const fd = this.open();
    try {
      writeFully(fd, bytes);
    } catch (error) {
      // A half-written row must not become the head of the next one.
      try {
        fs.ftruncateSync(fd, this.length);
      } catch {
        // The next writer cuts it off.
      }
      throw writeError(error, this.path, 'All rows before this one and the last checkpoint are whole.');
    }
    this.length += bytes.length;
  }

  /** Waits until all rows are on the disk. */
  flush(): void {
    try {
      fs.fsyncSync(this.open());
    } catch (error) {
      // Pipes and some devices cannot be synced.
      if (errorCode(error) !== 'EINVAL') throw writeError(error, this.path);
    }
  }

  /**
   * Cuts the file to its first `offset` bytes: a copy of the prefix takes the file's place, so a kill in between
   * leaves the old file. Throws a UserError where the file is shorter or `offset` is not the end of a row.
   */
  truncateTo(offset: number): void {
    const fd = this.open();
    const size = fs.fstatSync(fd).size;
    if (offset === size && this.endsRow(offset)) return;
    if (offset > size || !this.endsRow(offset)) {
      throw new UserError(`${basename(this.path)} is not the file that the checkpoint was written with.`, {
        hint: `It should hold a whole row that ends at byte ${offset}; it has ${size} bytes. Resume from an older checkpoint, or branch from one.`,
        file: this.path,
        code: 'jsonl-mismatch',
      });
    }
    const temporary = temporaryName(this.path);
    try {
      copyPrefix(fd, temporary, offset);
      this.close();
      withRetry(() => fs.renameSync(temporary, this.path));
      fsyncFolder(dirname(this.path));
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw writeError(error, this.path);
    }
    this.fd = fs.openSync(this.path, 'a+');
    this.length = offset;
  }

  close(): void {
    if (this.fd === undefined) return;
    fs.closeSync(this.fd);
    this.fd = undefined;
  }

  private open(): number {
    if (this.fd === undefined) throw new Error(`${this.path} was closed`);
    return this.fd;
  }

  private endsRow(offset: number): boolean {
    if (offset === 0) return true;
    const byte = Buffer.alloc(1);
    return fs.readSync(this.open(), byte, 0, 1, offset - 1) === 1 && byte[0] === NEWLINE;
  }
}

/** Length of the file up to and with its last line end. */
function wholeLength(fd: number, size: number): number {
  const chunk = Buffer.alloc(Math.min(size, 1 << 16));
  for (let end = size; end > 0; end -= chunk.length) {
    const start = Math.max(0, end - chunk.length);
    const read = fs.readSync(fd, chunk, 0, end - start, start);
    const at = chunk.subarray(0, read).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}

function copyPrefix(from: number, path: string, length: number): void {
  const to = fs.openSync(path, 'wx');
  try {
    const chunk = Buffer.alloc(Math.min(length, CHUNK));
    for (let at = 0; at < length;) {
      const read = fs.readSync(from, chunk, 0, Math.min(chunk.length, length - at), at);
      if (read === 0) throw new Error(`${path}: the file became shorter while it was copied`);
      writeFully(to, chunk.subarray(0, read));
      at += read;
    }
    fs.fsyncSync(to);
  } finally {
    fs.closeSync(to);
  }
}

/** Rows of a JSONL file and what was left out. */
export interface JsonlContent<T> {
  rows: T[];
  /** Lines that are whole but no row of this kind, counted from 1. */
  bad: number[];
  /** Bytes up to the end of the last whole line. */
  offset: number;
}

/**
 * Parses whole lines. Text after the last line end is a row still being written: it is left alone.
 * Lines that are no JSON or fail `guard` are counted, not thrown: one bad line must not hide a curve.
 */
export function parseJsonl<T>(bytes: Uint8Array, guard: (value: unknown) => value is T): JsonlContent<T> {
  const offset = bytes.lastIndexOf(NEWLINE) + 1;
  const rows: T[] = [];
  const bad: number[] = [];
  if (offset === 0) return { rows, bad, offset };
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, offset - 1)
    .toString('utf8')
    .split('\n');
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const value = parseLine(line);
    if (guard(value)) rows.push(value);
    else bad.push(index + 1);
  });
  return { rows, bad, offset };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Reads a JSONL file; a missing one has no rows. */
export function readJsonl<T>(path: string, guard: (value: unknown) => value is T): JsonlContent<T> {
  try {
    return parseJsonl(
      withRetry(() => fs.readFileSync(path)),
      guard,
    );
  } catch (error) {
    if (isMissing(error)) return { rows: [], bad: [], offset: 0 };
    throw error;
  }
}

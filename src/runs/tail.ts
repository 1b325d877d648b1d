import * as fs from 'node:fs';
import { isMissing } from './files';
import { parseJsonl } from './jsonl';

export interface TailEvent<T> {
  /** The file was cut or replaced: forget all rows before these. */
  reset: boolean;
  rows: T[];
  /** There is more to read at once: a long file comes in pieces, so that no reader blocks its thread for long. */
  more: boolean;
}

/** Bytes before the read position that must still be there; rows hold a time, so equal bytes mean the same file. */
const FINGERPRINT = 128;
const PIECE = 1 << 20;

/**
 * Follows one JSONL file by position. It holds no handle open between reads, so that the writer may replace the file
 * on Windows. A row that is still being written is left for the next read.
 */
export class JsonlTail<T> {
  private offset = 0;
  private inode: bigint | undefined;
  private size = -1n;
  private modified = -1n;
  private before = Buffer.alloc(0);

  constructor(
    readonly path: string,
    private readonly guard: (value: unknown) => value is T,
  ) {}

  /** What has come since the last read; undefined where nothing has. One stat call where the file did not change. */
  read(): TailEvent<T> | undefined {
    let stat: fs.BigIntStats;
    try {
      stat = fs.statSync(this.path, { bigint: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
      return this.restart();
    }
    if (stat.size === this.size && stat.mtimeNs === this.modified && stat.ino === this.inode) return undefined;
    let event: TailEvent<T> | undefined;
    try {
      event = this.readFrom(fs.openSync(this.path, 'r'));
    } catch (error) {
      // Replaced between the two calls, or held by another program on Windows: the next read gets it.
      if (!isMissing(error) && process.platform !== 'win32') throw error;
      return undefined;
    }
    if (!event?.more) [this.size, this.modified] = [stat.size, stat.mtimeNs];
    return event;
  }

  private readFrom(fd: number): TailEvent<T> | undefined {
    try {
      const stat = fs.fstatSync(fd, { bigint: true });
      const same = this.inode === undefined || (stat.ino === this.inode && this.unchanged(fd, Number(stat.size)));
      const event = same ? undefined : this.restart();
      this.inode = stat.ino;
      const { rows, more } = this.piece(fd, Number(stat.size));
      if (rows.length === 0 && !more) return event;
      return { reset: event?.reset ?? false, rows, more };
    } finally {
      fs.closeSync(fd);
    }
  }

  private piece(fd: number, size: number): { rows: T[]; more: boolean } {
    for (let length = PIECE; ; length *= 2) {
      const bytes = Buffer.alloc(Math.min(length, Math.max(0, size - this.offset)));
      const read = fs.readSync(fd, bytes, 0, bytes.length, this.offset);
      const content = parseJsonl(bytes.subarray(0, read), this.guard);
      const left = size - this.offset - read;
      // A row longer than a piece: look at more of it.
      if (content.offset === 0 && left > 0 && read === bytes.length) continue;
      const start = Math.max(0, content.offset - FINGERPRINT);
      this.before = Buffer.concat([this.before, bytes.subarray(start, content.offset)]).subarray(-FINGERPRINT);
      this.offset += content.offset;
      return { rows: content.rows, more: left > 0 && read === bytes.length };
    }
  }

  private unchanged(fd: number, size: number): boolean {
    if (size < this.offset) return false;
    const now = Buffer.alloc(this.before.length);
    const read = fs.readSync(fd, now, 0, now.length, this.offset - now.length);
    return read === now.length && now.equals(this.before);
  }

  private restart(): TailEvent<T> | undefined {
    const had = this.offset > 0;
    this.offset = 0;
    this.inode = undefined;
    this.size = this.modified = -1n;
    this.before = Buffer.alloc(0);
    return had ? { reset: true, rows: [], more: false } : undefined;
  }
}

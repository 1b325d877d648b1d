import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../config/errors';
import { DISK_FULL, errorCode, fsyncFolder, isMissing, writeError, writeFully } from '../durable';
import { annotatorName, labelFileName } from './annotator';
import { isObject } from '../jsonl';
import { type Label, type LabelRow, parseLabelRow, standingAnswers, standingLabels, type Undo } from './labels';
import { LABELS_VERSION } from './pairs';

const NEWLINE = 10;
const MOST_ATTEMPTS = 8;
const EARLIER = 'The labels before this one are stored.';

/** A label as its maker knows it; the store adds version, annotator, and where they are missing id and time. */
export type LabelDraft = Omit<Label, 'v' | 'id' | 'time' | 'annotator'> & { id?: string; time?: number };

export interface StoreOptions {
  annotator: string;
  /** `cloneId(folder of the config)`. */
  clone: string;
  /** Milliseconds since 1970, for tests. */
  now?: () => number;
}

/**
 * The labels of one annotator in one clone: a file that is only ever appended to.
 *
 * Several windows may have it open at once, and each may be killed at any moment. So no lock and no cutting: a row is
 * one write at the end of the file; it counts as stored once it is on the disk and a reader finds it there as a line
 * of its own. A line that a killed process left torn gets a line end in front of the next row. Where the row was not
 * found (it was glued to a torn line, or git put another file in this one's place) it is written again; ids keep it
 * from counting twice.
 */
export class LabelStore {
  readonly annotator: string;
  readonly file: string;
  private readonly now: () => number;
  /** The file as far as it was read. */
  private seen: { inode: bigint; offset: number; torn: boolean } | null = null;
  private list: LabelRow[] = [];
  private ids = new Set<string>();
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly folder: string,
    { annotator, clone, now = Date.now }: StoreOptions,
  ) {
    this.annotator = annotatorName(annotator);
    this.file = join(folder, labelFileName(annotator, clone));
    this.now = now;
  }

  /** Opens the store of `labels/<stage>/`; folder and file are made with the first label. */
  static open(folder: string, options: StoreOptions): LabelStore {
    const store = new LabelStore(folder, options);
    store.refresh();
    return store;
  }

  /** The rows of the file as last read, those of other windows included. Lines that cannot be read are left out. */
  rows(): readonly LabelRow[] {
    return this.list;
  }

  /** Reads what other windows have added since; true where there is something new. */
  refresh(): boolean {
    const before = this.list;
    const length = before.length;
    this.read();
    return this.list !== before || this.list.length !== length;
  }

  /**
   * Stores a label. Resolves once it is on the disk; calling again with the same id stores nothing anew.
   * Rejects with a UserError where the disk is full or the folder is not writable: nothing was acknowledged then.
   */
  async append(draft: LabelDraft): Promise<Label> {
    return (await this.appendAll([draft]))[0];
  }

  /** Stores many labels with one write, for importers and simulated annotators. */
  async appendAll(drafts: readonly LabelDraft[]): Promise<Label[]> {
    const labels = drafts.map((draft): Label => {
      const { id = randomUUID(), time = this.now(), ...rest } = draft;
      return { v: LABELS_VERSION, id, annotator: this.annotator, time, ...rest };
    });
    for (const label of labels) {
      const row = rowOf(JSON.stringify(label));
      if (row === null) throw new TypeError(`not a label: ${JSON.stringify(label)}`);
    }
    await this.write(() => labels);
    return labels;
  }

  /**
   * Takes the last `n` comparisons that stand back, those of other windows included, and gives them, the last one first.
   * Resolves once that is on the disk.
   */
  async undo(n = 1): Promise<Label[]> {
    let undone: Label[] = [];
    await this.write(() => {
      undone = this.standing().slice(-n).reverse();
      return undone.map((label) => this.undoOf(label));
    });
    return undone;
  }

  /** Takes one label back; null where it does not stand (any more). A retry therefore does no harm. */
  async undoLabel(id: string): Promise<Label | null> {
    let undone: Label | undefined;
    await this.write(() => {
      const all = [...this.standing(), ...standingAnswers(this.list)];
      undone = all.find((label) => label.id === id && label.annotator === this.annotator);
      return undone ? [this.undoOf(undone)] : [];
    });
    return undone ?? null;
  }

  private standing(): Label[] {
    return standingLabels(this.list).filter(({ annotator }) => annotator === this.annotator);
  }

  private undoOf({ id, pair }: Label): Undo {
    return { v: LABELS_VERSION, id: randomUUID(), pair, annotator: this.annotator, time: this.now(), undoes: id };
  }

  /** One write at a time; `make` sees all rows before it. */
  private write(make: () => LabelRow[]): Promise<void> {
    const turn = this.queue.then(() => this.store(make));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async store(make: () => LabelRow[]): Promise<void> {
    try {
      this.read();
      const rows = make();
      if (rows.length === 0) return;
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        await this.put(rows.filter(({ id }) => !this.ids.has(id)));
        this.read();
        if (rows.every(({ id }) => this.ids.has(id))) return;
      }
    } catch (error) {
      throw notStored(error, this.file);
    }
    throw new UserError('The label was written but cannot be found in its file.', {
      hint: 'Another program rewrites this file. Close it, then label the pair again.',
      file: this.file,
      code: 'label-not-stored',
    });
  }

  /** Appends rows with one write and waits until all of the file is on the disk. No rows: only waits. */
  private async put(rows: readonly LabelRow[]): Promise<void> {
    fs.mkdirSync(this.folder, { recursive: true });
    const created = !fs.existsSync(this.file);
    // By its name each time: git may have put another file in its place.
    const fd = fs.openSync(this.file, 'a');
    try {
      const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      if (lines !== '') writeFully(fd, Buffer.from(this.seen?.torn ? `\n${lines}` : lines));
      await new Promise<void>((resolve, reject) => {
        fs.fsync(fd, (error) => (error && errorCode(error) !== 'EINVAL' ? reject(error) : resolve()));
      });
    } finally {
      fs.closeSync(fd);
    }
    if (created) fsyncFolder(this.folder);
  }

  /** Reads the whole lines behind those known. */
  private read(): void {
    let fd: number;
    try {
      fd = fs.openSync(this.file, 'r');
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (this.seen) this.forget();
      return;
    }
    try {
      const { ino: inode, size } = fs.fstatSync(fd, { bigint: true });
      if (this.seen && (this.seen.inode !== inode || this.seen.offset > size)) this.forget();
      this.seen ??= { inode, offset: 0, torn: false };
      const tail = Buffer.alloc(Number(size) - this.seen.offset);
      let length = 0;
      while (length < tail.length) {
        const got = fs.readSync(fd, tail, length, tail.length - length, this.seen.offset + length);
        if (got === 0) break;
        length += got;
      }
      const whole = tail.subarray(0, length).lastIndexOf(NEWLINE) + 1;
      this.take(tail.toString('utf8', 0, whole));
      this.seen.offset += whole;
      this.seen.torn = whole < length;
    } finally {
      fs.closeSync(fd);
    }
  }

  private take(lines: string): void {
    for (const line of lines.split('\n')) {
      const row = rowOf(line);
      if (row === null || this.ids.has(row.id)) continue;
      this.ids.add(row.id);
      this.list.push(row);
    }
  }

  private forget(): void {
    this.seen = null;
    this.list = [];
    this.ids = new Set();
  }
}

function notStored(error: unknown, file: string): unknown {
  const code = errorCode(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  const known = full || code === undefined ? error : writeError(error, file, EARLIER);
  if (code === undefined || known instanceof UserError) return known;
  const why = full ? 'the disk is full' : `the system says ${code}`;
  return new UserError(`The label could not be stored in ${dirname(file)}: ${why}.`, {
    hint: `${EARLIER} ${full ? 'Free some space' : 'Mend the folder'}, then label the pair again.`,
    file,
    code: full ? DISK_FULL : 'label-not-stored',
    cause: error,
  });
}

/** The row on a line; null for blank lines and those with a fault, which `readLabels` reports. */
function rowOf(line: string): LabelRow | null {
  let value: unknown;
  try {
    value = JSON.parse(line.replace(/^\ufeff/, ''));
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const row = parseLabelRow(value, '', 0);
  return 'kind' in row ? null : row;
}

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { UserError } from '../../config/errors';
import { annotatorName, cloneId } from '../../data/labels/annotator';
import { keepGuideline, parseGuideline, readGuideline, type Guideline } from '../../data/labels/guideline';
import { readLabels, standingLabels, type Label, type LabelRow } from '../../data/labels/labels';
import { labelingOrder, labelingQueue, type LabelingQueue, type Showing } from '../../data/labels/order';
import { PAIRS_FILE, readPairs, type Pair } from '../../data/labels/pairs';
import { LabelStore } from '../../data/labels/store';
import type { Draft, GuidelineView, Judgement, Part, Progress, ShownPair } from '../../protocol/labeling';
import { draftOf, labelDraft, labelWords, shownPair, wholeText } from './texts';

export interface SessionOptions {
  /** The folder of the config file. */
  folder: string;
  stage: string;
  annotator: string;
  /** The guideline's file, absolute; null where the config names none. */
  guideline: string | null;
  /** Milliseconds since 1970, for tests. */
  now?: () => number;
}

/** A warning that more lines of a broken file would only repeat. */
const MOST_WARNINGS = 20;

/**
 * One annotator at the pairs of one stage: what is left in their order, their labels on the disk, and the way back.
 * Several panels may share a session, several windows the files.
 */
export class LabelingSession {
  readonly annotator: string;
  readonly stage: string;
  readonly labelsFolder: string;
  private readonly store: LabelStore;
  private pairs = new Map<string, Pair>();
  private order: Showing[] = [];
  private queue: LabelingQueue;
  /** Rows of this annotator in files of other clones. */
  private elsewhere: LabelRow[] = [];
  private everyone: LabelRow[] = [];
  private faults: string[] = [];
  private guide: { guideline: Guideline | null; fault: string | null } = { guideline: null, fault: null };
  /** Showings that were taken back come again first. */
  private readonly again: Showing[] = [];
  private readonly offered = new Map<string, Showing>();
  private signature = '';
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: SessionOptions) {
    const { folder, stage } = options;
    this.annotator = annotatorName(options.annotator);
    this.stage = stage;
    this.labelsFolder = join(folder, 'labels', stage);
    this.store = LabelStore.open(this.labelsFolder, {
      annotator: this.annotator,
      clone: cloneId(folder),
      now: options.now,
    });
    this.queue = labelingQueue([], [], this.annotator);
    this.read();
  }

  get guideline(): GuidelineView | null {
    const { guideline } = this.guide;
    return guideline && { ...guideline };
  }

  /** What could not be read, with file and line. */
  get warnings(): readonly string[] {
    const all = [...(this.guide.fault === null ? [] : [this.guide.fault]), ...this.faults];
    if (all.length <= MOST_WARNINGS) return all;
    return [...all.slice(0, MOST_WARNINGS), `and ${all.length - MOST_WARNINGS} more`];
  }

  get progress(): Progress {
    const { total, left, paceMs, repeats } = this.queue.progress;
    const done = this.mine().length;
    return {
      total,
      left,
      done,
      pace: paceMs === null ? null : paceMs / 1000,
      repeats: repeats.of > 0 ? repeats : null,
    };
  }

  /** The rows of all annotators, for agreement. */
  allRows(): LabelRow[] {
    const own = new Set(this.store.rows().map(({ id }) => id));
    return [...this.everyone.filter(({ id }) => !own.has(id)), ...this.store.rows()];
  }

  /** The next pairs, those taken back first. */
  ahead(count: number): ShownPair[] {
    const back = this.again.filter((showing) => this.isLeft(showing));
    const next: Showing[] = [...back].reverse();
    for (const showing of this.queue.left) {
      if (next.length >= count) break;
      if (!back.some((other) => sameShowing(other, showing))) next.push(showing);
    }
    return next.slice(0, count).flatMap((showing) => {
      const pair = this.pairs.get(showing.pair);
      return pair ? [shownPair(pair, showing, this.offer(showing))] : [];
    });
  }

  /**
   * Stores the judgement of a showing. True once it is on the disk; false where there is nothing to store it for: the
   * pair is gone, or was judged in another window. Rejects with a UserError where it cannot be written.
   */
  judge(key: string, judgement: Judgement): Promise<boolean> {
    return this.inTurn(async () => {
      const showing = this.offered.get(key);
      if (this.store.refresh()) this.count();
      if (!showing || !this.isLeft(showing)) return false;
      this.keepGuideline();
      await this.store.append(labelDraft(showing, judgement, this.guide.guideline?.hash ?? null));
      const back = this.again.findIndex((other) => sameShowing(other, showing));
      if (back >= 0) this.again.splice(back, 1);
      this.count();
      return true;
    });
  }

  /** Takes the last label back; its pair comes next. Null where there is none. */
  undo(): Promise<{ draft: Draft; words: string } | null> {
    return this.inTurn(async () => {
      const label = (await this.store.undo()).at(0);
      this.count();
      if (!label) return null;
      this.again.push({ pair: label.pair, shown: label.shown, repeat: label.repeat === true });
      return { draft: draftOf(label), words: labelWords(label) };
    });
  }

  /** A part of a pair that was sent, in full. */
  whole(key: string, part: Part): string | undefined {
    const showing = this.offered.get(key);
    const pair = showing && this.pairs.get(showing.pair);
    return pair && wholeText(pair, showing, part);
  }

  /** Reads what changed on the disk: pairs, labels of others and of other windows, the guideline. True where it did. */
  refresh(): boolean {
    const grown = this.store.refresh();
    if (this.signature !== this.diskSignature()) {
      this.read();
      return true;
    }
    if (grown) this.count();
    return grown;
  }

  private read(): void {
    this.signature = this.diskSignature();
    const { pairs, faults } = readPairs(join(this.labelsFolder, PAIRS_FILE));
    const labels = readLabels(this.labelsFolder);
    this.pairs = new Map(pairs.map((pair) => [pair.id, pair]));
    this.order = labelingOrder([...this.pairs.keys()], this.annotator);
    this.everyone = labels.rows;
    const own = new Set(this.store.rows().map(({ id }) => id));
    this.elsewhere = labels.rows.filter(({ annotator, id }) => annotator === this.annotator && !own.has(id));
    this.faults = [...faults, ...labels.faults].map(
      ({ file, line, message, hint }) => `${this.name(file)}:${line}: ${message}; ${hint}`,
    );
    this.guide = this.readGuideline();
    this.count();
  }

  private count(): void {
    this.queue = labelingQueue(this.order, [...this.elsewhere, ...this.store.rows()], this.annotator);
  }

  private mine(): Label[] {
    return standingLabels(this.store.rows()).filter(({ annotator }) => annotator === this.annotator);
  }

  private isLeft(showing: Showing): boolean {
    return this.queue.left.some((other) => sameShowing(other, showing));
  }

  /** A key that is the same after a reload, and another one when the pair is shown again. */
  private offer(showing: Showing): string {
    const attempts = this.store.rows().filter((row) => row.pair === showing.pair && 'value' in row).length;
    const key = `${showing.pair}:${showing.repeat ? 'again' : 'first'}:${attempts}`;
    this.offered.set(key, showing);
    return key;
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.turn.then(action);
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  private readGuideline(): { guideline: Guideline | null; fault: string | null } {
    const file = this.options.guideline;
    if (file === null) return { guideline: null, fault: null };
    try {
      return { guideline: readGuideline(file), fault: null };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const place = [this.name(file), error.line].filter((part) => part !== undefined).join(':');
      return { guideline: null, fault: `${place}: ${error.message}. ${error.hint ?? ''}`.trim() };
    }
  }

  /** The version that labels name stays in the project. */
  private keepGuideline(): void {
    const { guideline } = this.guide;
    const file = this.options.guideline;
    if (!guideline || file === null) return;
    const source = readFileSync(file, 'utf8');
    if (parseGuideline(source, file).hash === guideline.hash) keepGuideline(this.labelsFolder, source, guideline);
  }

  /** Sizes and times of all that is read but this annotator's own file, which the store follows by itself. */
  private diskSignature(): string {
    const stamp = (file: string): string => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat ? `${file} ${stat.size} ${stat.mtimeMs}` : `${file} -`;
    };
    let names: string[] = [];
    try {
      names = readdirSync(this.labelsFolder).filter((name) => name.endsWith('.jsonl'));
    } catch {
      // No folder yet: no pairs.
    }
    const files = names.map((name) => join(this.labelsFolder, name)).filter((file) => file !== this.store.file);
    return [...files, ...(this.options.guideline === null ? [] : [this.options.guideline])].map(stamp).join('\n');
  }

  private name(file: string): string {
    return relative(this.options.folder, file);
  }
}

function sameShowing(one: Showing, other: Showing): boolean {
  return one.pair === other.pair && one.repeat === other.repeat;
}

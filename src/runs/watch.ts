import * as fs from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runsFolderOf } from './create';
import { RunDir } from './directory';
import { isMissing, namesIn } from './files';
import { byNewest, isActive } from './format';
import { readRunInfo, type RunInfo } from './registry';
import { liveState } from './state';
import type { JsonlTail, TailEvent } from './tail';

export interface WatchOptions {
  /** Between two looks; notifications of the system come sooner where they work (they do not on some remotes). */
  pollMs?: number;
  /** Use the system's notifications; default true. */
  notify?: boolean;
  /** A file that could not be read; the next look tries again. */
  onError?: (error: unknown) => void;
}

const POLL_MS = 1_000;
/** Notifications come in bursts. */
const SETTLE_MS = 50;

/** Calls `onChange` with the name that changed in `folder`, where the system can tell; never throws. */
function notifications(folder: string, onChange: (name: string | null) => void): fs.FSWatcher | undefined {
  try {
    const watcher = fs.watch(folder, { persistent: false }, (_event, name) => onChange(name));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** Follows one JSONL file and hands on what comes. */
export class JsonlFollower<T> {
  private timer: NodeJS.Timeout | undefined;
  private readonly poll: NodeJS.Timeout;
  private readonly watcher: fs.FSWatcher | undefined;
  private ended = false;

  constructor(
    private readonly tail: JsonlTail<T>,
    private readonly onEvent: (event: TailEvent<T>) => void,
    private readonly options: WatchOptions = {},
  ) {
    const name = tail.path.slice(join(tail.path, '..').length + 1);
    if (options.notify ?? true)
      this.watcher = notifications(join(tail.path, '..'), (changed) => {
        if (changed === null || changed === name) this.soon(SETTLE_MS);
      });
    this.poll = setInterval(() => this.soon(0), options.pollMs ?? POLL_MS).unref();
    this.soon(0);
  }

  dispose(): void {
    this.ended = true;
    clearInterval(this.poll);
    clearTimeout(this.timer);
    this.watcher?.close();
  }

  private read(): TailEvent<T> | undefined {
    try {
      return this.tail.read();
    } catch (error) {
      this.options.onError?.(error);
      return undefined;
    }
  }

  private soon(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const event = this.read();
      if (event) this.onEvent(event);
      if (event?.more && !this.ended) this.soon(0);
    }, ms).unref();
  }
}

export interface RunChange {
  kind: 'added' | 'changed' | 'removed';
  info: RunInfo;
}

interface Watched {
  info: RunInfo;
  /** Of run.json: tells whether it has to be read again. */
  stamp: string;
  /** What listeners can see of it: all but the heartbeat. */
  shown: string;
  watcher?: fs.FSWatcher | undefined;
}

function shownOf(info: RunInfo): string {
  return JSON.stringify([{ ...info.run, heartbeat: null }, info.state]);
}

/** Ended runs are looked at in turn, all of them within this many looks: a run may be revived by another program. */
const ENDED_TURNS = 4;

/**
 * Watches the runs of a config folder. A look costs one listing, a stat for each living run and for a quarter of the
 * ended ones; run.json is read only where it changed.
 */
export class RunWatcher {
  private readonly runsFolder: string;
  private readonly watched = new Map<string, Watched>();
  private readonly listeners = new Set<(changes: readonly RunChange[]) => void>();
  private poller: NodeJS.Timeout | undefined;
  private hurry: NodeJS.Timeout | undefined;
  private folderWatcher: fs.FSWatcher | undefined;
  private looking: Promise<readonly RunChange[]> | undefined;
  private turn = 0;
  private ended = false;

  constructor(
    folder: string,
    private readonly options: WatchOptions = {},
  ) {
    this.runsFolder = runsFolderOf(folder);
  }

  /** Known runs, the newest first. */
  get runs(): readonly RunInfo[] {
    return [...this.watched.values()].map(({ info }) => info).sort(byNewest);
  }

  /** Calls `listener` with the changes of each look that found any. Returns what takes it off again. */
  onChange(listener: (changes: readonly RunChange[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Begins to look by itself; the promise is kept once the runs that are there now are known. */
  async start(): Promise<void> {
    this.poller ??= setInterval(() => this.lookLater(), this.options.pollMs ?? POLL_MS).unref();
    await this.look(true);
  }

  dispose(): void {
    this.ended = true;
    clearInterval(this.poller);
    clearTimeout(this.hurry);
    this.folderWatcher?.close();
    for (const entry of this.watched.values()) entry.watcher?.close();
    this.listeners.clear();
  }

  /** Looks once, at `all` runs or at those whose turn it is. Calls that come while one is under way share it. */
  async look(all = false): Promise<readonly RunChange[]> {
    this.looking ??= this.lookOnce(all).finally(() => (this.looking = undefined));
    return await this.looking;
  }

  private lookLater(): void {
    this.look().catch((error: unknown) => this.options.onError?.(error));
  }

  private async lookOnce(all: boolean): Promise<readonly RunChange[]> {
    const names = namesIn(this.runsFolder).filter((name) => !name.startsWith('.'));
    if (names.length > 0) this.watchFolder();
    const changes: RunChange[] = [];
    const present = new Set(names);
    for (const [name, entry] of this.watched) {
      if (!present.has(name)) changes.push(this.remove(name, entry));
    }
    this.turn = (this.turn + 1) % ENDED_TURNS;
    const due = names.filter((name, index) => {
      const entry = this.watched.get(name);
      return all || entry === undefined || isActive(entry.info.state) || index % ENDED_TURNS === this.turn;
    });
    const found = await Promise.all(due.map((name) => this.lookAt(name)));
    for (const change of found) if (change) changes.push(change);
    if (changes.length > 0 && !this.ended) for (const listener of [...this.listeners]) listener(changes);
    return changes;
  }

  private async lookAt(name: string): Promise<RunChange | undefined> {
    const dir = new RunDir(join(this.runsFolder, name));
    const entry = this.watched.get(name);
    let stamp: string;
    try {
      const { mtimeMs, size, ino } = await stat(dir.runFile);
      stamp = `${mtimeMs} ${size} ${ino}`;
    } catch (error) {
      if (isMissing(error)) return entry ? this.remove(name, entry) : undefined;
      throw error;
    }
    if (entry?.stamp === stamp) return this.lookAtProcess(entry);
    const info = readRunInfo(dir);
    if (info === undefined) return undefined;
    const shown = shownOf(info);
    const next: Watched = { info, stamp, shown, watcher: this.watchRun(entry, info) };
    this.watched.set(name, next);
    return entry?.shown === shown ? undefined : { kind: entry ? 'changed' : 'added', info };
  }

  /** run.json is as it was, but its process may have died. */
  private lookAtProcess(entry: Watched): RunChange | undefined {
    const state = liveState(entry.info.run);
    if (state === entry.info.state) return undefined;
    entry.info = { ...entry.info, state };
    entry.shown = shownOf(entry.info);
    entry.watcher = this.watchRun(entry, entry.info);
    return { kind: 'changed', info: entry.info };
  }

  private remove(name: string, entry: Watched): RunChange {
    entry.watcher?.close();
    this.watched.delete(name);
    return { kind: 'removed', info: entry.info };
  }

  private watchRun(entry: Watched | undefined, info: RunInfo): fs.FSWatcher | undefined {
    const wanted = isActive(info.state) && this.poller !== undefined && (this.options.notify ?? true) && !this.ended;
    if (!wanted) entry?.watcher?.close();
    if (!wanted || entry?.watcher) return wanted ? entry?.watcher : undefined;
    return notifications(info.dir.path, (name) => {
      if (name === null || name === 'run.json') this.soon();
    });
  }

  private watchFolder(): void {
    if (this.folderWatcher || this.poller === undefined || !(this.options.notify ?? true) || this.ended) return;
    this.folderWatcher = notifications(this.runsFolder, () => this.soon());
  }

  private soon(): void {
    this.hurry ??= setTimeout(() => {
      this.hurry = undefined;
      if (!this.ended) this.lookLater();
    }, SETTLE_MS).unref();
  }
}

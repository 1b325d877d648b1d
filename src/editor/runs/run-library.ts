import { resolve } from 'node:path';
import { messageOf } from '../../config/errors';
import { byNewest, isActive, isEventRow, isMetricsRow, isSampleRow } from '../../runs/format';
import type { EventRow, MetricsRow, SampleRow } from '../../runs/format';
import type { RunInfo } from '../../runs/registry';
import type { RunChange, RunWatcher } from '../../runs/watch';
import { core, type Core } from '../loading';
import type { RunFacts } from './run-words';

type Listener<T> = (value: T) => void;

/** A run as the editor knows it. Rows are there from the first read on, and grow while the run trains. */
export interface KnownRun extends RunFacts {
  readonly info: RunInfo;
  readonly rows: readonly MetricsRow[];
  readonly events: readonly EventRow[];
  readonly samples: readonly SampleRow[];
}

interface Entry extends KnownRun {
  info: RunInfo;
  rows: MetricsRow[];
  events: EventRow[];
  samples: SampleRow[];
  /** Who wants the rows; they are read while this is above zero, or the run is active, or the latest of its stage. */
  wanted: number;
  latest: boolean;
  followers: { dispose(): void }[];
}

/** A config folder whose runs are followed. */
interface Folder {
  readonly watcher: Promise<RunWatcher>;
  loaded: boolean;
}

class Signal<T> {
  private readonly listeners = new Set<Listener<T>>();

  on(listener: Listener<T>): { dispose(): void } {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}

/** Rows of one run that came: new ones at the end, or `reset` where the file was cut and all are given anew. */
export interface RowsChange {
  readonly run: KnownRun;
  readonly reset: boolean;
}

/**
 * All runs of the config folders that the window knows, in memory. It reads what run directories hold and answers from
 * memory alone, so that lenses and trees never wait for a disk.
 */
export class RunLibrary {
  private readonly folders = new Map<string, Folder>();
  private readonly entries = new Map<string, Entry>();
  /** There from the first run on, which it reads. */
  private parts: Core | undefined;
  private disposed = false;
  private readonly changed = new Signal<readonly KnownRun[]>();
  private readonly grown = new Signal<RowsChange>();

  /** Runs came, went or changed. */
  readonly onRuns = (listener: Listener<readonly KnownRun[]>) => this.changed.on(listener);
  /** Rows of metrics, events or samples came. */
  readonly onRows = (listener: Listener<RowsChange>) => this.grown.on(listener);

  constructor(private readonly onProblem: (message: string) => void) {}

  /** Begins to follow the runs of a config folder; again for one that is followed already is free. */
  follow(folder: string): void {
    const key = resolve(folder);
    if (this.folders.has(key)) return;
    const state: Folder = { watcher: core().then((parts) => this.watch(key, parts)), loaded: false };
    this.folders.set(key, state);
    state.watcher
      .then((watcher) => watcher.start())
      .then(
        () => {
          state.loaded = true;
          this.changed.fire([]);
        },
        (error: unknown) => {
          state.loaded = true;
          this.onProblem(`The runs of ${key} could not be read: ${messageOf(error)}`);
        },
      );
  }

  /** True once the runs of the folder are known. */
  loaded(folder: string): boolean {
    return this.folders.get(resolve(folder))?.loaded ?? false;
  }

  get allLoaded(): boolean {
    return [...this.folders.values()].every(({ loaded }) => loaded);
  }

  /** Looks at the disk at once instead of at the next turn. */
  async refresh(): Promise<void> {
    await Promise.all([...this.folders.values()].map(async ({ watcher }) => (await watcher).look(true)));
  }

  /** All runs, the newest first. */
  get all(): readonly KnownRun[] {
    return [...this.entries.values()].sort((a, b) => byNewest(a.info, b.info));
  }

  get(id: string): KnownRun | undefined {
    return this.entries.get(id);
  }

  /** The runs of a config file's stage, the newest first. */
  of(configFile: string, stage: string): KnownRun[] {
    return this.all.filter(({ run, info }) => run.stage === stage && configFileOf(info) === resolve(configFile));
  }

  /** Keeps a run's rows in memory, and up to date, until the returned handle is disposed. */
  want(id: string): { dispose(): void } {
    const entry = this.entries.get(id);
    if (!entry) return { dispose: () => undefined };
    entry.wanted++;
    this.adjust(entry);
    let done = false;
    return {
      dispose: () => {
        if (done) return;
        done = true;
        entry.wanted--;
        this.adjust(entry);
      },
    };
  }

  dispose(): void {
    this.disposed = true;
    for (const { watcher } of this.folders.values()) void watcher.then((made) => made.dispose()).catch(() => undefined);
    for (const entry of this.entries.values()) this.unfollow(entry);
    this.folders.clear();
    this.entries.clear();
  }

  private watch(folder: string, parts: Core): RunWatcher {
    this.parts = parts;
    const watcher = new parts.RunWatcher(folder);
    watcher.onChange((changes: readonly RunChange[]) => {
      const touched = changes.map(({ kind, info }) => (kind === 'removed' ? this.drop(info) : this.put(info)));
      this.readLatest();
      this.changed.fire(touched);
    });
    return watcher;
  }

  private put(info: RunInfo): KnownRun {
    let entry = this.entries.get(info.id);
    if (entry) {
      entry.info = info;
    } else {
      entry = newEntry(info);
      this.entries.set(info.id, entry);
    }
    this.adjust(entry);
    return entry;
  }

  private drop(info: RunInfo): KnownRun {
    const entry = this.entries.get(info.id) ?? newEntry(info);
    this.unfollow(entry);
    this.entries.delete(info.id);
    return entry;
  }

  /** The newest run of each stage has a lens, which needs its rows. */
  private readLatest(): void {
    const seen = new Set<string>();
    for (const { run, info } of this.all) {
      const key = `${configFileOf(info)}\n${run.stage}`;
      const entry = this.entries.get(run.id);
      if (entry) {
        entry.latest = !seen.has(key);
        this.adjust(entry);
      }
      seen.add(key);
    }
  }

  private adjust(entry: Entry): void {
    const wanted = entry.wanted > 0 || entry.latest || isActive(entry.state);
    if (wanted && entry.followers.length === 0) this.followFiles(entry);
    if (!wanted && entry.followers.length > 0) this.unfollow(entry);
  }

  private followFiles(entry: Entry): void {
    const { dir } = entry.info;
    if (!this.parts || this.disposed) return;
    const { JsonlFollower, JsonlTail } = this.parts;
    const take = <T>(rows: T[]) => {
      let first = rows.length > 0;
      return (event: { reset: boolean; rows: T[] }) => {
        const reset = event.reset || first;
        first = false;
        if (reset) rows.length = 0;
        for (const row of event.rows) rows.push(row);
        this.grown.fire({ run: entry, reset });
      };
    };
    entry.followers = [
      new JsonlFollower(new JsonlTail(dir.metricsFile, isMetricsRow), take(entry.rows)),
      new JsonlFollower(new JsonlTail(dir.eventsFile, isEventRow), take(entry.events)),
      new JsonlFollower(new JsonlTail(dir.samplesFile, isSampleRow), take(entry.samples)),
    ];
  }

  private unfollow(entry: Entry): void {
    for (const follower of entry.followers) follower.dispose();
    entry.followers = [];
  }
}

function newEntry(info: RunInfo): Entry {
  return {
    info,
    rows: [],
    events: [],
    samples: [],
    wanted: 0,
    latest: true,
    followers: [],
    get run() {
      return this.info.run;
    },
    get state() {
      return this.info.state;
    },
  };
}

/** The absolute path of the config file that a run came from. */
export function configFileOf(info: RunInfo): string {
  return resolve(info.dir.folder, info.run.config_file);
}

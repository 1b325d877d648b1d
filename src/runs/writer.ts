import * as fs from 'node:fs';
import { join } from 'node:path';
import { messageOf, UserError } from '../config/errors';
import { sweepCheckpoints } from './checkpoints';
import { ControlInbox } from './control';
import type { RunDir } from './directory';
import { replaceFile, replaceFileLater, sweepTemporaries, toJson } from './files';
import {
  FORMAT_VERSION,
  isActive,
  type EventRow,
  type MetricsRow,
  type MetricValue,
  type RunError,
  type RunFile,
  type RunState,
  type SampleRow,
} from './format';
import { JsonlWriter } from './jsonl';
import { lockRun, type RunLock } from './lock';
import { ownIdentity } from './process';
import { HEARTBEAT_MS } from './state';

/** Lengths of the JSONL files in bytes, as a checkpoint records them. */
export interface RunOffsets {
  metrics: number;
  samples: number;
  events: number;
}

/** Where a process takes a run up. */
export interface StartPoint {
  /** Cuts the JSONL files to what the checkpoint recorded; all zero for a fresh start. Default: nothing is cut. */
  offsets?: RunOffsets;
  /** The step of the checkpoint. */
  step?: number;
}

export interface WriterOptions extends StartPoint {
  /** As `offsets` and `step`, asked under the lock, after what a killed process left has been cleared. */
  from?: () => StartPoint;
  heartbeatMs?: number;
}

/** The offsets of a run that begins at its beginning, and of a branch. */
export const NO_OFFSETS: RunOffsets = { metrics: 0, samples: 0, events: 0 };

/** What may change in run.json while a run works. */
export type RunPatch = Partial<
  Pick<RunFile, 'reason' | 'step' | 'steps' | 'device' | 'stage_hash' | 'inputs' | 'result' | 'error'>
>;

/** Kept free while a run works, so that a full disk still takes the message that says so. */
const RESERVE_BYTES = 1 << 16;
/** Progress alone reaches run.json at most this often; metrics.jsonl has every step. */
const PROGRESS_MS = 1_000;

/**
 * The only writer of a run directory, held by the trainer. While it is open, run.json names this process and its
 * heartbeat is renewed. Calls reach the disk before they return, but for progress and heartbeats.
 */
export class RunWriter {
  private current: RunFile;
  private written = 0;
  /** Counts what must reach the disk in order, so that a heartbeat under way does not undo it. */
  private version = 0;
  private writing = false;
  private readonly timer: NodeJS.Timeout;
  private closed = false;
  private broken: Error | undefined;

  private constructor(
    readonly dir: RunDir,
    private readonly lock: RunLock,
    private readonly files: Record<keyof RunOffsets, JsonlWriter>,
    heartbeatMs: number,
  ) {
    this.current = dir.readRun();
    this.timer = setInterval(() => void this.writeLater(), heartbeatMs).unref();
  }

  /**
   * Takes the run: lock, JSONL files (cut on resume), and this process's identity in run.json with state `queued`.
   * Throws a UserError where another process has it or the files do not fit the checkpoint.
   */
  static open(dir: RunDir, options: WriterOptions = {}): RunWriter {
    const lock = lockRun(dir);
    const opened: JsonlWriter[] = [];
    const open = (path: string): JsonlWriter => {
      const file = new JsonlWriter(path);
      opened.push(file);
      return file;
    };
    try {
      sweepTemporaries(dir.path);
      sweepCheckpoints(dir);
      const start = options.from?.() ?? options;
      const files = {
        metrics: open(dir.metricsFile),
        samples: open(dir.samplesFile),
        events: open(dir.eventsFile),
      };
      const writer = new RunWriter(dir, lock, files, options.heartbeatMs ?? HEARTBEAT_MS);
      try {
        if (start.offsets) writer.cutTo(start.offsets);
        writer.reserve();
        if (writer.current.pid !== null) writer.dropOldRequests();
        const identity = ownIdentity();
        Object.assign(writer.current, {
          pid: identity.pid,
          process_start: identity.start,
          host: identity.host,
          step: start.step ?? writer.current.step,
          ended: null,
          error: null,
        });
        writer.setState('queued');
        return writer;
      } catch (error) {
        clearInterval(writer.timer);
        throw error;
      }
    } catch (error) {
      opened.forEach((file) => file.close());
      lock.release();
      throw error;
    }
  }

  /** run.json as this process last meant it. */
  get run(): Readonly<RunFile> {
    return this.current;
  }

  /** Cuts the JSONL files to a checkpoint's offsets. A kill in between is made good by the next resume. */
  cutTo(offsets: RunOffsets): void {
    for (const name of ['metrics', 'samples', 'events'] as const) this.files[name].truncateTo(offsets[name]);
  }

  /** Lengths of the JSONL files after all rows are on the disk. For checkpoints. */
  offsets(): RunOffsets {
    this.flush();
    return {
      metrics: this.files.metrics.offset,
      samples: this.files.samples.offset,
      events: this.files.events.offset,
    };
  }

  /** Changes the state, with a reason in words. */
  setState(state: RunState, patch: RunPatch = {}): void {
    const now = new Date().toISOString();
    this.current = { ...this.current, reason: null, ...patch, state };
    if (state === 'running' && this.current.started === null) this.current.started = now;
    this.current.ended = isActive(state) ? null : now;
    this.write();
  }

  /** Changes other fields of run.json at once. */
  update(patch: RunPatch): void {
    this.current = { ...this.current, ...patch };
    this.write();
  }

  /** Optimizer steps done. Reaches run.json within a second or with the next heartbeat. */
  progress(step: number): void {
    this.current = { ...this.current, step };
    if (Date.now() - this.written >= PROGRESS_MS) void this.writeLater();
  }

  /** Appends a row of metrics. A number that is not finite becomes null. */
  metrics(step: number, values: Record<string, MetricValue>, time = Date.now()): void {
    this.checkFolder();
    const row: MetricsRow = { step, time, ...values };
    this.files.metrics.append(row);
  }

  sample(sample: Omit<SampleRow, 'v' | 'time'> & { time?: number; step: number; prompt: SampleRow['prompt'] }): void {
    this.files.samples.append({ v: FORMAT_VERSION, time: Date.now(), ...sample });
  }

  /** Appends an event at the current step. */
  event(event: string, details: { message?: string; step?: number } & Record<string, unknown> = {}): void {
    const row: EventRow = { v: FORMAT_VERSION, time: Date.now(), step: this.current.step, event, ...details };
    this.files.events.append(row);
  }

  /** Waits until all rows are on the disk. */
  flush(): void {
    for (const file of Object.values(this.files)) file.flush();
  }

  /** Writes environment.json. */
  environment(value: unknown): void {
    replaceFile(this.dir.environmentFile, toJson(value));
  }

  /**
   * Ends the run: last state, event and error reach the disk even where it is full, the lock is released.
   * Calling it again does nothing.
   */
  close(state: Extract<RunState, 'done' | 'stopped' | 'failed'>, patch: RunPatch = {}): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.releaseReserve();
    try {
      if (patch.error) this.event('error', { ...patch.error });
      this.flush();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // run.json below says it as well.
    } finally {
      Object.values(this.files).forEach((file) => file.close());
      try {
        this.setState(state, patch);
      } finally {
        this.lock.release();
      }
    }
  }

  /** Ends the run as failed, with what was thrown as its error. */
  fail(thrown: unknown): void {
    this.close('failed', { error: runError(thrown) });
  }

  private write(): void {
    this.version++;
    this.current.heartbeat = new Date().toISOString();
    replaceFile(this.dir.runFile, toJson(this.current));
    this.written = Date.now();
    this.broken = undefined;
  }

  /** Heartbeat and progress: a sync of the disk takes long enough to be felt in every step. */
  private async writeLater(): Promise<void> {
    if (this.writing || this.closed) return;
    this.writing = true;
    this.written = Date.now();
    this.current.heartbeat = new Date().toISOString();
    const version = this.version;
    try {
      const wanted = (): boolean => version === this.version && !this.closed;
      if (await replaceFileLater(this.dir.runFile, toJson(this.current), wanted)) this.broken = undefined;
    } catch (error) {
      // Thrown from here it would end the process: the next row reports it, if it still holds then.
      this.broken = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.writing = false;
    }
  }

  private checkFolder(): void {
    if (this.broken === undefined) return;
    if (!this.dir.exists()) {
      throw new UserError(`The folder of run ${this.dir.id} was removed while it ran.`, {
        hint: 'Start the stage again.',
        file: this.dir.path,
      });
    }
    throw this.broken;
  }

  /** A `stop` that came too late for the process before must not stop this one. */
  private dropOldRequests(): void {
    const dropped = new ControlInbox(this.dir).dropBefore(Date.now() - process.uptime() * 1000);
    if (dropped > 0) this.event('control_dropped', { message: `${dropped} requests to a former process` });
  }

  private get reserveFile(): string {
    return join(this.dir.path, '.reserve');
  }

  private reserve(): void {
    replaceFile(this.reserveFile, new Uint8Array(RESERVE_BYTES).fill(1));
  }

  private releaseReserve(): void {
    fs.rmSync(this.reserveFile, { force: true });
  }
}

/** What was thrown, as run.json keeps it. */
export function runError(thrown: unknown): RunError {
  if (!(thrown instanceof UserError)) return { message: messageOf(thrown) };
  return {
    message: thrown.message,
    hint: thrown.hint ?? null,
    file: thrown.file ?? null,
    line: thrown.line ?? null,
  };
}

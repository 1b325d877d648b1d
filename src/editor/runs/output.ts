import * as fs from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import * as vscode from 'vscode';
import { isActive } from '../../runs/format';
import type { EditorContext } from '../context';
import type { KnownRun } from './run-library';

const POLL_MS = 500;
/** Of a long log only the end is read. */
const MOST_BYTES = 1 << 20;

let followers: Map<string, LogFollower> | undefined;

/** An output channel for each run whose log was opened, following log.txt. */
export function register(_context: EditorContext): vscode.Disposable {
  const mine = new Map<string, LogFollower>();
  followers = mine;
  return new vscode.Disposable(() => {
    for (const follower of mine.values()) follower.dispose();
    followers = undefined;
  });
}

/** Shows the log of a run in the output panel. */
export function openLog(context: EditorContext, run: KnownRun, preserveFocus = true): void {
  let follower = followers?.get(run.run.id);
  if (!follower) {
    follower = new LogFollower(run.run.id, run.info.dir.logFile, () => {
      const known = context.runs.get(run.run.id);
      return known !== undefined && isActive(known.state);
    });
    followers?.set(run.run.id, follower);
  }
  follower.show(preserveFocus);
}

class LogFollower implements vscode.Disposable {
  private readonly channel: vscode.OutputChannel;
  private readonly timer: NodeJS.Timeout;
  private decoder = new StringDecoder('utf8');
  private offset = 0;
  private reading = false;
  private empty = false;

  constructor(
    id: string,
    private readonly file: string,
    private readonly alive: () => boolean,
  ) {
    this.channel = vscode.window.createOutputChannel(`Alignment Lab: ${id}`, 'log');
    this.timer = setInterval(() => {
      if (this.alive()) void this.read();
    }, POLL_MS);
    void this.read();
  }

  show(preserveFocus: boolean): void {
    void this.read();
    this.channel.show(preserveFocus);
  }

  dispose(): void {
    clearInterval(this.timer);
    this.channel.dispose();
  }

  private async read(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const { size } = await fs.stat(this.file);
      if (size < this.offset) {
        this.channel.clear();
        this.offset = 0;
        this.decoder = new StringDecoder('utf8');
      }
      if (size === this.offset) return;
      if (size - this.offset > MOST_BYTES) this.offset = size - MOST_BYTES;
      const handle = await fs.open(this.file, 'r');
      try {
        const bytes = Buffer.alloc(size - this.offset);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, this.offset);
        this.offset += bytesRead;
        this.channel.append(this.decoder.write(bytes.subarray(0, bytesRead)));
      } finally {
        await handle.close();
      }
    } catch {
      // No log yet: the next look finds it. An ended run will get none.
      if (!this.alive() && !this.empty) {
        this.empty = true;
        this.channel.appendLine('This run wrote no log.');
      }
    } finally {
      this.reading = false;
    }
  }
}

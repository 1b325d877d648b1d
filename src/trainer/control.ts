import { setTimeout as delay } from 'node:timers/promises';
import { ControlInbox } from '../runs/control';
import type { ControlVerb } from '../runs/format';
import type { RunWriter } from '../runs/writer';

/** What is asked of the loop before its next step. */
export interface Wish {
  stop: boolean;
  evaluate: boolean;
  checkpoint: boolean;
  /** No step may follow: ask again. */
  paused: boolean;
}

const POLL_MS = 100;

/** Requests from `control/` and from signals. While paused it waits here. */
export class Control {
  private readonly inbox: ControlInbox;
  /** Not yet handed to the loop: from signals, or asked for before the run's turn. */
  private readonly kept: ControlVerb[] = [];
  private paused = false;

  constructor(private readonly writer: RunWriter) {
    this.inbox = new ControlInbox(writer.dir, ({ name, reason }) =>
      writer.event('control_refused', { message: `${name}: ${reason}` }),
    );
    // Windows has no such signals; there the folder is the only way.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.kept.push('stop'));
  }

  private take(): ControlVerb[] {
    return [...this.kept.splice(0), ...this.inbox.drain().map(({ verb }) => verb)];
  }

  /** What was asked for since the last call. While paused it waits until there is something to do. */
  async next(step: number): Promise<Wish> {
    const wish: Wish = { stop: false, evaluate: false, checkpoint: false, paused: false };
    for (;;) {
      for (const verb of this.take()) {
        if (verb === 'pause') this.paused = true;
        else if (verb === 'resume') this.paused = false;
        else if (verb !== 'start') wish[verb] = true;
        if (verb !== 'stop') this.writer.event('control', { verb, step });
      }
      wish.paused = this.paused && !wish.stop;
      if (wish.paused !== (this.writer.run.state === 'paused'))
        this.writer.setState(wish.paused ? 'paused' : 'running');
      if (!wish.paused || wish.evaluate || wish.checkpoint) return wish;
      await delay(POLL_MS);
    }
  }

  /** For the wait before the run's turn: `stop` and `start`; other requests are kept for the loop. */
  waiting(): { stop: boolean; start: boolean } {
    const verbs = this.take();
    this.kept.push(...verbs.filter((verb) => verb !== 'stop' && verb !== 'start'));
    return { stop: verbs.includes('stop'), start: verbs.includes('start') };
  }
}

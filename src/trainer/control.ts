import { setTimeout as delay } from 'node:timers/promises';
import { ControlInbox } from '../runs/control';
import type { ControlVerb } from '../runs/format';
import type { RunWriter } from '../runs/writer';

/** What is asked of the loop before its next step. */
export interface Wish {
  stop: boolean;
  evaluate: boolean;
  checkpoint: boolean;
}

const POLL_MS = 100;

/** Requests from `control/` and from signals. While paused it waits here. */
export class Control {
  private readonly inbox: ControlInbox;
  /** Not yet handed to the loop: from signals, or asked for before the run's turn. */
  private readonly kept: ControlVerb[] = [];

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

  /** What was asked for since the last call, after any pause. */
  async next(step: number): Promise<Wish> {
    const wish: Wish = { stop: false, evaluate: false, checkpoint: false };
    let paused = false;
    for (;;) {
      for (const verb of this.take()) {
        if (verb === 'pause') paused = true;
        else if (verb === 'resume') paused = false;
        else if (verb !== 'start') wish[verb] = true;
        if (verb !== 'stop') this.writer.event('control', { verb, step });
      }
      const held = paused && !wish.stop;
      if (held !== (this.writer.run.state === 'paused')) this.writer.setState(held ? 'paused' : 'running');
      if (!held) return wish;
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

import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from '../runs/control';
import type { RunDir } from '../runs/directory';
import { isActive, isEventRow, isMetricsRow, isSampleRow, type EventRow, type MetricsRow } from '../runs/format';
import { readRunInfo, type RunInfo } from '../runs/registry';
import { JsonlTail, type TailEvent } from '../runs/tail';
import type { Output } from './command';
import { EXIT, type ExitCode } from './exit';
import { Interrupt } from './interrupt';
import { duration, figure } from './numbers';
import { isEvaluation, Progress, progressLine } from './progress';
import { StatusLine } from './status-line';
import { plain, styled } from './terminal';

const POLL_MS = 150;
/** Plain lines come at most this often, and at every evaluation. */
const PLAIN_MS = 5_000;

/** The events that a person hears of, and the word before each. */
const TOLD: ReadonlyMap<string, string> = new Map([
  ['warning', 'warning'],
  ['alarm', 'alarm'],
  ['data_doctor', 'data'],
  ['early_stop', 'early stop'],
  ['kl_stop', 'early stop'],
  ['control_refused', 'control refused'],
  ['pairs', 'pairs'],
  ['report', 'report'],
]);

/**
 * Follows a run to its end and returns the exit code that fits it. Ctrl-C once asks the run to stop, twice leaves it to
 * itself. On a terminal one line moves; else lines come now and then; with --json every row is a line.
 */
export async function follow(dir: RunDir, output: Output): Promise<ExitCode> {
  return await new Follower(dir, output).run();
}

class Follower {
  private readonly progress: Progress;
  private readonly status: StatusLine;
  private readonly metrics: JsonlTail<MetricsRow>;
  private readonly events: JsonlTail<EventRow>;
  private readonly samples;
  private readonly began = performance.now();
  private said = -Infinity;
  private lastLine = '';

  constructor(
    private readonly dir: RunDir,
    private readonly output: Output,
  ) {
    this.progress = new Progress(dir.readRun().stage);
    this.status = new StatusLine(output.json ? output.err : output.out);
    this.metrics = new JsonlTail(dir.metricsFile, isMetricsRow);
    this.events = new JsonlTail(dir.eventsFile, isEventRow);
    this.samples = new JsonlTail(dir.samplesFile, isSampleRow);
    // What a former process wrote is not told again.
    for (let event = this.metrics.read(); event; event = event.more ? this.metrics.read() : undefined)
      this.progress.add(event.rows, event.reset);
    while (this.events.read()?.more);
    while (this.samples.read()?.more);
  }

  async run(): Promise<ExitCode> {
    const { dir, output } = this;
    if (output.json) output.line({ type: 'run', run: dir.id, folder: dir.path, stage: this.progress.stage });
    else output.say(styled(output.out, 'dim', `${dir.id}  in ${relative('', dir.path) || '.'}`));
    const interrupt = new Interrupt((presses) => this.interrupted(presses));
    try {
      for (;;) {
        const info = readRunInfo(dir);
        const evaluated = this.read();
        if (!info) return this.lost();
        if (interrupt.count > 1) return this.detached(info);
        if (!isActive(info.state)) {
          // Rows may have come between the two looks; the last evaluation of a quick run comes here.
          if (this.read() || evaluated) this.show(info, true);
          return this.ended(info);
        }
        this.show(info, evaluated);
        await delay(POLL_MS);
      }
    } finally {
      interrupt.close();
      this.status.clear();
    }
  }

  private interrupted(presses: number): void {
    this.status.clear();
    if (presses > 1) return;
    const words = 'Stopping after this step, with a checkpoint. Ctrl-C again leaves the run to itself.';
    this.output.note(words);
    try {
      request(this.dir, 'stop');
    } catch {
      // It ended in this moment, which the next look finds.
    }
  }

  /** Takes in what is new; true where an evaluation is in it. */
  private read(): boolean {
    const { output } = this;
    let evaluated = false;
    drain(this.metrics, ({ rows, reset }) => {
      this.progress.add(rows, reset);
      evaluated ||= rows.some(isEvaluation);
      if (output.json) for (const row of rows) output.line({ type: 'metrics', run: this.dir.id, ...row });
    });
    drain(this.events, ({ rows }) => {
      for (const row of rows) {
        if (output.json) output.line({ type: 'event', run: this.dir.id, ...row });
        else this.tell(row);
      }
    });
    drain(this.samples, ({ rows }) => {
      if (output.json) for (const row of rows) output.line({ type: 'sample', run: this.dir.id, ...row });
    });
    return evaluated;
  }

  private tell({ event, step, message }: EventRow): void {
    const word = TOLD.get(event);
    if (word === undefined || message === undefined) return;
    this.status.clear();
    const style = event === 'warning' || event === 'alarm' ? 'yellow' : 'dim';
    const place = event === 'alarm' ? ` at step ${step}` : '';
    this.output.note(`${styled(this.output.err, style, `${word}${place}`)}: ${plain(message)}`);
  }

  private show(info: RunInfo, evaluated: boolean): void {
    const state = this.progress.state(info.run, info.state);
    if (this.status.usable) {
      this.status.show(progressLine(state));
      return;
    }
    if (this.output.json) return;
    const line = progressLine(state, { bar: false });
    const due = performance.now() - this.said >= PLAIN_MS || evaluated;
    if (!due || line === this.lastLine) return;
    this.said = performance.now();
    this.lastLine = line;
    this.output.say(line);
  }

  private lost(): ExitCode {
    this.status.clear();
    this.output.note(`The folder of run ${this.dir.id} is gone or damaged.`);
    return EXIT.failed;
  }

  private detached({ id }: RunInfo): ExitCode {
    this.status.clear();
    this.output.note(`${id} goes on by itself. \`align show ${id}\` tells how far it is.`);
    return EXIT.interrupted;
  }

  private ended(info: RunInfo): ExitCode {
    const { output, dir } = this;
    const { run, state, id } = info;
    this.status.clear();
    if (output.json)
      output.line({ type: 'end', run: id, state, step: run.step, result: run.result ?? null, error: run.error });
    const seconds = (performance.now() - this.began) / 1000;
    if (state === 'done') {
      const best = run.result?.best;
      const loss = best?.eval_loss != null ? `, best eval loss ${figure(best.eval_loss)} at step ${best.step}` : '';
      const mark = styled(output.out, 'green', '✓');
      if (!output.json) {
        output.say(`${mark} ${run.stage} done: ${run.step} steps in ${duration(seconds)}${loss}`);
        const made = [dir.modelFolder, dir.reportFile].find((path) => existsSync(path)) ?? dir.path;
        output.say(`  ${relative('', made) || made}`);
      }
      return EXIT.done;
    }
    if (state === 'stopped') {
      output.note(`${run.stage} stopped at step ${run.step}. \`align resume ${id}\` goes on from there.`);
      return EXIT.stopped;
    }
    if (state === 'died') {
      output.note(
        `${run.stage} died at step ${run.step}: its process is gone.\n` +
          `  \`align resume ${id}\` goes on from its last checkpoint; ${relative('', dir.logFile)} may say why.`,
      );
      return EXIT.failed;
    }
    const { error } = run;
    const place = error?.file ? `${error.file}${error.line ? `:${error.line}` : ''}: ` : '';
    output.note(
      `${styled(output.err, 'red', '✗')} ${run.stage} failed: ${place}${error?.message ?? 'without a message'}` +
        (error?.hint ? `\n  ${error.hint}` : ''),
    );
    return EXIT.failed;
  }
}

function drain<T>(tail: JsonlTail<T>, take: (event: TailEvent<T>) => void): void {
  for (;;) {
    const event = tail.read();
    if (event) take(event);
    if (!event?.more) return;
  }
}

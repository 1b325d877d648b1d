import { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { findCheckpoint } from '../runs/checkpoints';
import { request } from '../runs/control';
import type { RunDir } from '../runs/directory';
import { isActive, isEventRow, isMetricsRow, type EventRow, type MetricsRow } from '../runs/format';
import { readRunInfo, type RunInfo } from '../runs/registry';
import { JsonlTail } from '../runs/tail';
import { action, examples, outputOf, type Output } from './command';
import { EXIT, type ExitCode } from './exit';
import { Interrupt } from './interrupt';
import { figure } from './numbers';
import { FOLDER_OPTION, runOf } from './place';
import { isEvaluation } from './progress';

type Verb = 'pause' | 'stop' | 'checkpoint' | 'evaluate';
interface Options {
  folder?: string;
  json?: boolean;
}

const POLL_MS = 50;
const PATIENCE_MS = 1_000;

const DESCRIPTIONS: Record<Verb, string> = {
  pause: 'Ask a run to pause after its step, and wait until it does.',
  stop: 'Ask a run to stop after its step, with a checkpoint, and wait until it has.',
  checkpoint: 'Ask a run for a checkpoint now, and wait until it is written.',
  evaluate:
    'Ask a run for an evaluation on its held-out rows now, and wait for the numbers. (A stage of type evaluate is run by `align run`.)',
};

/** `align pause | stop | checkpoint | evaluate RUN` */
export function controlCommands(): Command[] {
  return (['pause', 'stop', 'checkpoint', 'evaluate'] as const).map((verb) => {
    const command = new Command(verb)
      .description(DESCRIPTIONS[verb])
      .argument('<run>', 'an id, the beginning of one, a folder, or STAGE@latest')
      .option(...FOLDER_OPTION)
      .option('--json', 'one JSON document: what came of it');
    examples(command, [`align ${verb} sft@latest`]);
    return action(command, (reference: string, options: Options) => ask(verb, reference, options));
  });
}

async function ask(verb: Verb, reference: string, options: Options): Promise<ExitCode> {
  const output = outputOf(options.json ?? false);
  const { dir, id } = runOf(reference, options);
  const watch = new Watch(dir);
  request(dir, verb);
  const interrupt = new Interrupt();
  const began = performance.now();
  try {
    for (let told = false; ;) {
      const info = readRunInfo(dir);
      const answer = info && watch.answer(verb, info);
      if (info && answer) {
        if (output.json) output.document({ run: id, state: info.state, step: info.run.step, ...answer });
        else output.say(words(verb, id, info, answer));
        return EXIT.done;
      }
      if (!info || !isActive(info.state)) return ended(output, verb, id, info);
      if (interrupt.count > 0) {
        output.note(`The request stays with ${id}.`);
        return EXIT.interrupted;
      }
      if (!told && performance.now() - began > PATIENCE_MS) {
        told = true;
        output.note(`${id} is ${info.state} at step ${info.run.step}; it answers between two steps.`);
      }
      await delay(POLL_MS);
    }
  } finally {
    interrupt.close();
  }
}

function ended(output: Output, verb: Verb, id: string, info: RunInfo | undefined): ExitCode {
  output.note(`${id} ended before: it is ${info?.state ?? 'gone'}. There was no ${verb}.`);
  if (output.json) output.document({ run: id, state: info?.state ?? null, step: info?.run.step ?? null });
  return EXIT.failed;
}

interface Answer {
  checkpoint?: string;
  metrics?: MetricsRow;
}

function words(verb: Verb, id: string, { run, state }: RunInfo, { checkpoint, metrics }: Answer): string {
  switch (verb) {
    case 'pause':
      return `${id} is paused at step ${run.step}. \`align resume ${id}\` goes on.`;
    case 'stop':
      return `${id} ${state === 'done' ? 'was done' : 'is stopped'} at step ${run.step}.`;
    case 'checkpoint':
      return checkpoint ?? '';
    case 'evaluate': {
      const numbers = Object.entries(metrics ?? {}).filter(([name]) => name.startsWith('eval_'));
      const shown = numbers.map(([name, value]) => `${name} ${typeof value === 'number' ? figure(value) : value}`);
      return `step ${metrics?.step}  ${shown.join('  ') || 'nothing is held out: there are samples only'}`;
    }
  }
}

/** Looks for the sign that a request was fulfilled. */
class Watch {
  private readonly events: JsonlTail<EventRow>;
  private readonly metrics: JsonlTail<MetricsRow>;
  private readonly rows: MetricsRow[] = [];
  /** The step at which the process took the request. */
  private taken: number | undefined;

  constructor(private readonly dir: RunDir) {
    this.events = new JsonlTail(dir.eventsFile, isEventRow);
    this.metrics = new JsonlTail(dir.metricsFile, isMetricsRow);
    while (this.events.read()?.more);
    while (this.metrics.read()?.more);
  }

  answer(verb: Verb, { state, run }: RunInfo): Answer | undefined {
    if (verb === 'pause') return state === 'paused' ? {} : undefined;
    if (verb === 'stop') return state === 'stopped' || state === 'done' ? {} : undefined;
    this.rows.push(...(this.metrics.read()?.rows ?? []));
    for (const row of this.events.read()?.rows ?? [])
      if (row.event === 'control' && row.verb === verb) this.taken ??= row.step;
    const step = this.taken;
    if (step === undefined) return undefined;
    if (verb === 'checkpoint') {
      const checkpoint = run.result?.last?.step === step ? findCheckpoint(this.dir, step) : undefined;
      return checkpoint && { checkpoint: checkpoint.path };
    }
    const metrics = this.rows.find((row) => isEvaluation(row) && row.step >= step);
    // A later step, or a pause that goes on, without an evaluation before it: nothing is held out.
    const passed = this.rows.some((row) => row.step > step);
    return metrics || passed ? { metrics: metrics ?? { step, time: Date.now() } } : undefined;
  }
}

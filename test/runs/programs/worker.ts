// A process for tests to start, race and kill. It tells its parent each thing that it has done.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/config/errors';
import { saveCheckpoint } from '../../../src/runs/checkpoints';
import { post } from '../../../src/runs/control';
import { RunDir } from '../../../src/runs/directory';
import { replaceFile } from '../../../src/runs/files';
import { JsonlWriter } from '../../../src/runs/jsonl';
import { lockRun } from '../../../src/runs/lock';
import { identityOf } from '../../../src/runs/process';
import { waitForTurn } from '../../../src/runs/queue';
import { RunWriter } from '../../../src/runs/writer';

const [mode = '', target = '', count = '0'] = process.argv.slice(2);
const tell = (message: unknown): void => void process.send?.(message);
const forever = (): void => void setInterval(() => undefined, 1 << 30);

/** Fails where two living processes are in here at the same time. A killed one may leave its mark. */
async function alone(folder: string): Promise<void> {
  const mark = (pid: number): string => join(folder, `inside-${pid}`);
  fs.writeFileSync(mark(process.pid), '');
  const others = fs
    .readdirSync(folder)
    .filter((name) => name.startsWith('inside-'))
    .map((name) => Number(name.slice('inside-'.length)))
    .filter((pid) => pid !== process.pid && identityOf(pid) !== undefined && fs.existsSync(mark(pid)));
  if (others.length > 0) throw new Error(`${process.pid} met ${others.join()} inside`);
  await new Promise((resolve) => setTimeout(resolve, 2));
  fs.rmSync(mark(process.pid));
}

const modes: Record<string, () => Promise<void> | void> = {
  /** Takes the run's lock `count` times, and dies with it in hand now and then. */
  lock: async () => {
    const dir = new RunDir(target);
    for (let taken = 0; taken < Number(count);) {
      try {
        const lock = lockRun(dir);
        await alone(target);
        taken++;
        tell('taken');
        lock.release();
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  },
  hold: () => {
    lockRun(new RunDir(target));
    tell('held');
    forever();
  },
  queue: async () => {
    for (let turns = 0; turns < Number(count); turns++) {
      const turn = await waitForTurn({ device: 'cpu', label: String(process.pid), folder: target, pollMs: 1 });
      await alone(target);
      tell('turn');
      turn.release();
    }
  },
  device: async () => {
    await waitForTurn({ device: 'cpu', label: String(process.pid), folder: target, pollMs: 1 });
    tell('turn');
    forever();
  },
  post: () => {
    for (let index = 0; index < Number(count); index++)
      post(new RunDir(target), 'evaluate', { from: process.pid, index });
  },
  append: () => {
    const file = new JsonlWriter(target);
    // A long row makes torn writes likely.
    const filler = 'x'.repeat(100_000);
    for (let step = 1; ; step++) {
      file.append({ step, time: 0, filler, end: step });
      tell(step);
    }
  },
  replace: () => {
    for (let n = 1; ; n++) {
      replaceFile(target, JSON.stringify({ n, filler: 'y'.repeat(200_000), end: n }));
      tell(n);
    }
  },
  cut: () => {
    const file = new JsonlWriter(target);
    for (let n = 0; ; n++) {
      const offset = file.offset;
      file.append({ step: 1000 + n, time: 0, filler: 'z'.repeat(50_000) });
      file.truncateTo(offset);
      tell(n);
    }
  },
  checkpoint: async () => {
    const dir = new RunDir(target);
    for (let n = 0; ; n++) {
      const step = 1 + (n % 3);
      await saveCheckpoint(dir, step, (folder) => {
        fs.mkdirSync(join(folder, 'training_state'));
        for (const name of ['a.bin', 'training_state/b.bin'])
          fs.writeFileSync(join(folder, name), `${step}:`.repeat(20_000));
      });
      tell(step);
    }
  },
  /** A run that works until it is killed: a row a step, progress in run.json. */
  run: () => {
    const writer = RunWriter.open(new RunDir(target), { heartbeatMs: 1 });
    writer.setState('running');
    const step = (): void => {
      const next = writer.run.step + 1;
      writer.metrics(next, { loss: 1 / next });
      writer.progress(next);
      tell(next);
      setImmediate(step);
    };
    step();
  },
};

await modes[mode]?.();
if (!['hold', 'device', 'run'].includes(mode)) process.disconnect?.();

import * as fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/config/errors';
import { post, request } from '../../src/runs/control';
import { isMetricsRow } from '../../src/runs/format';
import { withRetry } from '../../src/runs/files';
import { JsonlWriter, readJsonl } from '../../src/runs/jsonl';
import { NO_OFFSETS, RunWriter } from '../../src/runs/writer';
import { emptyFolder, newRun } from './processes';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** Fails writes like a disk with `free` bytes on it from now on; what still fits is written first, as in life. */
function fillDisk(free: () => number): void {
  const real = fs.writeSync.bind(fs);
  let used = 0;
  const write = (fd: number, bytes: Uint8Array, offset = 0, length = bytes.length - offset): number => {
    const left = free() - used;
    if (left <= 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const done = real(fd, bytes, offset, Math.min(length, left));
    used += done;
    return done;
  };
  vi.spyOn(process.getBuiltinModule('node:fs'), 'writeSync').mockImplementation(write as typeof fs.writeSync);
  syncBuiltinESMExports();
}

describe('RunWriter', () => {
  it('tells a run from its beginning to its end', () => {
    const dir = newRun();
    const writer = RunWriter.open(dir);
    expect(dir.readRun()).toMatchObject({ state: 'queued', pid: process.pid, started: null });
    writer.setState('queued', { reason: 'waits for another run' });
    expect(dir.readRun().reason).toBe('waits for another run');
    writer.setState('running', { steps: 2 });
    writer.metrics(1, { loss: 0.5, grad_norm: NaN, note: null });
    writer.sample({ step: 1, prompt: [{ role: 'user', content: 'hi' }], answer: 'hello', scores: { oracle: 1 } });
    writer.progress(1);
    writer.event('checkpoint', { path: 'checkpoints/step-000001' });
    expect(dir.readMetrics()).toMatchObject([{ step: 1, loss: 0.5, grad_norm: null, note: null }]);
    expect(dir.readSamples()).toMatchObject([{ v: 1, step: 1, answer: 'hello' }]);
    expect(dir.readEvents()).toMatchObject([{ v: 1, step: 1, event: 'checkpoint', path: 'checkpoints/step-000001' }]);
    const result = { best: { step: 1, path: 'model', eval_loss: 0.4 }, last: { step: 1, path: 'model' } };
    writer.close('done', { result });
    writer.close('failed');
    const run = dir.readRun();
    expect(run).toMatchObject({ state: 'done', step: 1, steps: 2, result, reason: null, error: null });
    expect(Date.parse(run.ended ?? '')).toBeGreaterThanOrEqual(Date.parse(run.started ?? ''));
    expect(fs.readdirSync(dir.path).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('refuses a second writer and leaves the first alone', () => {
    const dir = newRun();
    const writer = RunWriter.open(dir);
    expect(() => RunWriter.open(dir)).toThrow('Another process already works');
    writer.metrics(1, { loss: 1 });
    writer.close('stopped');
    expect(dir.readMetrics()).toHaveLength(1);
    RunWriter.open(dir).close('stopped');
  });

  it('cuts to the offsets of a checkpoint, so that no step stands twice', () => {
    const dir = newRun();
    const first = RunWriter.open(dir);
    for (let step = 1; step <= 3; step++) first.metrics(step, { loss: step });
    const offsets = first.offsets();
    for (let step = 4; step <= 6; step++) first.metrics(step, { loss: step });
    first.event('warning', { message: 'late' });
    first.close('failed', { error: { message: 'x' } });
    const second = RunWriter.open(dir, { offsets, step: 3 });
    expect(dir.readRun()).toMatchObject({ step: 3, error: null, ended: null });
    for (let step = 4; step <= 5; step++) second.metrics(step, { loss: -step });
    second.close('done');
    expect(dir.readMetrics().map((row) => [row.step, row.loss])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, -4],
      [5, -5],
    ]);
    expect(dir.readEvents()).toEqual([]);
  });

  it('refuses offsets that do not fit, gives the lock back and changes nothing', () => {
    const dir = newRun();
    const writer = RunWriter.open(dir);
    writer.metrics(1, { loss: 1 });
    const { metrics } = writer.offsets();
    writer.close('stopped');
    const before = fs.readFileSync(dir.metricsFile, 'utf8');
    for (const bad of [metrics + 1, metrics - 1])
      expect(() => RunWriter.open(dir, { offsets: { metrics: bad, samples: 0, events: 0 } })).toThrow(
        'metrics.jsonl is not the file that the checkpoint was written with',
      );
    expect(fs.readFileSync(dir.metricsFile, 'utf8')).toBe(before);
    expect(dir.readRun().state).toBe('stopped');
    RunWriter.open(dir).close('stopped');
  });

  it('renews the heartbeat', async () => {
    const dir = newRun();
    const writer = RunWriter.open(dir, { heartbeatMs: 1 });
    const first = dir.readRun().heartbeat;
    while (dir.readRun().heartbeat === first) await new Promise((resolve) => setImmediate(resolve));
    writer.close('stopped');
  });

  it('says that its folder was removed', async () => {
    const dir = newRun();
    const writer = RunWriter.open(dir, { heartbeatMs: 1 });
    fs.rmSync(dir.path, { recursive: true });
    const working = async (): Promise<void> => {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        writer.metrics(1, { loss: 1 });
      }
    };
    await expect(working()).rejects.toThrow('was removed while it ran');
    expect(() => writer.close('failed')).toThrow();
  });
});

describe('a full disk', () => {
  it('leaves whole rows, says so, and is told in run.json from the reserve', () => {
    const dir = newRun();
    const writer = RunWriter.open(dir);
    writer.setState('running');
    for (let step = 1; step <= 3; step++) writer.metrics(step, { loss: step });
    const reserve = join(dir.path, '.reserve');
    fillDisk(() => (fs.existsSync(reserve) ? 20 : 1e6));
    let thrown: unknown;
    try {
      writer.metrics(4, { loss: 4 });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).message).toMatch(/^The disk is full: metrics\.jsonl could not be written in /);
    expect((thrown as UserError).hint).toContain('the last checkpoint are whole');
    expect(fs.readFileSync(dir.metricsFile, 'utf8')).toMatch(/"loss":3\}\n$/);
    writer.fail(thrown);
    expect(dir.readRun()).toMatchObject({ state: 'failed', error: { message: (thrown as UserError).message } });
    expect(dir.readMetrics()).toHaveLength(3);
    expect(dir.readEvents()).toMatchObject([{ event: 'error' }]);
  });

  it('of a real device gives the same message', () => {
    if (!fs.existsSync('/dev/full')) return expect(process.platform).not.toBe('linux');
    const path = join(emptyFolder(), 'metrics.jsonl');
    fs.symlinkSync('/dev/full', path);
    const writer = new JsonlWriter(path);
    expect(() => writer.append({ step: 1, time: 0 })).toThrow('The disk is full');
    expect(writer.offset).toBe(0);
    writer.close();
  });
});

describe('JsonlWriter', () => {
  it('counts bytes, not characters', () => {
    const path = join(emptyFolder(), 'm.jsonl');
    const writer = new JsonlWriter(path);
    writer.append({ step: 1, time: 0, note: '雪🙂' });
    expect(writer.offset).toBe(fs.statSync(path).size);
    writer.append({ step: 2, time: 0 });
    writer.truncateTo(writer.offset);
    writer.close();
    expect(readJsonl(path, isMetricsRow).rows).toHaveLength(2);
    expect(() => writer.append({})).toThrow('was closed');
  });
});

describe('withRetry', () => {
  it('rides out a file that another program holds, on Windows alone', () => {
    let tries = 0;
    const busy = (): number => {
      if (++tries < 3) throw Object.assign(new Error('held'), { code: 'EBUSY' });
      return tries;
    };
    expect(withRetry(busy, 'win32')).toBe(3);
    tries = 0;
    expect(() => withRetry(busy, 'linux')).toThrow('held');
    expect(() => withRetry((): unknown => JSON.parse('{'), 'win32')).toThrow(SyntaxError);
  });
});

describe('a process that takes a run up', () => {
  it('asks where to begin under the lock, and drops what was asked of the one before', () => {
    const dir = newRun();
    const early = post(dir, 'start');
    RunWriter.open(dir).close('stopped');
    expect(fs.existsSync(early)).toBe(true);
    fs.rmSync(early);
    const late = join(
      dir.controlFolder,
      `${Date.now() - process.uptime() * 1000 - 10_000}-stop.json`.replace(/\.\d+-/, '-'),
    );
    fs.writeFileSync(late, '{"v":1,"verb":"stop","time":1}');
    const now = post(dir, 'pause');
    let asked: unknown;
    const from = (): { offsets: typeof NO_OFFSETS; step: number } => {
      try {
        RunWriter.open(dir);
      } catch (error) {
        asked = error;
      }
      return { offsets: NO_OFFSETS, step: 7 };
    };
    const writer = RunWriter.open(dir, { from });
    expect(asked).toMatchObject({ code: 'run-locked' });
    expect(writer.run.step).toBe(7);
    expect([fs.existsSync(late), fs.existsSync(now)]).toEqual([false, true]);
    expect(dir.readEvents()).toMatchObject([{ event: 'control_dropped' }]);
    writer.close('stopped');
  });
});

describe('request', () => {
  it('is refused where no process would take it', () => {
    const dir = newRun();
    const writer = RunWriter.open(dir);
    expect(fs.existsSync(request(dir, 'pause'))).toBe(true);
    writer.close('stopped');
    expect(() => request(dir, 'stop')).toThrow('takes no requests: it is stopped');
    expect(fs.existsSync(post(dir, 'stop'))).toBe(true);
  });
});

import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { latestCheckpoint, listCheckpoints, sweepCheckpoints } from '../../src/runs/checkpoints';
import { isMetricsRow } from '../../src/runs/format';
import { JsonlWriter, readJsonl } from '../../src/runs/jsonl';
import { TEMPORARY, sweepTemporaries } from '../../src/runs/files';
import { RunWriter } from '../../src/runs/writer';
import { emptyFolder, newRun, worker } from './processes';

const KILLS = Number(process.env.ALIGN_TEST_KILLS ?? 4);
const kills = Array.from({ length: KILLS }, (_, index) => index);

describe('after SIGKILL at a random moment', () => {
  it('appended rows are whole, in order, and the next writer goes on behind them', async () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    let least = 0;
    for (const round of kills) {
      fs.rmSync(file, { force: true });
      const writer = worker('append', file);
      await writer.told(1 + round * 3);
      await writer.kill();
      const told = writer.messages.length;
      const { rows, bad } = readJsonl(file, isMetricsRow);
      expect(bad).toEqual([]);
      expect(rows.length).toBeGreaterThanOrEqual(told);
      expect(rows.map((row) => [row.step, row.end])).toEqual(rows.map((_, index) => [index + 1, index + 1]));
      const next = new JsonlWriter(file);
      next.append({ step: 0, time: 0 });
      next.close();
      const after = readJsonl(file, isMetricsRow);
      expect(after.bad).toEqual([]);
      expect(after.rows).toHaveLength(rows.length + 1);
      least += told;
    }
    expect(least).toBeGreaterThan(KILLS);
  });

  it('a torn last line is not read, and cut off by the next writer', () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    fs.writeFileSync(file, '{"step":1,"time":0}\n{"step":2,"ti');
    expect(readJsonl(file, isMetricsRow).rows).toEqual([{ step: 1, time: 0 }]);
    const writer = new JsonlWriter(file);
    expect(writer.offset).toBe(20);
    writer.append({ step: 2, time: 5 });
    writer.close();
    expect(fs.readFileSync(file, 'utf8')).toBe('{"step":1,"time":0}\n{"step":2,"time":5}\n');
  });

  it('a replaced file is the old or the new one', async () => {
    const folder = emptyFolder();
    const file = join(folder, 'run.json');
    for (const round of kills) {
      const writer = worker('replace', file);
      await writer.told(1 + round);
      const during: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
      await writer.kill();
      const after: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
      for (const value of [during, after]) {
        const { n, end } = value as { n: number; end: number };
        expect(end).toBe(n);
      }
      sweepTemporaries(folder);
      expect(fs.readdirSync(folder).filter((name) => TEMPORARY.test(name))).toEqual([]);
    }
  });

  it('a cut file is the one before or after the cut', async () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    const first = new JsonlWriter(file);
    for (let step = 1; step <= 3; step++) first.append({ step, time: 0, filler: 'w'.repeat(300_000) });
    first.close();
    for (const round of kills) {
      const writer = worker('cut', file);
      await writer.told(1 + round);
      await writer.kill();
      const { rows, bad } = readJsonl(file, isMetricsRow);
      expect(bad).toEqual([]);
      expect(rows.slice(0, 3).map((row) => row.step)).toEqual([1, 2, 3]);
      const next = new JsonlWriter(file);
      next.truncateTo(
        readJsonl(file, isMetricsRow).offset - (rows.length > 3 ? JSON.stringify(rows[3]).length + 1 : 0),
      );
      next.close();
    }
  });

  it('every checkpoint is whole, also one that was being replaced', async () => {
    const dir = newRun();
    for (const round of kills) {
      const writer = worker('checkpoint', dir.path);
      await writer.told(4 + round);
      await writer.kill();
      sweepCheckpoints(dir);
      const found = listCheckpoints(dir);
      expect(found.map(({ step }) => step)).toEqual([1, 2, 3]);
      for (const { step, path } of found) {
        for (const name of ['a.bin', 'training_state/b.bin'])
          expect(fs.readFileSync(join(path, name), 'utf8') === `${step}:`.repeat(20_000)).toBe(true);
      }
      expect(fs.readdirSync(dir.checkpointsFolder).sort()).toEqual(['step-000001', 'step-000002', 'step-000003']);
    }
    expect(latestCheckpoint(dir)?.step).toBe(3);
  });

  it('a run is seen as died, and its next process goes on where a checkpoint says', async () => {
    const dir = newRun();
    for (const round of kills) {
      const trainer = worker('run', dir.path);
      await trainer.told(2 + round);
      expect(dir.state()).toBe('running');
      await trainer.kill();
      expect(dir.readRun().state).toBe('running');
      expect(dir.state()).toBe('died');
      const [row] = dir.readMetrics();
      const offsets = { metrics: JSON.stringify(row).length + 1, samples: 0, events: 0 };
      const writer = RunWriter.open(dir, { offsets, step: 1 });
      expect(dir.readMetrics()).toEqual([row]);
      expect(dir.readRun()).toMatchObject({ state: 'queued', step: 1, pid: process.pid });
      writer.close('stopped');
      fs.rmSync(dir.metricsFile);
    }
  });
});

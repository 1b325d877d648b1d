import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkpointName,
  listCheckpoints,
  pruneCheckpoints,
  replaceFolder,
  resumePoint,
  saveCheckpoint,
  sweepCheckpoints,
} from '../../src/runs/checkpoints';
import { createRun } from '../../src/runs/create';
import { RunDir } from '../../src/runs/directory';
import { isEventRow, isMetricsRow, isSampleRow, RUN_ID, runId, type RunState } from '../../src/runs/format';
import { readLineage } from '../../src/runs/lineage';
import { findRun, latestDone, listRuns } from '../../src/runs/registry';
import { ownIdentity, identityOf, liveness } from '../../src/runs/process';
import { runSchema } from '../../src/runs/schema';
import { HEARTBEAT_LOST_MS, LAUNCH_LOST_MS, liveState } from '../../src/runs/state';
import { RunWriter } from '../../src/runs/writer';
import { emptyFolder, newRun } from './processes';

/** A run of `stage` that ended in `state`, made `minute` minutes after a fixed time. */
function endedRun(folder: string, stage: string, state: 'done' | 'stopped' | 'failed', minute: number): RunDir {
  const now = new Date(Date.UTC(2030, 0, 1, 0, minute));
  const dir = createRun({ configFile: join(folder, 'align.yaml'), stage, type: 'sft', config: {}, now });
  RunWriter.open(dir).close(state);
  return dir;
}

describe('createRun', () => {
  it('makes a queued run that git ignores', () => {
    const folder = emptyFolder();
    const dir = createRun({
      configFile: join(folder, 'b.align.yaml'),
      stage: 'sft',
      type: 'sft',
      config: { learning_rate: 2e-5 },
      stageHash: 'abc',
      device: 'cpu',
      inputs: { model: { path: 'model' } },
    });
    expect(dir.id).toMatch(RUN_ID);
    expect(dir.folder).toBe(folder);
    expect(dir.readRun()).toMatchObject({ v: 1, id: dir.id, config_file: 'b.align.yaml', state: 'queued', pid: null });
    expect(dir.readRun()).toMatchObject({ parent: null, step: 0, stage_hash: 'abc', device: 'cpu' });
    expect(dir.readConfig()).toEqual({ learning_rate: 2e-5 });
    expect(dir.readEnvironment()).toBeUndefined();
    expect(fs.readFileSync(join(folder, '.align', '.gitignore'), 'utf8')).toBe('*\n');
    expect(fs.readdirSync(folder)).toEqual(['.align']);
  });

  it('refuses names that are no stage and folders that are files', () => {
    const folder = emptyFolder();
    const base = { configFile: join(folder, 'align.yaml'), type: 'sft', config: {} };
    expect(() => createRun({ ...base, stage: '../up' })).toThrow('cannot name a stage');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('gives ids that sort by time', () => {
    expect(runId('sft', new Date('2026-02-03T04:05:06.789Z'), 'beef')).toBe('sft-20260203-040506-beef');
  });
});

describe('formats', () => {
  it('accept keys that they do not know and keep them', () => {
    const run = { ...newRun().readRun(), later: { x: 1 } };
    expect(runSchema.parse(run)).toMatchObject({ later: { x: 1 } });
    expect(isEventRow({ v: 1, time: 1, step: 0, event: 'warning', later: [] })).toBe(true);
    expect(isSampleRow({ v: 1, time: 1, step: 0, prompt: 'a', answer: 'b', later: {} })).toBe(true);
  });

  it('refuse what is no row', () => {
    expect(isMetricsRow({ step: 1, time: 1, loss: null, 'objective/kl': 2 })).toBe(true);
    for (const bad of [null, 3, [], {}, { step: '1', time: 1 }, { step: 1, time: 1, loss: { mean: 1 } }])
      expect(isMetricsRow(bad)).toBe(false);
    const sample = { v: 1, time: 1, step: 0, prompt: [{ role: 'user', content: 'hi' }], answer: 'b', scores: { r: 1 } };
    expect(isSampleRow(sample)).toBe(true);
    for (const bad of [{ answer: 1 }, { prompt: [{ role: 'user' }] }, { scores: { r: 'x' } }, { v: 2 }, { row: 'x' }])
      expect(isSampleRow({ ...sample, ...bad })).toBe(false);
    expect(isEventRow({ v: 1, time: 1, step: 0, event: 3 })).toBe(false);
  });
});

describe('readRun', () => {
  it('says what is wrong with a folder, a file, or a version', () => {
    const dir = newRun();
    const run = dir.readRun();
    expect(() => new RunDir(emptyFolder()).readRun()).toThrow('is no run: it has no run.json');
    fs.writeFileSync(dir.runFile, JSON.stringify({ ...run, v: 2 }));
    expect(() => dir.readRun()).toThrow('written by a newer Alignment Lab (format 2)');
    fs.writeFileSync(dir.runFile, JSON.stringify({ ...run, state: 'flying' }));
    expect(() => dir.readRun()).toThrow(/damaged at state/);
    fs.writeFileSync(dir.runFile, '{');
    expect(() => dir.readRun()).toThrow('damaged');
    fs.writeFileSync(dir.configFile, '{');
    expect(() => dir.readConfig()).toThrow(`config.json of run ${dir.id} is damaged.`);
  });
});

describe('liveState', () => {
  const run = { ...newRun().readRun(), pid: 7, host: 'h', process_start: 's', heartbeat: '2030-01-01T00:00:00.000Z' };
  const beat = Date.parse(run.heartbeat);

  it('believes the process where it can be seen, else the heartbeat', () => {
    for (const state of ['queued', 'running', 'paused', 'stopping'] as const) {
      expect(liveState({ ...run, state }, beat + 1e9, () => 'alive')).toBe(state);
      expect(liveState({ ...run, state }, beat, () => 'dead')).toBe('died');
      expect(liveState({ ...run, state }, beat + HEARTBEAT_LOST_MS, () => 'unknown')).toBe(state);
      expect(liveState({ ...run, state }, beat + HEARTBEAT_LOST_MS + 1, () => 'unknown')).toBe('died');
    }
    for (const state of ['done', 'stopped', 'failed', 'died'] satisfies RunState[])
      expect(liveState({ ...run, state }, beat, () => 'dead')).toBe(state);
  });

  it('gives a new run time to get its process', () => {
    const fresh = { ...run, pid: null, host: null, state: 'queued' as const };
    const created = Date.parse(run.created);
    expect(liveState(fresh, created + LAUNCH_LOST_MS)).toBe('queued');
    expect(liveState(fresh, created + LAUNCH_LOST_MS + 1)).toBe('died');
  });

  it('tells a process from a later one with its id', () => {
    const own = ownIdentity();
    expect(identityOf(process.pid)).toEqual(own);
    expect(liveness(own)).toBe('alive');
    expect(own.start).not.toBeNull();
    expect(liveness({ ...own, start: `${own.start}1` })).toBe('dead');
    expect(liveness({ ...own, host: `${own.host}-other` })).toBe('unknown');
    expect(liveness({ ...own, pid: 2 ** 22 + 1 })).toBe('dead');
    expect(identityOf(0)).toBeUndefined();
  });
});

describe('finding runs', () => {
  it('lists the newest first and passes over what is no run', () => {
    const folder = emptyFolder();
    const [first, second] = [endedRun(folder, 'sft', 'done', 1), endedRun(folder, 'pretrain', 'failed', 2)];
    fs.mkdirSync(join(first.runsFolder, 'half-made'));
    fs.writeFileSync(join(first.runsFolder, '.DS_Store'), '');
    expect(listRuns(folder).map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(listRuns(emptyFolder())).toEqual([]);
  });

  it('by id, unique beginning, folder, and stage@latest', () => {
    const folder = emptyFolder();
    const [first, second] = [endedRun(folder, 'sft', 'done', 1), endedRun(folder, 'sft', 'failed', 2)];
    expect(findRun(folder, first.id).id).toBe(first.id);
    expect(findRun(folder, 'sft-20300101-0001').id).toBe(first.id);
    expect(findRun(folder, second.path).id).toBe(second.id);
    expect(findRun(folder, 'sft@latest').id).toBe(second.id);
    expect(latestDone(folder, 'sft').id).toBe(first.id);
    const other = { configFile: join(folder, 'other.align.yaml') };
    expect(() => findRun(folder, 'sft@latest', other)).toThrow('has no run');
    expect(findRun(folder, 'sft@latest', { configFile: join(folder, 'align.yaml') }).id).toBe(second.id);
  });

  it('says what there is where the reference is wrong', () => {
    const folder = emptyFolder();
    const refusal = (action: () => unknown): string => {
      try {
        action();
      } catch (error) {
        return error instanceof Error && 'hint' in error ? `${error.message} ${String(error.hint)}` : String(error);
      }
      return 'no refusal';
    };
    expect(refusal(() => findRun(folder, 'sft'))).toContain('No stage has been run there yet.');
    const [first, second] = [endedRun(folder, 'sft', 'stopped', 1), endedRun(folder, 'sft', 'failed', 2)];
    const ambiguous = refusal(() => findRun(folder, 'sft-2030'));
    expect(ambiguous).toContain('is the beginning of 2 runs');
    for (const id of [first.id, second.id]) expect(ambiguous).toContain(id);
    expect(refusal(() => findRun(folder, 'dpo'))).toContain(second.id);
    expect(refusal(() => findRun(folder, ''))).toContain('There is no run ""');
    expect(refusal(() => findRun(folder, 'dpo@latest'))).toContain('Stages with runs: sft.');
    expect(refusal(() => findRun(folder, folder))).toContain('is no run');
    expect(refusal(() => latestDone(folder, 'sft'))).toContain(`${second.id}, is failed`);
    expect(refusal(() => latestDone(folder, 'dpo'))).toContain('align run CONFIG dpo');
  });
});

describe('checkpoints', () => {
  const fill = (text: string) => (folder: string) => fs.writeFileSync(join(folder, 'a'), text);

  it('keep the newest and the protected', async () => {
    const dir = newRun();
    for (const step of [100, 200, 300, 400, 1_000_000]) await saveCheckpoint(dir, step, fill('x'));
    expect(checkpointName(400)).toBe('step-000400');
    expect(pruneCheckpoints(dir, 2, [200]).map(({ step }) => step)).toEqual([100, 300]);
    expect(listCheckpoints(dir).map(({ step }) => step)).toEqual([200, 400, 1_000_000]);
    expect(fs.readdirSync(dir.checkpointsFolder)).toHaveLength(3);
  });

  it('that fail leave nothing and the old one whole', async () => {
    const dir = newRun();
    await saveCheckpoint(dir, 1, fill('old'));
    const failing = saveCheckpoint(dir, 1, (folder) => {
      fs.writeFileSync(join(folder, 'a'), 'half');
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    });
    await expect(failing).rejects.toThrow(/^The disk is full: step-000001 could not be written/);
    expect(fs.readdirSync(dir.checkpointsFolder)).toEqual(['step-000001']);
    expect(fs.readFileSync(join(dir.checkpointsFolder, 'step-000001', 'a'), 'utf8')).toBe('old');
  });

  it('and the model come back where a kill fell between two renames', async () => {
    const dir = newRun();
    await replaceFolder(dir.modelFolder, fill('first'));
    await replaceFolder(dir.modelFolder, fill('second'));
    expect(fs.readFileSync(join(dir.modelFolder, 'a'), 'utf8')).toBe('second');
    fs.renameSync(dir.modelFolder, join(dir.path, '.replaced-00000000-model'));
    fs.mkdirSync(join(dir.path, '.writing-00000000-model'));
    sweepCheckpoints(dir);
    expect(fs.readFileSync(join(dir.modelFolder, 'a'), 'utf8')).toBe('second');
    expect(fs.readdirSync(dir.path).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('branches', () => {
  it('own the checkpoint that they begin with, whatever becomes of the parent', async () => {
    const folder = emptyFolder();
    const root = newRun('sft', folder);
    const fill = (path: string): void => {
      fs.mkdirSync(join(path, 'training_state'));
      fs.writeFileSync(join(path, 'training_state', 'a'), 'whole');
    };
    for (const step of [10, 20]) await saveCheckpoint(root, step, fill);
    const options = { configFile: join(folder, 'align.yaml'), stage: 'sft', type: 'sft', config: {} };
    const branch = createRun({ ...options, parent: { run: root.id, step: 10 } });
    expect(branch.readRun()).toMatchObject({ parent: { run: root.id, step: 10 }, step: 10 });
    fs.rmSync(root.path, { recursive: true });
    const point = resumePoint(branch);
    expect(point).toMatchObject({ step: 10, inherited: true });
    expect(fs.readFileSync(join(point?.path ?? '', 'training_state', 'a'), 'utf8')).toBe('whole');
    await saveCheckpoint(branch, 15, fill);
    expect(resumePoint(branch)).toMatchObject({ step: 15, inherited: false });
  });

  it('are refused where the parent has no such checkpoint, and leave nothing', async () => {
    const folder = emptyFolder();
    const root = newRun('sft', folder);
    const options = { configFile: join(folder, 'align.yaml'), stage: 'sft', type: 'sft', config: {} };
    const make = (): RunDir => createRun({ ...options, parent: { run: root.id, step: 7 } });
    expect(make).toThrow(`Run ${root.id} has no checkpoint of step 7.`);
    await saveCheckpoint(root, 5, () => undefined);
    expect(make).toThrow(expect.objectContaining({ hint: expect.stringContaining('steps 5') as string }) as Error);
    expect(fs.readdirSync(root.runsFolder)).toEqual([root.id]);
    expect(resumePoint(root)).toMatchObject({ step: 5, inherited: false });
  });
});

describe('readLineage', () => {
  const folder = emptyFolder();
  /** A run with a row and a checkpoint for each step after its branching. */
  async function branch(parent: { run: string; step: number } | null, last: number): Promise<RunDir> {
    const dir = createRun({ configFile: join(folder, 'align.yaml'), stage: 'sft', type: 'sft', config: {}, parent });
    const writer = RunWriter.open(dir);
    for (let step = (parent?.step ?? 0) + 1; step <= last; step++) {
      writer.metrics(step, { loss: last });
      await saveCheckpoint(dir, step, () => undefined);
    }
    writer.close('done');
    return dir;
  }
  const curve = (dir: RunDir): [number, unknown][] =>
    readLineage(dir)
      .segments.flatMap(({ rows }) => rows)
      .map((row) => [row.step, row.loss]);

  it('joins a branch with its ancestors up to where it left them', async () => {
    const root = await branch(null, 6);
    const child = await branch({ run: root.id, step: 4 }, 8);
    await saveCheckpoint(child, 2, () => undefined);
    const early = await branch({ run: child.id, step: 2 }, 3);
    const steps = (from: number, to: number, loss: number): [number, unknown][] =>
      Array.from({ length: to - from + 1 }, (_, index) => [from + index, loss]);
    expect(curve(root)).toEqual(steps(1, 6, 6));
    expect(curve(child)).toEqual([...steps(1, 4, 6), ...steps(5, 8, 8)]);
    expect(curve(early)).toEqual([...steps(1, 2, 6), ...steps(3, 3, 3)]);
    expect(readLineage(child).segments.map(({ run, from }) => [run, from])).toEqual([
      [root.id, 0],
      [child.id, 4],
    ]);
  });

  it('says which ancestor is gone, and ends on a circle', async () => {
    const gone = await branch(null, 2);
    const orphan = await branch({ run: gone.id, step: 2 }, 4);
    fs.rmSync(gone.path, { recursive: true });
    expect(readLineage(orphan)).toMatchObject({ missing: gone.id });
    expect(curve(orphan).map(([step]) => step)).toEqual([3, 4]);
    const circle = await branch(null, 2);
    const run = { ...circle.readRun(), parent: { run: circle.id, step: 1 } };
    fs.writeFileSync(circle.runFile, JSON.stringify(run));
    expect(readLineage(circle).missing).toBe(circle.id);
  });
});

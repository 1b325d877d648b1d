import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints } from '../../src/runs/checkpoints';
import { RunDir } from '../../src/runs/directory';
import { listRuns } from '../../src/runs/registry';
import { Cli, jsonLines, until } from './program';

const cli = new Cli();
beforeAll(() => cli.open(), 120_000);
afterAll(() => cli.close());

const runs = () => listRuns(cli.folder);
const newest = () => runs()[0];
const LONG = ['--set', 'steps=100000', '--set', 'sample_every=false'];

describe('align run', { timeout: 120_000 }, () => {
  it('trains a stage to its end in plain lines where stdout is no terminal', async () => {
    const { code, stdout, stderr } = await cli.run('run', 'align.yaml', '--set', 'steps=6');
    expect(stderr).toContain('data: ');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(newest().id);
    expect(stdout).toMatch(/sft {2}6\/6 {2}loss [\d.]+ [↓↑→] {2}eval [\d.]+/);
    expect(stdout).toMatch(/✓ sft done: 6 steps in .*, best eval loss [\d.]+ at step \d/);
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/\u001b|\r/);
    expect(newest()).toMatchObject({ state: 'done', run: { step: 6 } });
    expect(newest().run.stage_hash).toMatch(/^v1-/);
  });

  it('gives what the run writes as JSON lines', async () => {
    const rows = await cli.lines('run', 'align.yaml', 'sft', '--set', 'steps=3');
    expect(rows[0]).toMatchObject({ type: 'run', run: newest().id, stage: 'sft' });
    const steps = rows.filter((row) => row.type === 'metrics' && 'loss' in row).map((row) => row.step);
    expect(steps).toEqual([1, 2, 3]);
    expect(rows.some((row) => row.type === 'sample' && typeof row.answer === 'string')).toBe(true);
    expect(rows.at(-1)).toMatchObject({ type: 'end', state: 'done', step: 3, error: null });
  });

  it('runs what a stage stands on first, and only where it is stale', async () => {
    const before = runs().length;
    const missing = await cli.run('run', 'upstream.align.yaml', 'sft');
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/Stage "pretrain" has no finished run\.\n.*--with-upstream/);
    expect(runs().length).toBe(before);

    const first = await cli.lines('run', 'upstream.align.yaml', 'sft', '--with-upstream');
    expect(first.filter((row) => row.type === 'end').map((row) => row.state)).toEqual(['done', 'done']);
    expect(first.filter((row) => row.type === 'run').map((row) => row.stage)).toEqual(['pretrain', 'sft']);
    const second = await cli.lines('run', 'upstream.align.yaml', 'sft', '--with-upstream');
    expect(second.filter((row) => row.type === 'run').map((row) => row.stage)).toEqual(['sft']);
    appendFileSync(join(cli.folder, 'data', 'prose.txt'), '\nThe hen is white.\n');
    const warned = await cli.run('run', 'upstream.align.yaml', 'sft', '--set', 'steps=1');
    expect(warned.stderr).toContain('pretrain changed since the last run; the old result is used');
  });

  it('asks which stage is meant', async () => {
    const { code, stderr } = await cli.run('run', 'upstream.align.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('The config has 2 stages: pretrain, sft.');
    expect((await cli.run('run', 'align.yaml', 'stf')).stderr).toContain('Did you mean sft?');
  });

  it('tells where a config is wrong, without a stack trace', async () => {
    const { code, stdout, stderr } = await cli.run('run', 'align.yaml', 'sft', '--set', 'learning_rate=fast');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('learning_rate');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('ends with 1 and the reason where a run fails', async () => {
    writeFileSync(join(cli.folder, 'data', 'torn.jsonl'), '{"messages": [{"role": "user", "content": "a"}]}\n{"mess');
    const { code, stdout, stderr } = await cli.run(
      'run',
      'align.yaml',
      'sft',
      '--set',
      'data=data/torn.jsonl',
      '--json',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/sft failed: .*torn\.jsonl/);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'end', state: 'failed' });
  });
});

describe('a running run', { timeout: 120_000 }, () => {
  const onWindows = process.platform === 'win32';

  it.skipIf(onWindows)('stops at Ctrl-C with a checkpoint, and ends with 3', async () => {
    const started = cli.start(['run', 'align.yaml', 'sft', ...LONG, '--json']);
    await until(() => /"loss"/.test(started.stdout()));
    started.child.kill('SIGINT');
    const { code, stderr } = await started.result;
    expect(code, stderr).toBe(3);
    expect(stderr).toContain('Ctrl-C again leaves the run to itself');
    const { state, run, dir } = newest();
    expect(state).toBe('stopped');
    expect(listCheckpoints(dir).at(-1)?.step).toBe(run.step);
  });

  it('takes requests from elsewhere and answers them', async () => {
    const id = (await cli.good('run', 'align.yaml', 'sft', ...LONG, '--detach')).trim();
    expect(await cli.json('evaluate', id)).toMatchObject({
      run: id,
      metrics: { eval_loss: expect.any(Number) as number },
    });
    expect(await cli.json('pause', 'sft@latest')).toMatchObject({ run: id, state: 'paused' });
    expect(await cli.json('runs')).toEqual(expect.arrayContaining([expect.objectContaining({ id, state: 'paused' })]));
    const written = await cli.json('checkpoint', id);
    expect(written).toMatchObject({ state: 'paused', checkpoint: expect.stringContaining('step-') as string });
    expect(await cli.good('evaluate', id)).toMatch(/step \d+ .*eval_loss/);
    expect(await cli.good('resume', id, '--detach')).toContain(id);
    expect(await cli.json('stop', id)).toMatchObject({ state: 'stopped' });
    const again = await cli.run('pause', id);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain(`align resume ${id}`);
  });

  it('goes on with a stopped run, and with one whose process was killed', async () => {
    const id = (
      await cli.good('run', 'align.yaml', 'sft', '--set', 'steps=400', '--set', 'sample_every=false', '--detach')
    ).trim();
    await cli.good('checkpoint', id);
    const { pid } = newest().run;
    process.kill(pid ?? 0, 'SIGKILL');
    await until(() => newest().state === 'died');
    expect(await cli.good('show', id)).toContain('died at step');
    const rows = await cli.lines('resume', id);
    expect(rows.at(-1)).toMatchObject({ type: 'end', state: 'done', step: 400 });
    const steps = newest()
      .dir.readMetrics()
      .filter((row) => 'loss' in row)
      .map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    const done = await cli.run('resume', id);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain(`align branch ${id}`);
  });

  it('queues behind another, and says so', async () => {
    const first = (await cli.good('run', 'align.yaml', 'sft', ...LONG, '--detach')).trim();
    const second = (await cli.good('run', 'align.yaml', 'sft', ...LONG, '--detach')).trim();
    const state = () => new RunDir(join(cli.folder, '.align', 'runs', second)).readRun();
    await until(() => state().reason !== null);
    expect(await cli.good('runs')).toContain(`queued, waits for ${first}`);
    expect(await cli.json('stop', second)).toMatchObject({ state: 'stopped' });
    await cli.good('stop', first);
  });
});

describe('branch and show', { timeout: 120_000 }, () => {
  it('starts from a checkpoint with other settings, and tells of it', async () => {
    await cli.good(
      'run',
      'align.yaml',
      'sft',
      '--set',
      'steps=8',
      '--set',
      'checkpoint_every=4',
      '--set',
      'keep_checkpoints=9',
    );
    const parent = newest();
    const rows = await cli.lines(
      'branch',
      parent.id,
      '--step',
      '4',
      '--set',
      'learning_rate=1e-4',
      '--set',
      'batch_size=4',
    );
    expect(rows.at(-1)).toMatchObject({ type: 'end', state: 'done', step: 8 });
    const branch = newest();
    expect(branch.run.parent).toEqual({ run: parent.id, step: 4 });
    const steps = branch.dir.readMetrics().filter((row) => 'loss' in row);
    expect(steps.map(({ step }) => step)).toEqual([5, 6, 7, 8]);
    expect(await cli.json('show', branch.id)).toMatchObject({
      id: branch.id,
      state: 'done',
      changes: {
        with: parent.id,
        keys: expect.arrayContaining([{ key: 'learning_rate', before: 1e-2, now: 1e-4 }]) as unknown,
      },
      metrics: { step: 8 },
      lineage: [{ run: parent.id }, { run: branch.id, from: 4 }],
    });
    const words = await cli.good('show', 'sft@latest', '--samples', '1');
    expect(words).toContain(`from ${parent.id} at step 4`);
    expect(words).toContain('learning_rate: 0.01 → 0.0001');
    expect(words).toContain('samples at step');
  });

  it('names the checkpoints that there are, and the keys', async () => {
    const parent = runs().find(({ run }) => run.parent === null && run.step === 8);
    const missing = await cli.run('branch', parent?.id ?? '', '--step', '99');
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/has no checkpoint of step 99\.\n.*those of steps/);
    expect((await cli.run('branch', parent?.id ?? '', '--step', '4', '--set', 'rate=1')).stderr).toContain(
      'has no key `rate`',
    );
    expect((await cli.run('branch', parent?.id ?? '', '--step', '4', '--set', 'epochs=x')).stderr).toContain(
      '`epochs` must be',
    );
  });

  it('finds runs by the beginning of their id, from a folder below, and lists candidates', async () => {
    const below = join(cli.folder, 'data', 'deeper');
    mkdirSync(below, { recursive: true });
    const { code, stdout } = await cli.start(['show', newest().id.slice(0, -1)], { cwd: below }).result;
    expect(code).toBe(0);
    expect(stdout).toContain(newest().id);
    const many = await cli.run('show', 'sft-');
    expect(many.code).toBe(2);
    expect(many.stderr).toMatch(/beginning of \d+ runs/);
    expect((await cli.run('show', 'nothing')).stderr).toContain('There is no run "nothing"');
    const elsewhere = await cli.run('runs', '-C', cli.folder, '--stage', 'sft', '--json');
    const found = JSON.parse(elsewhere.stdout) as { id: string }[];
    expect(found.map(({ id }) => id)).toContain(newest().id);
    expect(await cli.json('runs', '-C', cli.folder, '--stage', 'none')).toEqual([]);
    rmSync(below, { recursive: true });
  });

  it('leaves the folder of the config with nothing but .align', () => {
    expect(readFileSync(join(cli.folder, '.align', '.gitignore'), 'utf8')).toBe('*\n');
    expect(existsSync(join(cli.folder, 'runs'))).toBe(false);
  });
});

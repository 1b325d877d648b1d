import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RunWatcher, type RunChange } from '../../src/runs/watch';
import { RunWriter } from '../../src/runs/writer';
import { emptyFolder, newRun, worker } from './processes';

const told = (changes: readonly RunChange[]): string[] =>
  changes.map(({ kind, info }) => `${kind} ${info.run.stage} ${info.state}`).sort();

describe('RunWatcher', () => {
  it('tells what changed and nothing else', async () => {
    const folder = emptyFolder();
    const watcher = new RunWatcher(folder, { notify: false });
    expect(await watcher.look()).toEqual([]);
    const sft = newRun('sft', folder);
    const dpo = newRun('dpo', folder);
    expect(told(await watcher.look())).toEqual(['added dpo queued', 'added sft queued']);
    expect(await watcher.look()).toEqual([]);
    const writer = RunWriter.open(sft);
    writer.setState('running');
    expect(told(await watcher.look())).toEqual(['changed sft running']);
    writer.update({});
    expect(await watcher.look()).toEqual([]);
    writer.update({ step: 5 });
    expect(told(await watcher.look())).toEqual(['changed sft running']);
    writer.close('done');
    expect(told(await watcher.look())).toEqual(['changed sft done']);
    fs.rmSync(dpo.path, { recursive: true });
    expect(told(await watcher.look())).toEqual(['removed dpo queued']);
    expect(watcher.runs.map(({ id }) => id)).toEqual([sft.id]);
    watcher.dispose();
  });

  it('sees a process die and an ended run come back to life', async () => {
    const folder = emptyFolder();
    const dir = newRun('sft', folder);
    const watcher = new RunWatcher(folder, { notify: false });
    const trainer = worker('hold', dir.path);
    await trainer.told(1);
    const writer = worker('run', newRun('dpo', folder).path);
    await writer.told(2);
    expect(told(await watcher.look())).toEqual(['added dpo running', 'added sft queued']);
    await writer.kill();
    await trainer.kill();
    expect(told(await watcher.look())).toContain('changed dpo died');
    const revived = RunWriter.open(dir);
    revived.close('stopped');
    const seen: string[] = [];
    for (let look = 0; look < 4; look++) seen.push(...told(await watcher.look()));
    expect(seen).toContain('changed sft stopped');
    const again = RunWriter.open(dir);
    again.setState('running');
    for (let look = 0; look < 4; look++) seen.push(...told(await watcher.look()));
    expect(seen).toContain('changed sft running');
    again.close('done');
    watcher.dispose();
  });

  for (const notify of [true, false]) {
    it(`looks by itself, ${notify ? 'by notifications' : 'by polling'}`, async () => {
      const folder = emptyFolder();
      const dir = newRun('sft', folder);
      const watcher = new RunWatcher(folder, { notify, pollMs: notify ? 1 << 30 : 5 });
      const states: string[] = [];
      const done = new Promise<void>((resolve) => {
        watcher.onChange((changes) => {
          states.push(...told(changes));
          if (states.includes('changed sft done')) resolve();
        });
      });
      await watcher.start();
      expect(states).toEqual(['added sft queued']);
      const writer = RunWriter.open(dir);
      writer.setState('running');
      writer.close('done');
      await done;
      watcher.dispose();
      newRun('dpo', folder);
      expect(states.filter((state) => state.includes('dpo'))).toEqual([]);
    });
  }

  it('reads no file of 200 ended runs twice', async () => {
    const folder = emptyFolder();
    const writer = RunWriter.open(newRun('sft', folder));
    writer.close('done');
    const model = writer.dir;
    for (let copy = 1; copy < 200; copy++) {
      const path = `${model.path.slice(0, -4)}${copy.toString(16).padStart(4, '0')}`;
      if (path !== model.path) fs.cpSync(model.path, path, { recursive: true });
    }
    const watcher = new RunWatcher(folder, { notify: false });
    expect((await watcher.look()).length).toBeGreaterThanOrEqual(199);
    for (const { dir } of watcher.runs) {
      // A file of the same stamp with other content would be noticed if it were read.
      const { atime, mtime, size } = fs.statSync(dir.runFile);
      fs.writeFileSync(dir.runFile, 'x'.repeat(size));
      fs.utimesSync(dir.runFile, atime, mtime);
    }
    for (let look = 0; look < 8; look++) expect(await watcher.look()).toEqual([]);
    watcher.dispose();
  });
});

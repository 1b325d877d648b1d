import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlInbox, post } from '../../src/runs/control';
import { lockRun } from '../../src/runs/lock';
import { queueFolder, waitForTurn } from '../../src/runs/queue';
import { holders, takeTicket } from '../../src/runs/tickets';
import { ownIdentity } from '../../src/runs/process';
import { emptyFolder, newRun, worker } from './processes';

describe('the lock of a run directory', () => {
  it('lets one process in at a time, and all in the end', async () => {
    const dir = newRun();
    const workers = [1, 2, 3, 4].map(() => worker('lock', dir.path, 15));
    await Promise.all(workers.map((each) => each.done()));
    expect(workers.map((each) => each.messages.length)).toEqual([15, 15, 15, 15]);
    expect(holders(dir.lockFolder)).toEqual([]);
  });

  it('passes from killed processes to living ones, never to two', async () => {
    const dir = newRun();
    for (let round = 0; round < 4; round++) {
      const doomed = worker('lock', dir.path, 1e9);
      await doomed.told(1 + round * 3);
      const heirs = [worker('lock', dir.path, 5), worker('lock', dir.path, 5)];
      await doomed.kill();
      await Promise.all(heirs.map((each) => each.done()));
      expect(heirs.map((each) => each.messages.length)).toEqual([5, 5]);
    }
    lockRun(dir).release();
  });

  it('names the process that has it', async () => {
    const dir = newRun();
    const holder = worker('hold', dir.path);
    await holder.told(1);
    expect(() => lockRun(dir)).toThrow(`Another process already works on run ${dir.id} (${holder.child.pid} on `);
    await holder.kill();
    lockRun(dir).release();
  });

  it('refuses a second writer of the same process', () => {
    const dir = newRun();
    const first = lockRun(dir);
    expect(() => lockRun(dir)).toThrow('Another process already works');
    first.release();
    lockRun(dir).release();
  });
});

describe('the queue of a device', () => {
  it('gives turns one at a time to competing processes', async () => {
    const folder = emptyFolder();
    const workers = [1, 2, 3, 4].map(() => worker('queue', folder, 10));
    await Promise.all(workers.map((each) => each.done()));
    expect(workers.map((each) => each.messages.length)).toEqual([10, 10, 10, 10]);
    expect(holders(folder)).toEqual([]);
  });

  it('serves in order, tells the place, and passes over the dead', async () => {
    const folder = emptyFolder();
    const first = worker('device', folder);
    await first.told(1);
    const places: number[] = [];
    let second: Promise<{ release(): void }> | undefined;
    await new Promise<void>((resolve) => {
      second = waitForTurn({
        device: 'cpu',
        label: 'second',
        folder,
        pollMs: 1,
        onWait: (position) => {
          places.push(position);
          resolve();
        },
      });
    });
    expect(holders(folder).map((holder) => holder.label)).toEqual([String(first.child.pid), 'second']);
    await first.kill();
    const turn = await second;
    expect(places).toEqual([1]);
    expect(holders(folder).map((holder) => holder.label)).toEqual(['second']);
    turn?.release();
  });

  it('lets a run jump the queue, and later ones still wait for it', async () => {
    const folder = emptyFolder();
    const first = await waitForTurn({ device: 'cpu', label: 'first', folder });
    let asked = 0;
    const jumper = await waitForTurn({ device: 'cpu', label: 'jumper', folder, pollMs: 1, runNow: () => ++asked > 2 });
    expect([first.jumped, jumper.jumped]).toEqual([false, true]);
    first.release();
    const third = takeTicket(folder, 'third');
    expect(third.ahead().map((holder) => holder.label)).toEqual(['jumper']);
    jumper.release();
    expect(third.ahead()).toEqual([]);
    third.release();
  });

  it('leaves the queue when the wait is called off', async () => {
    const folder = emptyFolder();
    const first = await waitForTurn({ device: 'cpu', label: 'first', folder });
    const stop = new AbortController();
    const waiting = waitForTurn({
      device: 'cpu',
      label: 'second',
      folder,
      signal: stop.signal,
      onWait: () => stop.abort(new Error('stopped')),
    });
    await expect(waiting).rejects.toThrow('stopped');
    expect(holders(folder).map((holder) => holder.label)).toEqual(['first']);
    first.release();
  });

  it('takes a new ticket where a cleaner removed the old one', async () => {
    const folder = emptyFolder();
    const first = await waitForTurn({ device: 'cpu', label: 'first', folder });
    let cleaned = false;
    const second = waitForTurn({
      device: 'cpu',
      label: 'second',
      folder,
      pollMs: 1,
      onWait: () => {
        for (const holder of holders(folder)) {
          if (holder.label === 'second' && !cleaned) fs.rmSync(join(folder, holder.name));
        }
        cleaned = true;
        first.release();
      },
    });
    const turn = await second;
    expect(cleaned).toBe(true);
    turn.release();
  });

  it('keeps devices apart and the folder to its user', () => {
    const root = emptyFolder();
    const cpu = queueFolder('cpu', root);
    expect(queueFolder('webgpu', root)).not.toBe(cpu);
    if (process.platform !== 'win32') expect(fs.statSync(join(cpu, '..')).mode & 0o777).toBe(0o700);
    const other = emptyFolder();
    fs.symlinkSync(root, join(other, fs.readdirSync(root)[0] ?? ''), 'junction');
    expect(() => queueFolder('cpu', other)).toThrow('belongs to another user');
  });

  it('judges tickets that it cannot see by their age', () => {
    const folder = emptyFolder();
    const elsewhere = { ...ownIdentity(), host: 'another-host' };
    const ticket = takeTicket(folder, 'far', elsewhere);
    const later = Date.now() + 10 * 60_000;
    expect(holders(folder)).toHaveLength(1);
    expect(holders(folder, undefined, later)).toHaveLength(0);
    expect(ticket.valid()).toBe(false);
    ticket.release();
  });
});

describe('control requests', () => {
  it('of several processes arrive once each, those of one in order', async () => {
    const dir = newRun();
    const workers = [1, 2, 3].map(() => worker('post', dir.path, 20));
    const inbox = new ControlInbox(dir, (refused) => {
      throw new Error(refused.reason);
    });
    const seen = new Map<unknown, unknown[]>();
    const drain = (): void => {
      for (const { args } of inbox.drain()) seen.set(args?.from, [...(seen.get(args?.from) ?? []), args?.index]);
    };
    let running = true;
    const all = Promise.all(workers.map((each) => each.done())).finally(() => (running = false));
    while (running) {
      drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
    drain();
    const expected = Array.from({ length: 20 }, (_, index) => index);
    expect([...seen.values()]).toEqual([expected, expected, expected]);
    expect(fs.readdirSync(dir.controlFolder)).toEqual([]);
  });

  it('that are none are removed and reported, the others still served', () => {
    const dir = newRun();
    const old = new Date(Date.now() - 60_000);
    const write = (name: string, text: string): void => {
      fs.writeFileSync(join(dir.controlFolder, name), text);
      fs.utimesSync(join(dir.controlFolder, name), old, old);
    };
    write('1-stop.json', '{"v":1,"verb":"explode","time":1}');
    write('2-stop.json', '{"v":1,"ver');
    write('readme.txt', 'hello');
    write('3-pause.json', '{"v":1,"verb":"stop","time":1}');
    write('4-stop.json', '{"v":99,"verb":"stop","time":1}');
    fs.mkdirSync(join(dir.controlFolder, '5-stop.json'));
    post(dir, 'pause');
    post(dir, 'stop');
    const refused: string[] = [];
    const inbox = new ControlInbox(dir, ({ name }) => refused.push(name));
    expect(inbox.drain().map(({ verb }) => verb)).toEqual(['pause', 'stop']);
    expect(refused.sort()).toEqual([
      '1-stop.json',
      '2-stop.json',
      '3-pause.json',
      '4-stop.json',
      '5-stop.json',
      'readme.txt',
    ]);
    expect(fs.readdirSync(dir.controlFolder)).toEqual([]);
    expect(inbox.drain()).toEqual([]);
  });

  it('leaves a file whose content has not come yet', () => {
    const dir = newRun();
    const path = join(dir.controlFolder, `${Date.now()}-stop.json`);
    fs.writeFileSync(path, '');
    const inbox = new ControlInbox(dir, ({ reason }) => {
      throw new Error(reason);
    });
    expect(inbox.drain()).toEqual([]);
    fs.writeFileSync(path, '{"v":1,"verb":"stop","time":1}');
    expect(inbox.drain().map(({ verb }) => verb)).toEqual(['stop']);
  });
});

import { describe, expect, it } from 'vitest';
import { type StageMeasured, oneStep, speedRow, whole } from '../../bench/against-trl';
import { Bench } from '../../bench/bench';
import { parseOptions } from '../../bench/options';
import { Peers } from '../../bench/peers';

const ours = (seconds: number, steps: number[]): StageMeasured => ({
  seconds,
  step_seconds: steps,
  shares: {},
  mean_lengths: [],
  losses: [],
  peak_bytes: 1,
  folder: '',
});
const trl = (seconds: number, steps: number[]) => ({
  seconds,
  step_seconds: steps,
  prepare_seconds: 0,
  peak_bytes: null,
  trl: '1.16.0',
});

describe('what is compared', () => {
  it('is one step without the first ones, or the last where there are no more', () => {
    expect(oneStep(2)({ seconds: 20, step_seconds: [9, 8, 1, 2, 3] })).toBe(2);
    expect(oneStep(2)({ seconds: 20, step_seconds: [9, 8] })).toBe(8);
    expect(oneStep(2)({ seconds: 20, step_seconds: [9] })).toBe(9);
  });

  it('or the whole', () => {
    expect(whole({ seconds: 20, step_seconds: [9] })).toBe(20);
  });
});

describe('the row of a speed', () => {
  const marks = { row: 9, what: 'DPO', floor: 1.2, goal: 2, note: 'an epoch' };

  const bench = async (): Promise<Bench> => {
    const nowhere = await Peers.find('no-python-of-this-name');
    return new Bench(parseOptions([]), { usual: nowhere, ppo: nowhere }, '', () => undefined);
  };

  it('says how many times faster ours is, of the medians', async () => {
    const measured = {
      ours: [ours(2, []), ours(4, []), ours(3, [])],
      trl: [trl(6, []), trl(9, []), trl(5, [])],
    };
    const row = speedRow(await bench(), 'dpo.py', measured, whole, marks);
    expect(row).toMatchObject({ row: 9, ratio: 2, unit: '×', better: 'higher', floor: 1.2, goal: 2 });
    expect(row.peer).toContain('TRL 1.16.0');
  });

  it('stands without a peer, and says why', async () => {
    const row = speedRow(await bench(), 'dpo.py', { ours: [ours(2, [])], trl: [] }, whole, marks);
    expect(row.ratio).toBeNull();
    expect(row.peer).toBe('–');
    expect(row.note).toMatch(/^no peer: .*no-python-of-this-name.*; an epoch$/);
  });
});

import { describe, expect, it } from 'vitest';
import type { CurveRun, RowBatch } from '../../src/protocol/curves';
import { SeriesStore, withParents } from '../../webview/curves/series';

function run(id: string, parent: CurveRun['parent'] = null): CurveRun {
  return {
    id,
    stage: 'sft',
    label: '10:00',
    state: 'done',
    words: '',
    step: 0,
    steps: null,
    started: 0,
    parent,
    markers: [],
  };
}

function batch(id: string, from: number, steps: number[], columns: Record<string, number[]>): RowBatch {
  return {
    run: id,
    from,
    steps: Float64Array.from(steps),
    times: Float64Array.from(steps.map((step) => step * 1000)),
    columns: Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, Float64Array.from(values)])),
  };
}

const steps = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('series', () => {
  it('grow by deltas and know when rows are missing in between', () => {
    const store = new SeriesStore();
    expect(store.append(batch('a', 0, [1, 2], { loss: [3, 2] }))).toBe(true);
    expect(store.append(batch('a', 2, [3], { loss: [1] }))).toBe(true);
    expect(store.points('a', 'loss')?.values).toEqual([3, 2, 1]);
    expect(store.append(batch('a', 5, [6], { loss: [0] }))).toBe(false);
    expect(store.append(batch('a', 0, [1], { loss: [9] }))).toBe(true);
    expect(store.points('a', 'loss')?.values).toEqual([9]);
  });

  it('leave out rows that lack a metric and carry tokens over to them', () => {
    const store = new SeriesStore();
    store.append(batch('a', 0, [1, 1, 2], { loss: [3, NaN, 2], eval_loss: [NaN, 4, NaN], num_tokens: [10, NaN, 20] }));
    expect(store.points('a', 'loss')?.values).toEqual([3, 2]);
    expect(store.points('a', 'eval_loss')).toMatchObject({ steps: [1], values: [4], tokens: [10] });
    expect([...store.metrics(['a'])].sort()).toEqual(['eval_loss', 'loss', 'num_tokens']);
  });

  it('of a branch join the parent’s at the branch step, smoothed or not', () => {
    const store = new SeriesStore();
    const parent = run('p');
    const child = run('c', { run: 'p', step: 50 });
    const lookup = (id: string) => [parent, child].find((candidate) => candidate.id === id);
    store.append(
      batch('p', 0, steps(1, 100), { loss: steps(1, 100).map((step) => 5 - step / 50 + ((step * 7) % 5) / 10) }),
    );
    store.append(batch('c', 0, steps(51, 80), { loss: steps(51, 80).map(() => 2) }));
    for (const weight of [0, 0.6, 0.95]) {
      const whole = store.curve(parent, 'loss', 'step', weight, lookup);
      const branch = store.curve(child, 'loss', 'step', weight, lookup);
      expect(branch?.inherited).toBe(1);
      expect(branch?.x[0]).toBe(50);
      expect(branch?.x).toHaveLength(31);
      expect(branch?.smoothed[0]).toBeCloseTo(whole?.smoothed[49] ?? NaN, 12);
      expect(branch?.raw[0]).toBe(whole?.raw[49]);
    }
  });

  it('of a branch of a branch go back to the first run', () => {
    const store = new SeriesStore();
    const runs = [run('a'), run('b', { run: 'a', step: 4 }), run('c', { run: 'b', step: 6 })];
    const lookup = (id: string) => runs.find((candidate) => candidate.id === id);
    store.append(batch('a', 0, steps(1, 10), { loss: steps(1, 10).map(() => 1) }));
    store.append(batch('b', 0, steps(5, 10), { loss: steps(5, 10).map(() => 2) }));
    store.append(batch('c', 0, steps(7, 8), { loss: [3, 3] }));
    const curve = runs[2] && store.curve(runs[2], 'loss', 'step', 0, lookup);
    expect([...(curve?.x ?? [])]).toEqual([6, 7, 8]);
    expect([...(curve?.raw ?? [])]).toEqual([2, 3, 3]);
    expect(withParents(['c'], lookup)).toEqual(['c', 'b', 'a']);
  });

  it('stand without a parent that is gone, and do not hang on a circle', () => {
    const store = new SeriesStore();
    const runs = [run('a', { run: 'b', step: 1 }), run('b', { run: 'a', step: 1 }), run('c', { run: 'gone', step: 3 })];
    const lookup = (id: string) => runs.find((candidate) => candidate.id === id);
    for (const { id } of runs) store.append(batch(id, 0, [4, 5], { loss: [1, 2] }));
    for (const known of runs) expect(store.curve(known, 'loss', 'step', 0, lookup)?.x).toHaveLength(2);
    expect(withParents(['a'], lookup)).toEqual(['a', 'b']);
  });

  it('run along steps, tokens or seconds since the start', () => {
    const store = new SeriesStore();
    const known = { ...run('a'), started: 1000 };
    store.append(batch('a', 0, [1, 3], { loss: [2, 1], num_tokens: [100, 300] }));
    const along = (axis: 'step' | 'tokens' | 'time') => [
      ...(store.curve(known, 'loss', axis, 0, () => undefined)?.x ?? []),
    ];
    expect(along('step')).toEqual([1, 3]);
    expect(along('tokens')).toEqual([100, 300]);
    expect(along('time')).toEqual([0, 2]);
  });

  it('forget runs that are gone', () => {
    const store = new SeriesStore();
    store.append(batch('a', 0, [1], { loss: [1] }));
    store.keep(new Set(['b']));
    expect(store.has('a')).toBe(false);
  });
});

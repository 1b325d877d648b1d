import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curvesState, INITIAL_STATE, isFromCurves, isToCurves } from '../../src/protocol/curves';

const good = {
  id: 'sft-20250101-101010-abcd',
  stage: 'sft',
  label: '10:10',
  state: 'running',
  words: '1/2',
  step: 1,
  steps: 2,
  started: 0,
  parent: null,
  markers: [{ kind: 'samples', step: 1 }],
};
const column = Float64Array.of(1);

describe('messages', () => {
  it('of the editor are let in when they are whole', () => {
    expect(isToCurves({ type: 'runs', trusted: true, runs: [good] })).toBe(true);
    expect(isToCurves({ type: 'show', runs: ['a'] })).toBe(true);
    const batch = { run: 'a', from: 0, steps: column, times: column, columns: { loss: column } };
    expect(isToCurves({ type: 'rows', batches: [batch] })).toBe(true);
  });

  it.each([
    ['an unknown state', { type: 'runs', trusted: true, runs: [{ ...good, state: 'resting' }] }],
    ['a step that is no number', { type: 'runs', trusted: true, runs: [{ ...good, step: '1' }] }],
    [
      'a marker of an unknown kind',
      { type: 'runs', trusted: true, runs: [{ ...good, markers: [{ kind: 'x', step: 1 }] }] },
    ],
    ['no word on trust', { type: 'runs', runs: [] }],
    [
      'columns of another length',
      {
        type: 'rows',
        batches: [{ run: 'a', from: 0, steps: column, times: column, columns: { loss: Float64Array.of() } }],
      },
    ],
    [
      'columns that are plain lists',
      { type: 'rows', batches: [{ run: 'a', from: 0, steps: [1], times: [1], columns: {} }] },
    ],
    ['an unknown type', { type: 'close' }],
  ])('of the editor with %s are not', (_what, message) => {
    expect(isToCurves(message)).toBe(false);
  });

  it('of the panel are let in when they are whole', () => {
    expect(isFromCurves({ type: 'ready' })).toBe(true);
    expect(isFromCurves({ type: 'action', action: 'samples', run: 'a', step: 4 })).toBe(true);
    expect(isFromCurves({ type: 'action', action: 'deleteRun', run: 'a' })).toBe(false);
    expect(isFromCurves({ type: 'watch', runs: [1] })).toBe(false);
  });

  it('of any other shape are neither let in nor a crash', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(isToCurves(value)).toBe(false);
        expect(isFromCurves(value)).toBe(false);
        expect(curvesState(value)).toEqual(INITIAL_STATE);
      }),
    );
  });
});

describe('the kept state', () => {
  it('comes back as it was', () => {
    const chart = { axis: 'time', smoothing: 0.3, log: true, ignoreOutliers: true, table: true };
    const state = { v: 1, shown: ['a'], ...chart, view: 'frontier', reward: 'judge', rootKl: true };
    expect(curvesState(JSON.parse(JSON.stringify(state)))).toEqual(state);
  });

  it('is mended key by key', () => {
    expect(curvesState({ v: 1, shown: [2], axis: 'x', smoothing: 7, view: 'pie', reward: 4 })).toEqual({
      ...INITIAL_STATE,
      smoothing: 0.99,
    });
  });
});

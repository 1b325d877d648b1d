import { describe, expect, it } from 'vitest';
import { simulateLabels, type JudgedPair } from '../../../src/data/labels/simulated';
import { LabelStore } from '../../../src/data/labels/store';
import { readLabels } from '../../../src/data/labels/labels';
import { newFolder } from './rows';

const judged = (rest: Partial<JudgedPair> = {}): JudgedPair[] =>
  Array.from({ length: 4000 }, (_, n) => ({ id: `p${n}`, scoreA: 0, scoreB: 0, lengthA: 0, lengthB: 0, ...rest }));
const shareOfB = (pairs: JudgedPair[], annotator: Partial<Parameters<typeof simulateLabels>[0]>): number => {
  const labels = simulateLabels({ name: 'ada', sharpness: 1, ...annotator }, pairs);
  return labels.filter(({ value }) => value === 1).length / labels.length;
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Four standard deviations of a share of 4000 draws. */
const WITHIN = 4 * Math.sqrt(0.25 / 4000);

describe('simulated annotators', () => {
  it('choose by Bradley–Terry, with a taste for length and a share of flips', () => {
    const near = (share: number, p: number): void => expect(Math.abs(share - p)).toBeLessThan(WITHIN);
    near(shareOfB(judged({ scoreB: 0.2 }), { sharpness: 5 }), sigmoid(1));
    near(shareOfB(judged({ scoreA: 0.2, lengthB: 8 }), { sharpness: 2, lengthBias: 0.25 }), sigmoid(-0.4 + 2));
    near(shareOfB(judged({ scoreB: 1 }), { sharpness: 1000, noise: 0.1 }), 0.9);
    near(shareOfB(judged(), {}), 0.5);
  });

  it('call small differences a tie, whatever the noise', () => {
    const values = (scoreB: number): Set<unknown> =>
      new Set(
        simulateLabels({ name: 'ada', sharpness: 3, tieBand: 0.1, noise: 0.5 }, judged({ scoreB })).map(
          ({ value }) => value,
        ),
      );
    expect(values(0.09)).toEqual(new Set([0]));
    expect(values(-0.11)).toEqual(new Set([-1, 1]));
  });

  it('write the same rows every time; names and seeds differ; the order of pairs does not matter', async () => {
    const pairs = judged().slice(0, 50);
    const ada = { name: 'ada', sharpness: 1 };
    const once = simulateLabels(ada, pairs);
    expect(simulateLabels(ada, pairs)).toEqual(once);
    const valueOf = (list: typeof once): unknown => Object.fromEntries(list.map(({ pair, value }) => [pair, value]));
    expect(valueOf(simulateLabels(ada, [...pairs].reverse()))).toEqual(valueOf(once));
    expect(valueOf(simulateLabels({ ...ada, name: 'ben' }, pairs))).not.toEqual(valueOf(once));
    expect(valueOf(simulateLabels(ada, pairs, { seed: 1 }))).not.toEqual(valueOf(once));

    const folder = newFolder();
    for (let time = 0; time < 2; time++)
      await LabelStore.open(folder, { annotator: 'ada', clone: 'x1y2' }).appendAll(simulateLabels(ada, pairs));
    const { rows, repeated } = readLabels(folder);
    expect([rows.length, repeated]).toEqual([50, 0]);
    expect(rows.every(({ source }) => source === 'simulated')).toBe(true);
  });
});

import { expect, it } from 'vitest';
import type { Marker } from '../../src/protocol/curves';
import { samplesStep } from '../../webview/curves/samples-step';

it('takes the samples nearest to a step, and none where a run has none', () => {
  const markers: Marker[] = [
    { kind: 'samples', step: 100 },
    { kind: 'checkpoint', step: 150 },
    { kind: 'samples', step: 200 },
  ];
  expect([0, 149, 150, 151, 900].map((step) => samplesStep(markers, step))).toEqual([100, 100, 100, 200, 200]);
  expect(samplesStep([{ kind: 'checkpoint', step: 150 }], 150)).toBeUndefined();
});

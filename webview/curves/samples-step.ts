import type { Marker } from '../../src/protocol/curves';

/** The step whose samples are nearest to a step of the run; of two as near the earlier one. Undefined where it has none. */
export function samplesStep(markers: readonly Marker[], step: number): number | undefined {
  const steps = markers.filter(({ kind }) => kind === 'samples').map((marker) => marker.step);
  const distance = (one: number): number => Math.abs(one - step);
  return steps.sort((one, other) => distance(one) - distance(other) || one - other)[0];
}

import type { Rollout } from './rollout';

/** Numbers of answers, those to one prompt together, and the way back to the order of the answers. */
export interface GroupScores {
  values: number[][];
  back: (groups: readonly (readonly number[])[]) => number[];
}

export function groupsOf(rollouts: readonly Rollout[], value: (rollout: Rollout) => number): GroupScores {
  const places = new Map<number, number[]>();
  rollouts.forEach(({ group }, i) => places.set(group, [...(places.get(group) ?? []), i]));
  const groups = [...places.values()];
  return {
    values: groups.map((group) => group.map((i) => value(rollouts[i]))),
    back: (numbers) => {
      const flat = new Array<number>(rollouts.length).fill(0);
      groups.forEach((group, g) => group.forEach((i, k) => (flat[i] = numbers[g][k])));
      return flat;
    },
  };
}

import { describe, expect, it } from 'vitest';
import { ChosenDrop } from '../../src/stages/preferences/chosen-drop';

describe('the alarm of falling chosen answers', () => {
  const see = (drop: ChosenDrop, readings: readonly [number, number][]) =>
    readings.map(([chosen, margin], i) => drop.observe(i + 1, { chosen, margin }).alarm?.step);

  it('is raised once, after as many readings as patience says, and only while margins grow', () => {
    const falls: [number, number][] = [
      [0, 0],
      [-0.6, 1],
      [-0.7, 1],
      [-0.8, 2],
    ];
    expect(see(new ChosenDrop(0.5, 2), falls)).toEqual([undefined, undefined, 3, undefined]);
    expect(
      see(
        new ChosenDrop(0.5, 2),
        falls.map(([chosen]) => [chosen, -1]),
      ),
    ).toEqual(Array(4).fill(undefined));
    expect(see(new ChosenDrop(false, 1), falls)).toEqual(Array(4).fill(undefined));
  });

  it('measures from the first reading, and remembers it', () => {
    const drop = new ChosenDrop(0.5, 2);
    see(drop, [
      [3, 0],
      [2.4, 1],
    ]);
    const other = new ChosenDrop(0.5, 2);
    other.restore(drop.state());
    const { value, alarm } = other.observe(3, { chosen: 2, margin: 1 });
    expect(value).toBeCloseTo(1);
    expect(alarm).toMatchObject({ signal: 'chosen_drop', step: 3, threshold: 0.5 });
  });
});

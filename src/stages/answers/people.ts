import { effectiveLabels, type Label, readLabels, standingLabels } from '../../data/labels/labels';

const byPeople = ({ source }: Label): boolean => source !== 'simulated';

/** The pairs of a labels folder that have a label which cannot be made again. */
export function labeledByPeople(folder: string): Set<string> {
  return new Set(
    standingLabels(readLabels(folder).rows)
      .filter(byPeople)
      .map(({ pair }) => pair),
  );
}

/**
 * What people find of the pairs of a labels folder, by id: above 0 that b is better, below 0 that a is, 0 a tie. It is the
 * sum over annotators; both bad is a tie, a skip says nothing.
 */
export function votesOfPeople(folder: string): Map<string, number> {
  const votes = new Map<string, number>();
  for (const label of effectiveLabels(readLabels(folder).rows).labels) {
    if (!byPeople(label) || label.value === 'skip') continue;
    const side = label.value === 'both_bad' ? 0 : Math.sign(label.value);
    votes.set(label.pair, (votes.get(label.pair) ?? 0) + side);
  }
  return votes;
}

import { pairId } from '../../data/labels/pairs';
import type { Message } from '../../data/rows';
import type { Judge } from './results';
import { type Outcome, outcomeOf } from './win-rate';

/** The better score wins. */
export function scoreJudge(score: string): Judge {
  return {
    name: score,
    decide(_, { scores: mine }, { scores: theirs }) {
      const [own, base] = [mine[score], theirs[score]];
      return own === null || base === null ? null : outcomeOf(own, base);
    },
  };
}

/**
 * People decide, by their votes on pairs (see `votesOfPeople`). Two equal answers are a tie that nobody is asked about;
 * a pair without votes is decided by nobody.
 */
export function peopleJudge(votes: ReadonlyMap<string, number>): Judge {
  const side = (prompt: string | readonly Message[], a: string, b: string): number | undefined =>
    votes.get(pairId(prompt, a, b));
  return {
    name: 'people',
    decide({ prompt }, { text: mine }, { text: theirs }): Outcome | null {
      if (mine.trim() === theirs.trim()) return 0.5;
      const turned = side(prompt, mine, theirs);
      const vote = side(prompt, theirs, mine) ?? (turned === undefined ? undefined : -turned);
      return vote === undefined ? null : vote > 0 ? 1 : vote < 0 ? 0 : 0.5;
    },
  };
}

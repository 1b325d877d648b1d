import { shareOf } from '../../data/agreement/shares';
import type { Random } from '../../data/random';
import type { WinRate } from '../../data/evaluation/report';
import { meanOverPrompts, signTest } from './estimates';

/** What became of an answer beside the baseline's: 1 won, ½ a tie, 0 lost. */
export type Outcome = 0 | 0.5 | 1;

/** Scores that differ by less are a tie: the order of additions may make as much. */
const TIE = 1e-6;

/** The outcome of two scores. */
export function outcomeOf(score: number, baseline: number): Outcome {
  return Math.abs(score - baseline) < TIE ? 0.5 : score > baseline ? 1 : 0;
}

/** Win rate = (wins + ½ ties) / n over the outcomes of each prompt, with its 95 % interval. */
export function winRate(outcomes: readonly (readonly Outcome[])[], random: Random): WinRate {
  const all = outcomes.flat();
  const count = (outcome: Outcome): number => all.filter((value) => value === outcome).length;
  const [wins, ties, losses] = [count(1), count(0.5), count(0)];
  const ofPrompt = outcomes.map((values) => Math.sign(values.reduce<number>((sum, value) => sum + value - 0.5, 0)));
  const p = signTest(ofPrompt.filter((sign) => sign > 0).length, ofPrompt.filter((sign) => sign < 0).length);
  const counts = { wins, ties, losses, p };
  if (ties === 0 && outcomes.every(({ length }) => length <= 1)) {
    const { value, low, high } = shareOf(wins, all.length);
    return { ...counts, value, low, high, method: 'wilson' };
  }
  return { ...counts, ...meanOverPrompts(outcomes, random), method: 'bootstrap' };
}

import { escapeMarkdown, markdownTable } from '../markdown';
import type { Estimate } from '../agreement/bootstrap';
import type { EvaluationReport, WinRate } from './report';

/** `63 % [58, 68]`. */
export const percent = ({ value, low, high }: Estimate): string =>
  value === null ? '–' : `${round(value)} %${low === null || high === null ? '' : ` [${round(low)}, ${round(high)}]`}`;
const round = (share: number): string => (100 * share).toFixed(0);

/** `0.712 [0.690, 0.731]`. */
export const decimals = ({ value, low, high }: Estimate): string =>
  value === null ? '–' : `${fixed(value)}${low === null || high === null ? '' : ` [${fixed(low)}, ${fixed(high)}]`}`;
export const fixed = (value: number): string =>
  value
    .toFixed(3)
    .replace(/^-(0\.0+)$/, '$1')
    .replace('-', '−');

/** A difference, with its sign. */
export const signed = (estimate: Estimate): string =>
  estimate.value !== null && estimate.value > 0 ? `+${decimals(estimate)}` : decimals(estimate);
export const probability = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

/** What a win rate says: whether its interval leaves out an even chance, and on which side. */
export function verdict({ value, low, high }: Estimate): 'better' | 'worse' | 'even' {
  if (value !== null && low !== null && low > 0.5) return 'better';
  if (value !== null && high !== null && high < 0.5) return 'worse';
  return 'even';
}

const VERBS = {
  better: ['beats', 'beat'],
  even: ['is not told apart from', 'are not told apart from'],
  worse: ['loses to', 'lose to'],
} as const;

/** One sentence: `By oracle, dpo (wins 63 % [58, 68]) beats sft; ppo (52 % [47, 57]) is not told apart from it.` */
export function headline({ models, baseline, judge }: EvaluationReport): string {
  const rated = models.flatMap(({ model, sampled: { win_rate: rate } }) =>
    rate?.value == null ? [] : [{ model, rate, says: verdict(rate) }],
  );
  if (judge === null || rated.length === 0)
    return models.length === 1 ? 'One model, nothing to compare it with.' : `${models.length} models side by side.`;
  const groups = (['better', 'even', 'worse'] as const)
    .map((says) => ({ says, models: rated.filter((one) => one.says === says) }))
    .filter(({ models }) => models.length > 0);
  const parts = groups.map(({ says, models }, g) => {
    const named = models.map(
      ({ model, rate }, i) => `${escapeMarkdown(model)} (${g + i === 0 ? 'wins ' : ''}${percent(rate)})`,
    );
    const verb = VERBS[says][models.length === 1 ? 0 : 1];
    return `${listed(named)} ${verb} ${g === 0 ? escapeMarkdown(baseline) : 'it'}`;
  });
  return `By ${escapeMarkdown(judge)}, ${parts.join('; ')}.`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** The cells of a win rate: the rate, the counts, and p. */
export function winCells(rate: WinRate | null): string[] {
  if (rate === null || rate.value === null) return ['–', '–', '–'];
  return [percent(rate), `${rate.wins} / ${rate.ties} / ${rate.losses}`, probability(rate.p)];
}

/** Names to the left, figures to the right, on one line each. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const figures = (cell: string): string => (/\p{L}/u.test(cell) ? cell : cell.replaceAll(' ', '\u00a0'));
  return markdownTable(
    head,
    rows.map((cells) => cells.map(figures)),
    (column) => column > 0,
  );
}

const LONGEST_SHOWN = 300;

/** A text of a model or a file on one line, escaped and cut to what fits a page. */
export function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const cut = [...line].slice(0, LONGEST_SHOWN).join('');
  return cut === '' ? '_(nothing)_' : escapeMarkdown(cut === line ? line : `${cut} …`);
}

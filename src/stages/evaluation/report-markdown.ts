import { escapeMarkdown } from '../../data/agreement/markdown';
import type { Estimate } from './estimates';
import type { AnswersReport, EvaluationReport } from './report';
import type { WinRate } from './win-rate';

/** An answer of a model and the baseline's to the same prompt. */
export interface ComparedAnswers {
  model: string;
  prompt: string;
  answer: string;
  baseline: string;
  /** Which way the judge decided. */
  won: boolean;
}

const LONGEST_SHOWN = 300;

/** A report as a document: who won, tables with intervals, by tag, and answers that show it. Texts of models are escaped. */
export function reportMarkdown(
  report: EvaluationReport,
  examples: readonly ComparedAnswers[] = [],
  plot?: string,
): string {
  const { models, sampling, prompts, people } = report;
  const each = sampling.answers_per_prompt === 1 ? 'one answer' : `${sampling.answers_per_prompt} answers`;
  const asked = `${prompts} prompts, ${each} each at temperature ${sampling.temperature}.`;
  const greedy = models.flatMap(({ model, greedy }) => (greedy ? [{ model, part: greedy }] : []));
  const labeled =
    people &&
    `${people.labeled} of ${people.pairs} pairs have been compared by people${people.labeled < people.pairs ? '; label the rest and run the stage again' : ''}.`;
  const sections = [
    `# Evaluation: ${escapeMarkdown(report.stage)}`,
    `${headline(report)} ${asked}`,
    labeled ?? '',
    plot === undefined ? '' : `![Scores and win rates with their intervals](${plot})`,
    '## Sampled answers',
    answersTable(
      report,
      models.map(({ model, sampled }) => ({ model, part: sampled })),
    ),
    ...(greedy.length > 0 ? ['## Likeliest answers', answersTable(report, greedy)] : []),
    ...tagTables(report),
    ...exampleSection(examples, report.baseline),
    footnotes(report),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** One sentence: `dpo wins 63 % [58, 68] against sft, by oracle.` */
export function headline({ models, baseline, judge }: EvaluationReport): string {
  const parts = models.flatMap(({ model, sampled: { win_rate: rate } }) =>
    rate?.value == null ? [] : [`${escapeMarkdown(model)} wins ${percent(rate)}`],
  );
  if (judge === null || parts.length === 0)
    return models.length === 1 ? 'One model, nothing to compare it with.' : `${models.length} models side by side.`;
  return `${parts.join(', ')} against ${escapeMarkdown(baseline)}, by ${escapeMarkdown(judge)}.`;
}

function answersTable(report: EvaluationReport, rows: readonly { model: string; part: AnswersReport }[]): string {
  const { scores, judge, baseline } = report;
  const compared = rows.some(({ part }) => part.win_rate !== null);
  const several = scores.length > 0 && rows.length > 1;
  const head = [
    'model',
    ...scores.flatMap((score) => [escapeMarkdown(score), ...(several ? [`over ${escapeMarkdown(baseline)}`] : [])]),
    ...(compared ? [`wins by ${escapeMarkdown(judge ?? '')}`, 'won / tied / lost', 'p'] : []),
    'tokens',
    'ended',
  ];
  const body = rows.map(({ model, part }) => [
    escapeMarkdown(model),
    ...scores.flatMap((score) => [
      decimals(part.scores[score]),
      ...(several ? [score in part.gains ? signed(part.gains[score]) : '–'] : []),
    ]),
    ...(compared ? winCells(part.win_rate) : []),
    part.mean_length.value?.toFixed(1) ?? '–',
    part.eos_rate.value === null ? '–' : `${(100 * part.eos_rate.value).toFixed(0)} %`,
  ]);
  return table(head, body);
}

function winCells(rate: WinRate | null): string[] {
  if (rate === null || rate.value === null) return ['–', '–', '–'];
  return [percent(rate), `${rate.wins} / ${rate.ties} / ${rate.losses}`, probability(rate.p)];
}

function tagTables({ tags, models, scores, baseline, judge }: EvaluationReport): string[] {
  if (tags.length === 0) return [];
  const names = models.map(({ model }) => model);
  const byScore = scores.map((score) =>
    table(
      [`${escapeMarkdown(score)} by tag`, 'prompts', ...names.map(escapeMarkdown)],
      tags.map(({ tag, prompts, models }) => [
        escapeMarkdown(tag),
        String(prompts),
        ...names.map((name) => decimals(models[name].scores[score])),
      ]),
    ),
  );
  const others = names.filter((name) => name !== baseline);
  const wins =
    judge === null || others.length === 0
      ? []
      : [
          table(
            [`wins against ${escapeMarkdown(baseline)} by tag`, 'prompts', ...others.map(escapeMarkdown)],
            tags.map(({ tag, prompts, models }) => [
              escapeMarkdown(tag),
              String(prompts),
              ...others.map((name) => winCells(models[name].win_rate)[0]),
            ]),
          ),
        ];
  return ['## By tag', ...byScore, ...wins];
}

function exampleSection(examples: readonly ComparedAnswers[], baseline: string): string[] {
  if (examples.length === 0) return [];
  const lines = examples.map(({ model, prompt, answer, baseline: other, won }) => {
    const verdict = won ? 'won' : 'lost';
    return [
      `**${shown(prompt)}**`,
      `- ${escapeMarkdown(model)} (${verdict}): ${shown(answer)}`,
      `- ${escapeMarkdown(baseline)}: ${shown(other)}`,
    ].join('\n');
  });
  return ['## Where it was decided most clearly', ...lines];
}

function footnotes({ seed, models, sampling }: EvaluationReport): string {
  const failed = models.reduce((sum, { sampled, greedy }) => sum + sampled.unscored + (greedy?.unscored ?? 0), 0);
  const drawn = Object.entries(sampling)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  return [
    `_In brackets: 95 % intervals, by a bootstrap over prompts; of win rates without ties Wilson's. A tie is half a win. p: sign test over prompts. Sampled with ${escapeMarkdown(drawn)}, seed ${seed}; all models draw with the same random numbers._`,
    ...(failed > 0
      ? [`_${failed} answers lack a score, because a rule failed on them; they are left out of its means._`]
      : []),
  ].join('\n\n');
}

const percent = ({ value, low, high }: Estimate): string =>
  value === null ? '–' : `${round(value)} %${low === null || high === null ? '' : ` [${round(low)}, ${round(high)}]`}`;
const round = (share: number): string => (100 * share).toFixed(0);
const decimals = ({ value, low, high }: Estimate): string =>
  value === null ? '–' : `${fixed(value)}${low === null || high === null ? '' : ` [${fixed(low)}, ${fixed(high)}]`}`;
const fixed = (value: number): string => value.toFixed(3).replace(/^-(0\.0+)$/, '$1');
const signed = (estimate: Estimate): string =>
  estimate.value !== null && estimate.value > 0 ? `+${decimals(estimate)}` : decimals(estimate);
const probability = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

/** A text on one line, cut to what fits a page. */
function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const cut = [...line].slice(0, LONGEST_SHOWN).join('');
  return cut === '' ? '_(nothing)_' : escapeMarkdown(cut === line ? line : `${cut} …`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

import { escapeMarkdown, markdownTable } from '../markdown';
import type { AnswersReport, ComparedAnswers, EvaluationReport } from './report';
import { decimals, fixed, headline, listed, percent, shown, signed, table, winCells } from './wording';

/** What stands around a report, by where it is read. */
export interface ReportPlace {
  /** The address of the picture; undefined: none. */
  readonly plot?: string;
  /** Where a line of samples.jsonl can be read. */
  readonly sample?: (line: number) => string;
}

/**
 * A report as a document: in a sentence who won, a picture, tables with intervals, by tag, and answers that show it. Texts
 * of models and files are escaped.
 */
export function reportMarkdown(report: EvaluationReport, { plot, sample }: ReportPlace = {}): string {
  const { models, sampling, prompts, people } = report;
  const each = sampling['answers_per_prompt'] === 1 ? 'one answer' : `${sampling['answers_per_prompt']} answers`;
  const asked = `${prompts} prompts, ${each} each at temperature ${sampling['temperature']}.`;
  const greedy = models.flatMap(({ model, greedy }) => (greedy ? [{ model, part: greedy }] : []));
  const labeled =
    people &&
    `${people.labeled} of ${people.pairs} pairs have been compared by people${people.labeled < people.pairs ? '; label the rest and run the stage again' : ''}.`;
  const sections = [
    `# Evaluation: ${escapeMarkdown(report.stage)}`,
    `**${headline(report)}** ${asked}`,
    labeled ?? '',
    plot === undefined ? '' : `![Scores and win rates with their intervals](${plot})`,
    '## Sampled answers',
    answersTable(
      report,
      models.map(({ model, sampled }) => ({ model, part: sampled })),
    ),
    ...(greedy.length > 0 ? ['## Likeliest answers', answersTable(report, greedy)] : []),
    ...tagSection(report),
    ...exampleSection(report, sample),
    footnotes(report),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
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
      part.scores[score] ? decimals(part.scores[score]) : '–',
      ...(several ? [part.gains[score] ? signed(part.gains[score]) : '–'] : []),
    ]),
    ...(compared ? winCells(part.win_rate) : []),
    part.mean_length.value?.toFixed(1) ?? '–',
    part.eos_rate.value === null ? '–' : `${(100 * part.eos_rate.value).toFixed(0)} %`,
  ]);
  return table(head, body);
}

function tagSection(report: EvaluationReport): string[] {
  const { tags, models, scores, baseline, judge } = report;
  if (tags.length === 0) return [];
  const names = models.map(({ model }) => model);
  const byScore = scores.map((score) =>
    table(
      [`${escapeMarkdown(score)} by tag`, 'prompts', ...names.map(escapeMarkdown)],
      tags.map(({ tag, prompts, models }) => [
        escapeMarkdown(tag),
        String(prompts),
        ...names.map((name) => (models[name]?.scores[score] ? decimals(models[name].scores[score]) : '–')),
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
              ...others.map((name) => winCells(models[name]?.win_rate ?? null)[0] ?? '–'),
            ]),
          ),
        ];
  return ['## By tag', tagsInWords(report), ...wins, ...byScore];
}

/** Where each model did best and worst against the baseline: `dpo wins most on facts (71 %) and least on sums (49 %).` */
function tagsInWords({ tags, models, baseline }: EvaluationReport): string {
  const sentences = models.flatMap(({ model }) => {
    const rated = tags
      .flatMap(({ tag, models }) => {
        const rate = models[model]?.win_rate;
        return rate?.value == null ? [] : [{ tag, rate, value: rate.value }];
      })
      .sort((a, b) => b.value - a.value);
    const [most, least] = [rated[0], rated.at(-1)];
    if (model === baseline || !most || !least || most.value === least.value) return [];
    const part = ({ tag, rate }: typeof most): string => `${escapeMarkdown(tag)} (${percent(rate)})`;
    return [`${escapeMarkdown(model)} wins most on ${part(most)} and least on ${part(least)}.`];
  });
  return sentences.join(' ');
}

function exampleSection({ examples, baseline, models }: EvaluationReport, sample: ReportPlace['sample']): string[] {
  const sections = models.flatMap(({ model, sampled: { win_rate: rate } }) => {
    const own = examples.filter((example) => example.model === model);
    if (own.length === 0) return [];
    const counted = [
      { shown: own.filter(({ won }) => won).length, all: rate?.wins, word: 'won' },
      { shown: own.filter(({ won }) => !won).length, all: rate?.losses, word: 'lost' },
    ].flatMap(({ shown, all, word }) => (shown > 0 ? [`${shown} of ${all ?? '?'} ${word}`] : []));
    return [
      `### ${escapeMarkdown(model)} against ${escapeMarkdown(baseline)}`,
      `${listed(counted)}${sample ? '; a name leads to the whole answer' : ''}.`,
      ...own.map((example) => exampleTable(example, baseline, sample)),
    ];
  });
  return sections.length > 0 ? ['## Where it was decided most clearly', ...sections] : [];
}

/** The prompt over both answers, with what they scored; the names lead to the samples. */
function exampleTable(example: ComparedAnswers, baseline: string, sample: ReportPlace['sample']): string {
  const { model, prompt, answer, baseline: other, won, score, lines } = example;
  const name = (text: string, line: number): string =>
    sample ? `[${escapeMarkdown(text)}](${sample(line)})` : escapeMarkdown(text);
  const row = (name: string, value: number | null | undefined, text: string): string[] => [
    name,
    ...(score ? [value == null ? '–' : fixed(value)] : []),
    shown(text),
  ];
  const head = [won ? 'won' : 'lost', ...(score ? [escapeMarkdown(score.name)] : []), shown(prompt)];
  const cells = [
    row(name(model, lines.answer), score?.answer, answer),
    row(name(baseline, lines.baseline), score?.baseline, other),
  ];
  return markdownTable(head, cells, (column) => score !== null && column === 1);
}

function footnotes({ seed, models, sampling }: EvaluationReport): string {
  const failed = models.reduce((sum, { sampled, greedy }) => sum + sampled.unscored + (greedy?.unscored ?? 0), 0);
  const drawn = Object.entries(sampling)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  return [
    `_In brackets: 95 % intervals, by a bootstrap over prompts; of win rates without ties Wilson's. A tie is half a win. One model beats another where the interval of its wins lies above 50 %. p: sign test over prompts. Sampled with ${escapeMarkdown(drawn)}, seed ${seed}; all models draw with the same random numbers._`,
    ...(failed > 0
      ? [`_${failed} answers lack a score, because a rule failed on them; they are left out of its means._`]
      : []),
  ].join('\n\n');
}

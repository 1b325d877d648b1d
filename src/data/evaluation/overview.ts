import { escapeMarkdown, markdownTable } from '../markdown';
import type { Estimate } from '../agreement/bootstrap';
import { intervalPlot, modelLines, type Palette, type Panel } from './plot';
import type { EvaluationReport } from './report';
import { decimals, percent, table } from './wording';

/** The newest evaluation of an evaluate stage. */
export interface StageEvaluation {
  readonly report: EvaluationReport;
  /** When it ended, in words. */
  readonly when: string;
  /** Where its report can be read. */
  readonly link?: string;
}

/** The last run of a stage, as far as it tells how the stage went. */
export interface StageRun {
  readonly stage: string;
  readonly type: string;
  /** Its state and when, in words. */
  readonly words: string;
  /** What it says of itself, such as `eval loss 1.92`. */
  readonly figures: readonly string[];
}

export interface Overview {
  /** The config file, by its name. */
  readonly config: string;
  /** All stages of the config that have run, in its order. */
  readonly runs: readonly StageRun[];
  readonly evaluations: readonly StageEvaluation[];
}

/** A model under one evaluation. */
interface Row {
  readonly model: EvaluationReport['models'][number];
  readonly evaluation: StageEvaluation;
}

/**
 * All stages of a config in one document: how each model scores, with intervals, in the newest evaluation of every
 * evaluate stage, and what each stage's last run says of itself. Names from files are escaped.
 */
export function overviewMarkdown(overview: Overview, plot?: string): string {
  const { config, evaluations, runs } = overview;
  const rows = rowsOf(overview);
  const none =
    'No evaluation has ended yet. A stage of type evaluate scores the models side by side; run one from the config.';
  const sections = [
    `# Stages of ${escapeMarkdown(config)}`,
    rows.length === 0 ? none : `**${bestInWords(rows)}** ${countedInWords(evaluations)}`,
    plot === undefined || rows.length === 0 ? '' : `![Scores of all models with their intervals](${plot})`,
    ...(rows.length === 0 ? [] : ['## Scores', scoresTable(rows)]),
    ...(runs.length === 0 ? [] : ['## Training', runsTable(runs)]),
    '_In brackets: 95 % intervals. Scores of different evaluations are of different prompts; compare within one._',
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Every score of every model as a point with its interval, a panel a score and evaluation. */
export function overviewPlot(overview: Overview, palette?: Palette): string {
  const several = overview.evaluations.length > 1;
  const rows = rowsOf(overview);
  const panels = overview.evaluations.flatMap(({ report }): Panel[] =>
    report.scores.map((score) => {
      const models = rows.filter(({ evaluation }) => evaluation.report === report).map(({ model }) => model);
      const base = models.find(({ baseline }) => baseline);
      return {
        title: several ? `${score}, in ${report.stage}` : score,
        mark: base?.sampled.scores[score]?.value ?? null,
        lines: models.flatMap(({ model, sampled, greedy }) =>
          modelLines(model, sampled.scores[score], greedy?.scores[score]),
        ),
      };
    }),
  );
  return intervalPlot('Scores of all models with 95 % intervals', panels, palette);
}

/** The models in the order of their stages; those that are no stage come first, since stages start from them. */
function rowsOf({ runs, evaluations }: Overview): Row[] {
  const place = ({ model }: Row): number => runs.findIndex(({ stage }) => stage === model.model);
  const rows = evaluations.flatMap((evaluation) => evaluation.report.models.map((model) => ({ model, evaluation })));
  return rows.sort((a, b) => place(a) - place(b));
}

/** `By oracle ppo is best: 0.712 [0.690, 0.731].` For each score of the first evaluation that has it. */
function bestInWords(rows: readonly Row[]): string {
  const scores = [...new Set(rows.flatMap(({ evaluation }) => evaluation.report.scores))];
  const sentences = scores.flatMap((score) => {
    const evaluation = rows.find(({ evaluation }) => evaluation.report.scores.includes(score))?.evaluation;
    const scored = rows.flatMap(({ model: { model, sampled }, evaluation: own }) => {
      const estimate = sampled.scores[score];
      return own === evaluation && estimate?.value != null ? [{ model, estimate, value: estimate.value }] : [];
    });
    const [best] = scored.sort((a, b) => b.value - a.value);
    return best
      ? [`By ${escapeMarkdown(score)} ${escapeMarkdown(best.model)} is best: ${decimals(best.estimate)}.`]
      : [];
  });
  return sentences.length > 0 ? sentences.join(' ') : 'Nothing scored the answers.';
}

function countedInWords(evaluations: readonly StageEvaluation[]): string {
  const parts = evaluations.map(({ report: { stage, prompts }, when, link }) => {
    const name = link === undefined ? escapeMarkdown(stage) : `[${escapeMarkdown(stage)}](${link})`;
    return `${name} (${prompts} prompts, ${when})`;
  });
  return `Found by ${parts.join(', ')}.`;
}

function scoresTable(rows: readonly Row[]): string {
  const scores = [...new Set(rows.flatMap(({ evaluation }) => evaluation.report.scores))];
  const greedy = rows.some(({ model }) => model.greedy !== null);
  const several = new Set(rows.map(({ evaluation }) => evaluation)).size > 1;
  const cell = (estimate: Estimate | null | undefined, write = decimals): string =>
    estimate?.value == null ? '–' : write(estimate);
  const head = [
    'model',
    ...(several ? ['in'] : []),
    ...scores.flatMap((score) => [escapeMarkdown(score), ...(greedy ? [`${escapeMarkdown(score)}, greedy`] : [])]),
    'wins',
    'against',
    'tokens',
  ];
  const body = rows.map(({ model: { model, baseline, sampled, greedy: likeliest }, evaluation: { report } }) => [
    escapeMarkdown(model),
    ...(several ? [escapeMarkdown(report.stage)] : []),
    ...scores.flatMap((score) => [cell(sampled.scores[score]), ...(greedy ? [cell(likeliest?.scores[score])] : [])]),
    cell(sampled.win_rate, percent),
    baseline ? '–' : escapeMarkdown(report.baseline),
    sampled.mean_length.value?.toFixed(1) ?? '–',
  ]);
  return table(head, body);
}

function runsTable(runs: readonly StageRun[]): string {
  const body = runs.map(({ stage, type, words, figures }) => [
    escapeMarkdown(stage),
    escapeMarkdown(type),
    escapeMarkdown(words),
    figures.map(escapeMarkdown).join(' · ') || '–',
  ]);
  return markdownTable(['stage', 'type', 'last run', 'figures'], body);
}

import { join, relative } from 'node:path';
import type { ModelSource, ResolvedStage } from '../config/experiment';
import type { EvaluateConfig } from '../config/schema/experiment';
import { replaceFile } from '../data/durable';
import { reportMarkdown } from '../data/evaluation/markdown';
import { reportPlot } from '../data/evaluation/plot';
import { type AnswersReport, type EvaluationReport, REPORT_FILE } from '../data/evaluation/report';
import { headline } from '../data/evaluation/wording';
import { type PairDraft, PAIRS_FILE } from '../data/labels/pairs';
import { writePairs } from '../data/labels/pairs-writer';
import type { StageContext } from './context';
import { peopleJudge, scoreJudge } from './evaluation/judges';
import { evaluationReport } from './evaluation/report';
import type { EvaluationResults, Judge, JudgedAnswer } from './evaluation/results';
import { labeledByPeople, votesOfPeople } from './answers/people';
import type { PromptRow } from './answers/prompts';
import { commonPrompts, Respondent, samplingOf } from './answers/respondent';
import { ScoreColumns } from './answers/score-columns';
import type { Job, Metrics, Sample } from './task';

/** Prompts that are answered between two looks at what was asked of the run. */
const PIECE = 64;
/** In the provenance of its pairs. */
const SOURCE = 'evaluation';

/** The files of a finished evaluation in its run's folder. */
export const REPORT_FILES = { markdown: 'report.md', json: REPORT_FILE, plot: 'report.svg' } as const;

/**
 * Models side by side on held-out prompts: each answers at the stage's temperature and by its likeliest tokens, scores and
 * a judge say what the answers are worth, and a report with intervals says what of it is more than chance.
 */
export async function prepareEvaluate(
  stage: ResolvedStage,
  config: EvaluateConfig,
  context: StageContext,
): Promise<Job> {
  const { models, baseline, reward, judge } = stage.sources;
  const sources = [...models];
  const isBaseline = (source: ModelSource): boolean => JSON.stringify(source) === JSON.stringify(baseline);
  if (baseline !== null && !sources.some(isBaseline)) sources.push(baseline);
  const respondents = sources.map(
    (source, i) =>
      new Respondent(stage, source, context.folderOf(i < models.length ? `models[${i}]` : 'baseline', source), context),
  );
  const columns = await ScoreColumns.open(reward, judge === 'people' ? null : judge, context);
  try {
    const base = respondents[Math.max(0, sources.findIndex(isBaseline))];
    return new EvaluateJob(stage, config, context, respondents, base, columns);
  } catch (error) {
    columns.release();
    throw error;
  }
}

/** One piece of work: some of a model's answers. */
interface Piece {
  model: number;
  kind: 'sampled' | 'greedy';
  from: number;
  /** The last of this model and kind. */
  last: boolean;
}

class EvaluateJob implements Job {
  readonly totalSteps: number;
  /** Each model's reading of the prompts. */
  private readonly prompts: readonly PromptRow[][];
  private readonly pieces: readonly Piece[];
  private readonly answers: Record<Piece['kind'], JudgedAnswer[][]>[];
  private done = 0;
  private given = 0;

  constructor(
    private readonly stage: ResolvedStage,
    private readonly config: EvaluateConfig,
    private readonly context: StageContext,
    private readonly respondents: readonly Respondent[],
    private readonly baseline: Respondent,
    private readonly columns: ScoreColumns,
  ) {
    this.prompts = commonPrompts(respondents, config.max_new_tokens, context.warn);
    this.answers = respondents.map(() => ({ sampled: [], greedy: [] }));
    const kinds = config.greedy ? (['sampled', 'greedy'] as const) : (['sampled'] as const);
    const { length } = this.prompts[0];
    this.pieces = respondents.flatMap((_, model) =>
      kinds.flatMap((kind) =>
        Array.from({ length: Math.ceil(length / PIECE) }, (_, i): Piece => {
          const from = i * PIECE;
          return { model, kind, from, last: from + PIECE >= length };
        }),
      ),
    );
    this.totalSteps = this.pieces.length;
  }

  async step(): Promise<{ metrics: Metrics; samples: readonly Sample[] }> {
    const { model, kind, from, last } = this.pieces[this.done++];
    const { config } = this;
    const respondent = this.respondents[model];
    const prompts = this.prompts[model].slice(from, from + PIECE);
    const greedy = kind === 'greedy';
    const { max_new_tokens } = config;
    const given = await respondent.answer(
      prompts,
      greedy
        ? { count: 1, sampling: { temperature: 0, top_p: null, top_k: null, max_new_tokens } }
        : { count: config.answers_per_prompt, sampling: config },
    );
    const scores = await this.columns.score(
      prompts.flatMap((prompt, p) => given[p].map((answer) => ({ prompt, answer }))),
    );
    let next = 0;
    // samples.jsonl has the answers in the order in which they are given
    const judged = given.map((list) =>
      list.map((answer): JudgedAnswer => ({ ...answer, scores: scores[next++], line: this.given + next })),
    );
    this.answers[model][kind].push(...judged);
    if (last && (greedy || !config.greedy)) respondent.release();
    const samples = prompts.flatMap((prompt, p) =>
      judged[p].map((answer, i) => sampleOf(respondent.name, prompt, answer, greedy ? 'greedy' : i)),
    );
    this.given += samples.length;
    return { metrics: { answers: this.given }, samples };
  }

  async finish(): Promise<Metrics> {
    const { stage, context } = this;
    for (const { name, count, first } of this.columns.failures())
      context.warn(`${name} failed on ${count} answers, which have no such score: ${first}`);
    const { judge, people } = this.judge();
    const results = this.results(judge, people);
    const report = evaluationReport(results);
    const write = (name: string, text: string): void => replaceFile(join(context.runFolder, name), text);
    write(REPORT_FILES.json, `${JSON.stringify(report, null, 2)}\n`);
    write(REPORT_FILES.plot, reportPlot(report));
    write(
      REPORT_FILES.markdown,
      reportMarkdown(report, { plot: REPORT_FILES.plot, sample: (line) => `samples.jsonl#L${line}` }),
    );
    const message = headline(report);
    const place = relative(stage.folder, join(context.runFolder, REPORT_FILES.markdown)).replaceAll('\\', '/');
    context.say(`${message} ${place}`);
    context.note('report', { message, file: place });
    return { answers: this.given, ...metricsOf(report) };
  }

  release(): void {
    for (const respondent of this.respondents) respondent.release();
    this.columns.release();
  }

  /** A score decides, or people, who get pairs to compare where they have not yet. */
  private judge(): { judge: Judge | null; people: EvaluationResults['people'] } {
    if (this.stage.sources.judge === 'people') {
      const folder = join(this.stage.folder, 'labels', this.stage.name);
      const labeled = (): Set<string> => labeledByPeople(folder);
      const { pairs } = writePairs(join(folder, PAIRS_FILE), this.pairs(), { labeled, source: SOURCE });
      const votes = votesOfPeople(folder);
      const judged = pairs.filter(({ id }) => votes.has(id)).length;
      return { judge: peopleJudge(votes), people: { pairs: pairs.length, labeled: judged } };
    }
    const { judge } = this.columns;
    return { judge: judge === null ? null : scoreJudge(judge), people: null };
  }

  /** Every model's sampled answers beside the baseline's. */
  private pairs(): PairDraft[] {
    const { seed } = this.stage;
    const sampling = { ...samplingOf(this.config) };
    const base = this.respondents.indexOf(this.baseline);
    const of = ({ name, run }: Respondent, sample: number) => ({ model: name, run, sample, seed, sampling });
    return this.respondents.flatMap((respondent, m) =>
      m === base
        ? []
        : this.prompts[m].flatMap(({ prompt, tags }, p) =>
            this.answers[m].sampled[p].map((answer, i): PairDraft => ({
              prompt,
              a: this.answers[base].sampled[p][i].text,
              b: answer.text,
              tags: [...tags],
              provenance: { source: SOURCE, a: of(this.baseline, i), b: of(respondent, i) },
            })),
          ),
    );
  }

  private results(judge: Judge | null, people: EvaluationResults['people']): EvaluationResults {
    const { stage, config, columns } = this;
    return {
      stage: stage.name,
      seed: stage.seed,
      sampling: { answers_per_prompt: config.answers_per_prompt, ...samplingOf(config) },
      prompts: this.prompts[0],
      models: this.respondents.map(({ name, run }, m) => {
        const { sampled, greedy } = this.answers[m];
        return { name, run, sampled, greedy: config.greedy ? greedy : null };
      }),
      baseline: this.baseline.name,
      judge,
      scores: columns.names,
      people,
    };
  }
}

function sampleOf(
  model: string,
  { prompt, row, tags }: PromptRow,
  { text, finish, tokens, scores }: JudgedAnswer,
  which: number | 'greedy',
): Sample {
  const known = Object.entries(scores).filter((entry): entry is [string, number] => entry[1] !== null);
  return {
    prompt,
    answer: text,
    row,
    finish,
    tokens,
    model,
    ...(which === 'greedy' ? { greedy: true } : { sample: which }),
    ...(tags.length ? { tags } : {}),
    ...(known.length ? { scores: Object.fromEntries(known) } : {}),
  };
}

/**
 * The report as one row of metrics. `<model>/…`: `answers`, `mean_length`, `eos_rate`, each score by its name, `win_rate`
 * with `win_rate_low` and `win_rate_high`; of greedy answers the same with `_greedy` behind.
 */
function metricsOf({ models }: EvaluationReport): Metrics {
  const metrics: Metrics = {};
  const set = (name: string, value: number | null | undefined): void => {
    if (value != null) metrics[name] = value;
  };
  const put = (model: string, part: AnswersReport, suffix: string): void => {
    const { answers, mean_length, eos_rate, scores, win_rate } = part;
    if (suffix === '') set(`${model}/answers`, answers);
    set(`${model}/mean_length${suffix}`, mean_length.value);
    set(`${model}/eos_rate${suffix}`, eos_rate.value);
    for (const [score, { value }] of Object.entries(scores)) set(`${model}/${score}${suffix}`, value);
    set(`${model}/win_rate${suffix}`, win_rate?.value);
    set(`${model}/win_rate${suffix}_low`, win_rate?.low);
    set(`${model}/win_rate${suffix}_high`, win_rate?.high);
  };
  for (const { model, sampled, greedy } of models) {
    put(model, sampled, '');
    if (greedy) put(model, greedy, '_greedy');
  }
  return metrics;
}

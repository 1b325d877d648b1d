import { join, relative, resolve } from 'node:path';
import type { ResolvedStage } from '../config/experiment';
import type { GenerateConfig } from '../config/schema/experiment';
import type { JsonObject } from '../data/jsonl';
import { type AnswerProvenance, type Pair, type PairDraft, PAIRS_FILE, promptToJson } from '../data/labels/pairs';
import { usablePairs, writePairs } from '../data/labels/pairs-writer';
import { Random } from '../data/random';
import type { StageContext } from './context';
import { labeledByPeople } from './answers/people';
import type { PromptRow } from './answers/prompts';
import { type Answer, commonPrompts, Respondent, ruleRow, samplingOf } from './answers/respondent';
import { writeSimulatedLabels } from './answers/simulated-annotators';
import type { Job, Metrics, Sample } from './task';
import { missingModel } from './training/texts';

/** Prompts that are answered between two looks at what was asked of the run. */
const PIECE = 64;
/** In the provenance of its pairs. */
const SOURCE = 'generated';

/**
 * Answers to prompts, and pairs of them to compare, in `labels/<stage>/pairs.jsonl` beside the config file. A pair has two
 * answers of one model, or one of each of two (stages, or folders such as the checkpoints of a run). Pairs that people
 * have labeled, or sent here, stay when answers are generated again.
 */
export async function prepareGenerate(
  stage: ResolvedStage,
  config: GenerateConfig,
  context: StageContext,
): Promise<Job> {
  const { models } = stage.sources;
  if (models.length === 0) throw missingModel(stage);
  const respondents = models.map(
    (source, i) =>
      new Respondent(
        stage,
        source,
        context.folderOf(config.models === null ? 'model' : `models[${i}]`, source),
        context,
      ),
  );
  return new GenerateJob(stage, config, respondents, context);
}

/** An answer and which it is: `sample` counts over all models' answers to the prompt. */
interface Given extends Answer {
  respondent: number;
  sample: number;
}

class GenerateJob implements Job {
  readonly totalSteps: number;
  /** Each model's reading of the prompts. */
  private readonly prompts: readonly PromptRow[][];
  private readonly drafts: PairDraft[] = [];
  private readonly totals: Totals[];
  /** The row and the end of every answer, for rules. */
  private readonly rows = new Map<string, JsonObject>();
  private piece = 0;

  constructor(
    private readonly stage: ResolvedStage,
    private readonly config: GenerateConfig,
    private readonly respondents: readonly Respondent[],
    private readonly context: StageContext,
  ) {
    this.prompts = commonPrompts(respondents, config.max_new_tokens, context.warn);
    this.totals = respondents.map(() => new Totals());
    this.totalSteps = Math.ceil(this.prompts[0].length / PIECE);
  }

  async step(): Promise<{ metrics: Metrics; samples: readonly Sample[] }> {
    const { respondents, config } = this;
    const from = PIECE * this.piece++;
    const prompts = this.prompts.map((list) => list.slice(from, from + PIECE));
    const { answers_per_prompt: count } = config;
    const answers: Answer[][][] = [];
    for (const [m, respondent] of respondents.entries())
      answers.push(await respondent.answer(prompts[m], { count, first: m * count, sampling: config }));
    const samples = prompts[0].flatMap((prompt, p) => {
      const given = answers.map((list, respondent) =>
        list[p].map((answer, i): Given => ({ ...answer, respondent, sample: respondent * count + i })),
      );
      for (const answer of given.flat()) this.take(prompt, answer);
      this.drafts.push(...this.pairsOf(prompt, given));
      return given.flat().map((answer) => this.sampleOf(prompt, answer));
    });
    return { metrics: this.metrics(), samples };
  }

  async finish(): Promise<Metrics> {
    const { stage, config, context } = this;
    const folder = join(stage.folder, 'labels', stage.name);
    const usable = usablePairs(this.drafts);
    const drawn = this.draw(usable.pairs);
    const labeled = (): Set<string> => labeledByPeople(folder);
    const written = writePairs(join(folder, PAIRS_FILE), drawn, { labeled, source: SOURCE });
    for (const { line, message } of written.faults) context.warn(`${PAIRS_FILE}:${line}: ${message}; the line stays.`);
    const labels = await writeSimulatedLabels(config.annotators, written.pairs, {
      folder,
      seed: stage.seed,
      ruleFile: (file) => resolve(stage.folder, file),
      rowOf: ({ prompt }, answer) => this.rows.get(answerKey(prompt, answer)) ?? null,
      warn: context.warn,
      say: context.say,
    });
    const { equal, empty, duplicates } = usable;
    const { added, kept, removed } = written;
    const place = relative(stage.folder, join(folder, PAIRS_FILE)).replaceAll('\\', '/');
    const message = `${written.pairs.length} pairs in ${place}: ${added} new, ${kept} kept of before; left out ${equal} with equal answers, ${empty} with an empty one.`;
    context.say(message);
    context.note('pairs', { message, file: place });
    if (written.pairs.length === 0)
      context.warn(
        'No pair has two different answers: there is nothing to compare. Raise `temperature` or `answers_per_prompt`.',
      );
    return {
      ...this.metrics(),
      pairs: written.pairs.length,
      equal,
      empty,
      duplicates,
      pairs_added: added,
      pairs_kept: kept,
      pairs_removed: removed,
      ...labels,
    };
  }

  release(): void {
    for (const respondent of this.respondents) respondent.release();
  }

  private take(prompt: PromptRow, answer: Given): void {
    this.totals[answer.respondent].add(answer);
    const key = answerKey(prompt.prompt, answer.text);
    if (!this.rows.has(key)) this.rows.set(key, ruleRow(prompt, answer));
  }

  /** Every answer against every later one of the same model; of two models, every one against every one. */
  private pairsOf(prompt: PromptRow, given: readonly Given[][]): PairDraft[] {
    const [first, second] = given;
    const couples = second
      ? first.flatMap((a) => second.map((b) => [a, b] as const))
      : first.flatMap((a, i) => first.slice(i + 1).map((b) => [a, b] as const));
    return couples.map(([a, b]) => ({
      prompt: prompt.prompt,
      a: a.text,
      b: b.text,
      tags: [...prompt.tags],
      provenance: { source: SOURCE, a: this.provenance(a), b: this.provenance(b) },
    }));
  }

  private provenance({ respondent, sample }: Given): AnswerProvenance {
    const { name, run, step } = this.respondents[respondent];
    return {
      model: name,
      ...(run === undefined ? {} : { run }),
      ...(step === undefined ? {} : { step }),
      sample,
      seed: this.stage.seed,
      sampling: { ...samplingOf(this.config) },
    };
  }

  private sampleOf({ prompt, row, tags }: PromptRow, { text, finish, tokens, respondent, sample }: Given): Sample {
    const model = this.respondents.length > 1 ? { model: this.respondents[respondent].name } : {};
    return { prompt, answer: text, row, finish, tokens, sample, ...(tags.length ? { tags } : {}), ...model };
  }

  /** At most `max_pairs` of the pairs, drawn by the seed, in the order of the prompts. */
  private draw(pairs: readonly Pair[]): Pair[] {
    const { max_pairs: most } = this.config;
    if (most === null || pairs.length <= most) return [...pairs];
    const order = Random.from(this.stage.seed, this.stage.name, 'pairs').permutation(pairs.length);
    return [...order.slice(0, most)].sort((x, y) => x - y).map((i) => pairs[i]);
  }

  /** `answers`, `mean_length` in tokens and `eos_rate`, of several models each with `<model>/` before it. */
  private metrics(): Metrics {
    if (this.respondents.length === 1) return this.totals[0].metrics('');
    const parts = this.respondents.map(({ name }, i) => this.totals[i].metrics(`${name}/`));
    return parts.reduce((all, part) => ({ ...all, ...part }), {});
  }
}

class Totals {
  private answers = 0;
  private tokens = 0;
  private ended = 0;

  add({ tokens, finish }: Answer): void {
    this.answers++;
    this.tokens += tokens;
    if (finish === 'stop') this.ended++;
  }

  metrics(prefix: string): Metrics {
    const { answers, tokens, ended } = this;
    return {
      [`${prefix}answers`]: answers,
      [`${prefix}mean_length`]: tokens / Math.max(1, answers),
      [`${prefix}eos_rate`]: ended / Math.max(1, answers),
    };
  }
}

const answerKey = (prompt: PromptRow['prompt'], answer: string): string =>
  JSON.stringify([promptToJson(prompt), answer]);

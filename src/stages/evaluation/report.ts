import { type AnswersReport, type EvaluationReport, REPORT_VERSION } from '../../data/evaluation/report';
import { shareOf } from '../../data/agreement/shares';
import { Random } from '../../data/random';
import { type Estimate, meanOverPrompts } from './estimates';
import { clearest } from './examples';
import type { EvaluationResults, JudgedAnswer, ModelAnswers } from './results';
import { type Outcome, winRate } from './win-rate';

/** A model's answers of one kind beside the baseline's of that kind, over some of the prompts. */
interface View {
  name: string;
  /** Places of the prompts. */
  prompts: readonly number[];
  own: readonly (readonly JudgedAnswer[])[];
  /** Null for the baseline itself. */
  base: readonly (readonly JudgedAnswer[])[] | null;
}

/** All that the answers say, in numbers. The same results give the same report, whatever the order of models. */
export function evaluationReport(results: EvaluationResults): EvaluationReport {
  const { stage, seed, baseline, judge, prompts, models, sampling, scores, people } = results;
  const base = models.find(({ name }) => name === baseline);
  if (!base) throw new Error(`no model is called ${baseline}`);
  const all = [...prompts.keys()];
  const view = (model: ModelAnswers, kind: 'sampled' | 'greedy', places = all, part = ''): AnswersReport | null => {
    const own = model[kind];
    if (own === null) return null;
    const name = [kind, model.name, part].join('\n');
    return answersReport({ name, prompts: places, own, base: model === base ? null : base[kind] }, results);
  };
  const sampledOf = (model: ModelAnswers, places?: number[], part?: string): AnswersReport => {
    const report = view(model, 'sampled', places, part);
    if (!report) throw new Error('sampled answers are always there');
    return report;
  };
  const tags = [...new Set(prompts.flatMap(({ tags }) => tags))].sort();
  return {
    v: REPORT_VERSION,
    stage,
    seed,
    baseline,
    judge: judge?.name ?? null,
    prompts: prompts.length,
    sampling,
    scores,
    models: models.map((model) => ({
      model: model.name,
      run: model.run ?? null,
      baseline: model === base,
      sampled: sampledOf(model),
      greedy: view(model, 'greedy'),
    })),
    tags: tags.map((tag) => {
      const places = all.filter((p) => prompts[p].tags.includes(tag));
      const parts = models.map((model) => {
        const { scores, win_rate } = sampledOf(model, places, tag);
        return [model.name, { scores, win_rate }] as const;
      });
      return { tag, prompts: places.length, models: Object.fromEntries(parts) };
    }),
    people,
    examples: clearest(results),
  };
}

function answersReport(view: View, results: EvaluationResults): AnswersReport {
  const { seed, scores } = results;
  const { name, prompts, own, base } = view;
  const random = (measure: string): Random => Random.from(seed, 'evaluation', name, measure);
  const groups = prompts.map((p) => own[p]);
  const answers = groups.flat();
  const means = (of: (score: string) => Estimate): Record<string, Estimate> =>
    Object.fromEntries(scores.map((score) => [score, of(score)]));
  return {
    answers: answers.length,
    mean_length: meanOverPrompts(
      groups.map((group) => group.map(({ tokens }) => tokens)),
      random('length'),
    ),
    eos_rate: shareOf(answers.filter(({ finish }) => finish === 'stop').length, answers.length),
    scores: means((score) =>
      meanOverPrompts(
        groups.map((group) => group.flatMap(({ scores }) => scores[score] ?? [])),
        random(score),
      ),
    ),
    gains: base === null ? {} : means((score) => meanOverPrompts(gains(view, base, score), random(`gain ${score}`))),
    unscored: answers.filter((answer) => scores.some((score) => answer.scores[score] === null)).length,
    win_rate: base === null ? null : wins(view, base, results, random('wins')),
  };
}

/** Differences of scores to the baseline's answer with the same random numbers. */
function gains({ prompts, own }: View, base: View['own'], score: string): number[][] {
  return prompts.map((p) =>
    own[p].flatMap((answer, i) => {
      const [mine, theirs] = [answer.scores[score], base[p][i].scores[score]];
      return mine === null || theirs === null ? [] : [mine - theirs];
    }),
  );
}

function wins(
  { prompts, own }: View,
  base: View['own'],
  { judge, prompts: asked }: EvaluationResults,
  random: Random,
): AnswersReport['win_rate'] {
  if (judge === null) return null;
  const outcomes = prompts.map((p) =>
    own[p].flatMap((answer, i): Outcome[] => {
      const outcome = judge.decide(asked[p], answer, base[p][i]);
      return outcome === null ? [] : [outcome];
    }),
  );
  return winRate(outcomes, random);
}

import type { RewardSource } from '../../config/experiment';
import type { StageContext } from '../context';
import type { PromptRow } from './prompts';
import { type Answer, ruleRow } from './respondent';
import { openTerm, type RewardTerm } from '../rewards/rewards';

/** The name of a weighted sum of scores. */
const TOTAL = 'total';

/** Answers that one score has none of, and why the first of them has none. */
interface Failures {
  name: string;
  count: number;
  first: string;
}

/** The scores of answers by name: each term of `reward`, their weighted sum where there are several, and the judge. */
export class ScoreColumns {
  /** The score that decides between two answers; null where nothing scores. */
  readonly judge: string | null;
  private readonly failed = new Map<string, Failures>();

  private constructor(
    private readonly terms: readonly RewardTerm[],
    /** So many of the terms, the first ones, are in the sum. */
    private readonly summed: number,
    judge: string | null,
  ) {
    this.judge = judge ?? (summed > 1 ? TOTAL : (terms[0]?.name ?? null));
  }

  /** Throws a UserError for a rule or model that cannot be loaded. */
  static async open(
    sources: readonly RewardSource[],
    judge: RewardSource | null,
    context: StageContext,
  ): Promise<ScoreColumns> {
    const terms: RewardTerm[] = [];
    const open = async (source: RewardSource): Promise<string> => {
      const term = await openTerm(source, context, [TOTAL, ...terms.map(({ name }) => name)]);
      terms.push(term);
      return term.name;
    };
    try {
      for (const source of sources) await open(source);
      const same = judge === null ? -1 : sources.findIndex((source) => sameScore(source, judge));
      const name = judge === null ? null : same < 0 ? await open(judge) : terms[same].name;
      return new ScoreColumns(terms, sources.length, name);
    } catch (error) {
      for (const term of terms) term.release();
      throw error;
    }
  }

  get names(): string[] {
    return [...this.terms.map(({ name }) => name), ...(this.summed > 1 ? [TOTAL] : [])];
  }

  /** The scores of each answer; null where one could not be given. */
  async score(answers: readonly { prompt: PromptRow; answer: Answer }[]): Promise<Record<string, number | null>[]> {
    const asked = answers.map(({ prompt, answer }) => ({
      prompt: prompt.prompt,
      text: answer.text,
      row: ruleRow(prompt, answer),
      file: prompt.file,
      line: prompt.line,
    }));
    const rows = asked.map((): Record<string, number | null> => ({}));
    const totals = asked.map((): number | null => 0);
    for (const [t, term] of this.terms.entries()) {
      const { name, weight } = term;
      for (const [i, { value, fault }] of (await term.score(asked)).entries()) {
        rows[i][name] = value;
        if (fault !== undefined) this.fail(name, fault);
        if (t < this.summed) totals[i] = sum(totals[i], value, weight);
      }
    }
    if (this.summed > 1) rows.forEach((row, i) => (row[TOTAL] = totals[i]));
    return rows;
  }

  failures(): Failures[] {
    return [...this.failed.values()];
  }

  release(): void {
    for (const term of this.terms) term.release();
  }

  private fail(name: string, first: string): void {
    const known = this.failed.get(name);
    if (known) known.count++;
    else this.failed.set(name, { name, count: 1, first });
  }
}

const sum = (total: number | null, value: number | null, weight: number): number | null =>
  total === null || value === null ? null : total + weight * value;

/** Whether two terms give the same scores, whatever they weigh. */
function sameScore(one: RewardSource, other: RewardSource): boolean {
  return JSON.stringify({ ...one, weight: 1 }) === JSON.stringify({ ...other, weight: 1 });
}

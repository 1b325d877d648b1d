import { answerName, promptText, type ReviewAnswer, type ReviewPrompt } from '../review/text';

/** What is compared: the answers of one model, or of one step of a run. */
export interface Candidate {
  readonly name: string;
  readonly prompts: readonly ReviewPrompt[];
}

/** A prompt with the answer of each candidate, in the candidates' order. */
export interface Comparison {
  readonly prompt: ReviewPrompt['prompt'];
  readonly tags: readonly string[];
  readonly answers: readonly ReviewAnswer[];
}

export interface Comparisons {
  readonly items: readonly Comparison[];
  /** Prompts of the first candidate that not all have answered, or where no two answers differ. */
  readonly leftOut: number;
}

/** The candidates of a document: the names of its answers, numbers aside, in the order in which they stand there. */
export function candidatesOf(prompts: readonly ReviewPrompt[]): Candidate[] {
  const names = new Set(prompts.flatMap(({ answers }) => answers.map(candidateName)));
  return [...names].map((name) => ({
    name,
    prompts: prompts.flatMap((prompt) => {
      const answers = prompt.answers.filter((answer) => candidateName(answer) === name);
      return answers.length > 0 ? [{ ...prompt, answers }] : [];
    }),
  }));
}

/** Which candidate an answer is of. */
export function candidateName({ model, step }: Pick<ReviewAnswer, 'model' | 'step'>): string {
  return answerName({ model, step });
}

/**
 * The same prompts under all candidates: the first answer of each to the first's, and so on. Where no two answers of a
 * prompt differ there is nothing to compare, and it is left out.
 */
export function comparisonsOf(candidates: readonly Candidate[]): Comparisons {
  const [first, ...others] = candidates;
  if (!first || others.length === 0) return { items: [], leftOut: 0 };
  const byPrompt = others.map(({ prompts }) => new Map(prompts.map((prompt) => [promptText(prompt.prompt), prompt])));
  const items: Comparison[] = [];
  let leftOut = 0;
  for (const prompt of first.prompts) {
    const matching = byPrompt.map((known) => known.get(promptText(prompt.prompt))?.answers ?? []);
    prompt.answers.forEach((answer, index) => {
      const rest = matching.map((answers) => answers[index] ?? answers[0]);
      const answers = [answer, ...rest.filter((other) => other !== undefined)];
      if (answers.length === candidates.length && votable(answers))
        items.push({ prompt: prompt.prompt, tags: prompt.tags, answers });
      else leftOut++;
    });
  }
  return { items, leftOut };
}

/** Two answers that can be told apart: neither is empty, and they differ. */
export function differ(one: ReviewAnswer, other: ReviewAnswer): boolean {
  const [left, right] = [one.text.trim(), other.text.trim()];
  return left !== right && left !== '' && right !== '';
}

function votable(answers: readonly ReviewAnswer[]): boolean {
  return answers.some((one, index) => answers.slice(index + 1).some((other) => differ(one, other)));
}

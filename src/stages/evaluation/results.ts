import type { Message } from '../../data/rows';
import type { Outcome } from './win-rate';

/** An answer with what each score made of it; null where one failed. */
export interface JudgedAnswer {
  text: string;
  /** Its length, with the token that ended it. */
  tokens: number;
  finish: 'stop' | 'length';
  scores: Readonly<Record<string, number | null>>;
  /** Its line in the run's samples.jsonl, from 1. */
  line: number;
}

export interface EvaluatedPrompt {
  prompt: string | readonly Message[];
  tags: readonly string[];
}

/** What a model answered: of every prompt, in their order, its sampled answers, and its greedy one where that was asked for. */
export interface ModelAnswers {
  name: string;
  run?: string;
  sampled: readonly (readonly JudgedAnswer[])[];
  greedy: readonly (readonly JudgedAnswer[])[] | null;
}

/** Who decides between an answer and the baseline's to the same prompt; null where they do not. */
export interface Judge {
  name: string;
  decide(prompt: EvaluatedPrompt, answer: JudgedAnswer, baseline: JudgedAnswer): Outcome | null;
}

export interface EvaluationResults {
  stage: string;
  seed: number;
  sampling: Readonly<Record<string, number | null>>;
  prompts: readonly EvaluatedPrompt[];
  models: readonly ModelAnswers[];
  /** Its name among the models. */
  baseline: string;
  judge: Judge | null;
  /** The names of the scores. */
  scores: readonly string[];
  /** Pairs that people were asked to compare, and how many of them have. */
  people: { pairs: number; labeled: number } | null;
}

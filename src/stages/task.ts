import type { Message } from '../data/rows';
import type { TokenScores } from '../runs/token-scores';

/** Metrics of one row of metrics.jsonl, by TRL's names. */
export type Metrics = Record<string, number>;

export interface Sample {
  prompt: string | Message[];
  answer: string;
  /** Place of the prompt among the sample prompts. */
  row: number;
  /** How the answer ended: at an end-of-turn token, or at the longest length. */
  finish: 'stop' | 'length';
  tokens: number;
  /** What scored the answer, by name: `reward`, `kl`, a rule. */
  scores?: Record<string, number>;
  /** Which of several models answered, where there are several. */
  model?: string;
  /** Which of several answers to the prompt it is, from 0. */
  sample?: number;
  /** It has the likeliest tokens, while others of the run are drawn. */
  greedy?: true;
  tags?: readonly string[];
  /** What is known of each of its tokens. */
  token_scores?: TokenScores;
}

/** What a task must remember to go on exactly where it was; plain JSON. */
export type TaskState = Record<string, unknown>;

/** The gradients of a step were not finite; nothing was written. */
export class NotFiniteError extends Error {
  constructor(
    readonly loss: number,
    /** file:line of the rows in the batch */
    readonly rows: readonly string[],
  ) {
    super('the gradient norm is not finite');
    this.name = 'NotFiniteError';
  }
}

/**
 * A stage that trains, as the trainer's loop drives it. The task knows the algorithm and the data; the loop knows time:
 * when to evaluate, sample, checkpoint, stop.
 */
export interface Task {
  /** Optimizer steps in all. */
  readonly totalSteps: number;
  /** Optimizer steps of one call of `step`, 1 unless given: the updates of one batch of rollouts belong together. */
  readonly stride?: number;
  /** Why the run is over before its last step; the task has told it. */
  readonly ended?: string;
  /** The next optimizer step, or the next `stride` of them. Throws NotFiniteError where nothing could be learnt. */
  step(): Promise<Metrics>;
  /**
   * Metrics on the held-out rows, `eval_…`; undefined where none are held out. The result is the checkpoint with the
   * lowest `eval_loss`, the last one where there is no such metric.
   */
  evaluate(): Promise<Metrics | undefined>;
  /** Answers to the sample prompts under the weights of this step. */
  sample(step: number): AsyncIterable<Sample>;
  state(): TaskState;
  restore(state: TaskState): void;
  readonly files: TaskFiles;
  release(): void;
}

/** What a task learns, as files of a checkpoint. */
export interface TaskFiles {
  /** Writes the weights, with tokenizer and template, as a Hugging Face folder. */
  saveModel(folder: string): Promise<void>;
  /** Overwrites the weights by those of a checkpoint folder. */
  loadModel(folder: string): Promise<void>;
  /** Writes optimizer state to a folder, or reads what was written. */
  saveTraining(folder: string): Promise<void>;
  loadTraining(folder: string): Promise<void>;
}

/**
 * A stage that makes something other than weights, piece by piece, and is done in minutes: killed, it begins anew and
 * makes the same.
 */
export interface Job {
  readonly totalSteps: number;
  /** The next piece. */
  step(): Promise<{ metrics: Metrics; samples: readonly Sample[] }>;
  /** Writes what stands once all pieces are done, and tells it in numbers. */
  finish(): Promise<Metrics>;
  release(): void;
}

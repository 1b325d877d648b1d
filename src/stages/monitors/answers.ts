import type { Message } from '../../runs/format';
import { echoOf, type Phrases, type Repetition, repetitionOf, unitsOf, wordsOf } from './wording';

/** An answer as the monitors see it. What is not known, or not finite, is left out of what needs it. */
export interface WatchedAnswer {
  readonly prompt: string | readonly Message[];
  readonly answer: string;
  /** Its length in tokens. */
  readonly tokens: number;
  /** The prompt's row: answers to one prompt are compared with each other. */
  readonly row?: number;
  /** What trains the policy, without the KL penalty. */
  readonly reward?: number;
  /** KL to the reference policy in nats, summed over the answer. */
  readonly kl?: number;
  /** The score that trains nothing. */
  readonly judge?: number;
  /** Standard deviation of an ensemble's members. */
  readonly std?: number;
}

/** What a stage shows its monitors at a step. */
export interface Observation {
  readonly answers: readonly WatchedAnswer[];
  /** The policy's mean entropy in nats a token. */
  readonly entropy?: number;
}

/** What was counted in an answer. */
export interface Counted {
  readonly words: number;
  readonly echo: number;
  readonly repetition: Repetition;
  readonly phrases: number;
}

export interface Batch {
  readonly answers: readonly WatchedAnswer[];
  readonly counted: readonly Counted[];
  readonly entropy: number | undefined;
}

/** The text of a prompt: of a conversation all messages. */
export function promptText(prompt: string | readonly Message[]): string {
  return typeof prompt === 'string' ? prompt : prompt.map(({ content }) => content).join('\n');
}

/** Answers with equal keys answer the same prompt. */
export function promptKey({ row, prompt }: WatchedAnswer): string {
  return row === undefined ? JSON.stringify(prompt) : String(row);
}

/** Counts in every answer what texts alone show. */
export function countIn({ answers, entropy }: Observation, phrases: Phrases): Batch {
  const prompts = new Map<string, string[]>();
  const counted = answers.map((answer): Counted => {
    const key = promptKey(answer);
    const asked = prompts.get(key) ?? wordsOf(promptText(answer.prompt));
    prompts.set(key, asked);
    const words = wordsOf(answer.answer);
    return {
      words: words.length,
      echo: echoOf(words, asked),
      repetition: repetitionOf(unitsOf(answer.answer)),
      phrases: phrases.count(words),
    };
  });
  return { answers, counted, entropy };
}

import type { JsonObject } from '../jsonl';
import type { Message } from '../rows';
import { type Label, SIDES } from './labels';
import { messagesOf, type Pair, promptToJson } from './pairs';
import type { Preference } from './preferences';

/** What a label says of one answer for itself, not against another. */
interface JudgedText {
  pair: string;
  prompt: string | Message[];
  text: string;
  tags: string[];
  verdict: 'accept' | 'reject' | undefined;
  /** A better wording; undefined where there is none, or none that differs. */
  edit: string | undefined;
}

/** The answers that labels judge for themselves: sides of pairs, and answers that were read outside of any pair. */
function judgedTexts(pairs: readonly Pair[], labels: readonly Label[]): JudgedText[] {
  const known = new Map(pairs.map((pair) => [pair.id, pair]));
  return labels.flatMap(({ pair: id, answer, verdicts, edit }) => {
    const pair = known.get(id);
    const prompt = answer ? promptOf(answer.prompt) : pair?.prompt;
    if (prompt === undefined) return [];
    return SIDES.flatMap((side): JudgedText[] => {
      const text = answer ? (side === 'a' ? answer.text : undefined) : pair?.[side];
      if (text === undefined) return [];
      const better = edit?.side === side && edit.text.trim() !== '' && edit.text.trim() !== text.trim();
      const tags = answer?.tags ?? pair?.tags ?? [];
      return [{ pair: id, prompt, text, tags, verdict: verdicts?.[side], edit: better ? edit.text : undefined }];
    });
  });
}

const promptOf = (prompt: unknown): string | Message[] | undefined =>
  typeof prompt === 'string' ? prompt : (messagesOf(prompt) ?? undefined);

/**
 * What edits say: each edited text is better than the answer that it mends, in a pair or for itself. `pair` is the
 * label's. Of an empty answer there is nothing to be better than.
 */
export function preferencesOfEdits(
  pairs: readonly Pair[],
  labels: readonly Label[],
): (Preference & { pair: string })[] {
  return judgedTexts(pairs, labels).flatMap(({ pair, prompt, text, tags, edit }) =>
    edit === undefined || text.trim() === '' ? [] : [{ pair, prompt, chosen: edit, rejected: text, tags }],
  );
}

/** A prompt with the answer that people want to it. */
export interface Demonstration {
  prompt: string | Message[];
  answer: string;
}

export interface Demonstrations {
  /** Each once, in the order of the labels. */
  demonstrations: Demonstration[];
  /** How many of them are edits, and how many answers of a model that were accepted as they are. */
  edits: number;
  accepted: number;
  /** Answers that were accepted, but rejected as often or more often. */
  disputed: number;
}

/** What labels demonstrate: every better wording, and every answer that more annotators accept than reject. */
export function demonstrationsOf(pairs: readonly Pair[], labels: readonly Label[]): Demonstrations {
  const judged = judgedTexts(pairs, labels);
  const votes = new Map<string, { accept: number; reject: number }>();
  for (const { prompt, text, verdict, edit } of judged) {
    // Who writes a better wording wants that one, whatever they said of the answer.
    if (verdict === undefined || edit !== undefined || text.trim() === '') continue;
    const key = keyOf(prompt, text);
    const counts = votes.get(key) ?? { accept: 0, reject: 0 };
    counts[verdict]++;
    votes.set(key, counts);
  }
  const wanted = (key: string): boolean => {
    const { accept, reject } = votes.get(key) ?? { accept: 0, reject: 0 };
    return accept > reject;
  };
  const found = new Map<string, Demonstration & { edited: boolean }>();
  for (const { prompt, text, edit } of judged) {
    const answer = edit ?? text;
    const key = keyOf(prompt, answer);
    if ((edit !== undefined || wanted(key)) && !found.has(key))
      found.set(key, { prompt, answer, edited: edit !== undefined });
  }
  const all = [...found.values()];
  const edits = all.filter(({ edited }) => edited).length;
  return {
    demonstrations: all.map(({ prompt, answer }) => ({ prompt, answer })),
    edits,
    accepted: all.length - edits,
    disputed: [...votes].filter(([key, { accept }]) => accept > 0 && !wanted(key)).length,
  };
}

const keyOf = (prompt: string | Message[], answer: string): string => JSON.stringify([promptToJson(prompt), answer]);

/** A row in TRL's prompt-completion format, which an sft stage reads: conversational where the prompt is messages. */
export function demonstrationToJson({ prompt, answer }: Demonstration): JsonObject {
  if (typeof prompt === 'string') return { prompt, completion: answer };
  return { prompt: promptToJson(prompt), completion: [{ role: 'assistant', content: answer }] };
}

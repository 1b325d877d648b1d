import { UserError } from '../config/errors';
import { readJsonl } from '../data/jsonl';
import { readPreferences } from '../data/labels/preferences';
import { FaultReport } from '../data/report';
import { type Message, type Row, RowReader } from '../data/rows';
import type { AnswerToScore } from '../stages/rewards/rewards';

export interface PairToScore {
  chosen: AnswerToScore;
  rejected: AnswerToScore;
  tags: readonly string[];
}

/** The preference pairs of a file; lines that are none are told and left out. */
export function pairsOf(file: string, note: (line: string) => void): PairToScore[] {
  const { rows, faults } = readPreferences(file);
  for (const { line, message } of faults) note(`${file}:${line}: left out: ${message}`);
  return rows.map(({ prompt, chosen, rejected, tags, line }): PairToScore => {
    const side = (text: string): AnswerToScore => ({ prompt, text, row: {}, file, line });
    return { chosen: side(chosen), rejected: side(rejected), tags };
  });
}

/** The answers of a file: the completion of a prompt, or the last turn of a conversation. Throws a UserError of bad rows. */
export function answersOf(file: string): AnswerToScore[] {
  const report = new FaultReport(file);
  const reader = new RowReader(report);
  const answers: AnswerToScore[] = [];
  for (const { line, value } of readJsonl(file, { report })) {
    const { answer, ...rest } = value;
    // a row of samples has an answer, where a row of training data has a completion
    const completion =
      typeof answer === 'string' && Array.isArray(value.prompt) ? [{ role: 'assistant', content: answer }] : answer;
    const read = reader.read({ line, value: answer === undefined ? value : { ...rest, completion } }, answers.length);
    if (read) answers.push({ ...lastAnswer(read), row: value, file, line });
  }
  report.throwIfAny();
  return answers;
}

function lastAnswer(row: Row): Pick<AnswerToScore, 'prompt' | 'text'> {
  if (row.kind === 'completion' && typeof row.completion === 'string')
    return { prompt: row.prompt, text: row.completion };
  const turns = turnsOf(row);
  const at = turns.findLastIndex(({ role }) => role === 'assistant');
  if (at > 0) return { prompt: turns.slice(0, at), text: turns[at].content };
  throw new UserError('The row has no answer to score.', {
    file: row.file,
    line: row.line,
    hint: 'Give it a prompt and a completion, or messages that end with an assistant turn.',
  });
}

function turnsOf(row: Row): readonly Message[] {
  if (row.kind === 'messages') return row.messages;
  if (row.kind !== 'completion' || typeof row.prompt === 'string' || typeof row.completion === 'string') return [];
  return [...row.prompt, ...row.completion];
}

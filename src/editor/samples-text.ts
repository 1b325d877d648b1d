import type { Message, SampleRow } from '../runs/format';
import { metricText } from './words';

/** Columns of the rule over a prompt. */
const WIDTH = 72;

/**
 * A run's samples as a document: a block a prompt, in it the answers from the first step to the last, so that one
 * reads how an answer changed. Plain text that copies well.
 *
 * @param step only this step's samples, where given
 * @param active whether more may come
 */
export function samplesText(
  stage: string,
  rows: readonly SampleRow[],
  { step, active = false }: { step?: number | undefined; active?: boolean } = {},
): string {
  const chosen = step === undefined ? rows : rows.filter((row) => row.step === step);
  if (chosen.length === 0) {
    if (step !== undefined) return `No samples at step ${step}.\n`;
    return active
      ? `No samples yet.\n${stage} writes them while it trains, as often as sample_every says.\n`
      : `This run wrote no samples.\n`;
  }
  const prompts = new Map<string, SampleRow[]>();
  for (const row of chosen) {
    const key = `${row.row ?? ''}\n${promptText(row.prompt)}`;
    const group = prompts.get(key);
    if (group) group.push(row);
    else prompts.set(key, [row]);
  }
  const blocks = [...prompts.values()].map((group, index) => promptBlock(stage, group, index + 1));
  return `${blocks.join('\n\n')}\n`;
}

function promptBlock(stage: string, group: readonly SampleRow[], number: number): string {
  const first = group[0];
  if (!first) return '';
  const left = `── prompt ${first.row === undefined ? number : first.row} `;
  const tags = tagsOf(first);
  const right = tags.length > 0 ? ` tag: ${tags.join(', ')}` : '';
  const rule = left + '─'.repeat(Math.max(3, WIDTH - left.length - right.length)) + right;
  return [rule, promptText(first.prompt), ...group.map((row) => `\n${answerHead(stage, row)}\n${row.answer}`)].join(
    '\n',
  );
}

function answerHead(stage: string, row: SampleRow): string {
  const words = row.answer.split(/\s+/).filter(Boolean).length;
  const figures = Object.entries(row.scores ?? {}).map(([name, value]) => `${name} ${metricText(value)}`);
  const length = `${words} ${words === 1 ? 'word' : 'words'}`;
  return [`${stage} @ ${row.step}`.padEnd(16), ...figures, length].join('   ');
}

/** The user's words of a prompt; of a conversation every turn with its role. */
export function promptText(prompt: string | readonly Message[]): string {
  if (typeof prompt === 'string') return prompt;
  const only = prompt[0];
  if (prompt.length === 1 && only?.role === 'user') return only.content;
  return prompt.map(({ role, content }) => `${role}: ${content}`).join('\n');
}

function tagsOf(row: SampleRow): string[] {
  const tags = row.tags ?? row.tag;
  if (typeof tags === 'string') return [tags];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}

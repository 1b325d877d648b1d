import { join } from 'node:path';
import { factsOfPairs, ratingsOfLabels } from '../../data/agreement/label-ratings';
import { DISPUTED, reportMarkdown } from '../../data/agreement/markdown';
import { escapeMarkdown } from '../../data/markdown';
import { agreementReport, faultOf } from '../../data/agreement/report';
import { valueInWords } from '../../data/agreement/wording';
import { effectiveLabels, readLabels, type Label } from '../../data/labels/labels';
import { type Pair, PAIRS_FILE, readPairs } from '../../data/labels/pairs';
import { visibleText } from '../../protocol/visible-text';

/** Of a longer answer the report shows the beginning. */
const MOST_TEXT = 2000;
const MOST_TITLE = 60;

/**
 * The agreement of a labels folder as a Markdown document: the report, and behind it each disputed pair with all votes,
 * to which the report links. Nothing from the files acts in it, ids included.
 */
export function agreementText(stage: string, folder: string): string {
  const { rows, faults } = readLabels(folder);
  const { pairs } = readPairs(join(folder, PAIRS_FILE));
  const known = new Map(pairs.map((pair) => [pair.id, pair]));
  const report = agreementReport({ ratings: ratingsOfLabels(rows), scale: 'preference', facts: factsOfPairs(pairs) });
  const fault = faultOf(report);
  if (fault) return nothingToSay(stage, fault);
  const places = new Map(report.disputes.map(({ unit }, i) => [unit, i + 1]));
  const text = reportMarkdown(report, {
    unit: (unit) => `[${escapeMarkdown(titleOf(known.get(unit), unit))}](#disputed-pair-${places.get(unit)})`,
  });
  const votes = effectiveLabels(rows).labels.filter(({ pair }) => places.has(pair));
  const sections = [...places].map(([unit, place]) => {
    const given = votes.filter(({ pair }) => pair === unit);
    return pairText(place, unit, known.get(unit), given);
  });
  const unread = faults.length
    ? `\n_${faults.length} lines of label files could not be read, the first at ${escapeMarkdown(`${faults[0].file}:${faults[0].line}`)}._\n`
    : '';
  return [text, unread, ...sections].join('\n');
}

function nothingToSay(stage: string, { message, hint }: { message: string; hint: string }): string {
  const why = `${message.charAt(0).toUpperCase()}${message.slice(1)}: ${hint}.`;
  return `# Agreement\n\n${escapeMarkdown(why)}\n\nPairs of ${escapeMarkdown(stage)} are labeled in the side panel.\n`;
}

/** The last turn, which a title is made of. */
function questionOf({ prompt }: Pair): string {
  return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
}

/** All turns, each under its role where there are several. */
function promptOf({ prompt }: Pair): string {
  if (typeof prompt === 'string') return prompt;
  if (prompt.length === 1) return prompt[0].content;
  return prompt.map(({ role, content }) => `${role}:\n${content}`).join('\n\n');
}

function titleOf(pair: Pair | undefined, unit: string): string {
  const line = pair ? questionOf(pair).replace(/\s+/g, ' ').trim() : '';
  return line === '' ? unit : line.length > MOST_TITLE ? `${line.slice(0, MOST_TITLE)} …` : line;
}

const BACK = `[Back to the list](#${DISPUTED.toLowerCase().replaceAll(' ', '-')})`;

function pairText(place: number, id: string, pair: Pair | undefined, votes: readonly Label[]): string {
  const answers = pair
    ? [quoted('Prompt', promptOf(pair)), quoted('Answer a', pair.a), quoted('Answer b', pair.b)]
    : [`The pair ${escapeMarkdown(id)} is not there any more.`];
  return [`## Disputed pair ${place}`, ...answers, votes.map(voteText).join('\n'), BACK, ''].join('\n\n');
}

/** A vote with all that its annotator entered. */
function voteText({ annotator, value, shown, rationale, ratings = {}, edit }: Label): string {
  const said = typeof value === 'number' ? valueInWords(value, 'preference') : value.replace('_', ' ');
  const rated = Object.entries(ratings).map(
    ([criterion, { a, b }]) => `${escapeMarkdown(criterion)} ${a ?? '–'} and ${b ?? '–'}`,
  );
  const details = [`saw ${shown === 'ba' ? 'b' : 'a'} first`, ...rated, ...(edit ? [`edited ${edit.side}`] : [])];
  const why = rationale ? `: ${escapeMarkdown(rationale)}` : '';
  return `- **${escapeMarkdown(annotator)}**: ${said} (${details.join(', ')})${why}`;
}

/** Foreign text in a fence that it cannot close. */
function quoted(name: string, text: string): string {
  const shown = visibleText(text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)} …` : text);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `**${name}**\n\n${fence}text\n${shown}\n${fence}`;
}

import { join } from 'node:path';
import { factsOfPairs, ratingsOfLabels } from '../../data/agreement/label-ratings';
import { escapeMarkdown, reportMarkdown } from '../../data/agreement/markdown';
import { agreementReport, faultOf } from '../../data/agreement/report';
import { valueInWords } from '../../data/agreement/wording';
import { effectiveLabels, readLabels, type Label } from '../../data/labels/labels';
import { type Pair, PAIRS_FILE, readPairs } from '../../data/labels/pairs';

/** Of a longer answer the report shows the beginning. */
const MOST_TEXT = 2000;
const MOST_TITLE = 60;

/**
 * The agreement of a labels folder as a Markdown document: the report, and behind it each disputed pair with all votes,
 * to which the report links.
 */
export function agreementText(stage: string, folder: string): string {
  const { rows, faults } = readLabels(folder);
  const { pairs } = readPairs(join(folder, PAIRS_FILE));
  const known = new Map(pairs.map((pair) => [pair.id, pair]));
  const report = agreementReport({ ratings: ratingsOfLabels(rows), scale: 'preference', facts: factsOfPairs(pairs) });
  const fault = faultOf(report);
  if (fault)
    return `# Agreement\n\n${fault.message} ${fault.hint ?? ''}\n\nPairs of ${escapeMarkdown(stage)} are labeled in the side panel.\n`;
  const disputed = new Set(report.disputes.map(({ unit }) => unit));
  const text = reportMarkdown(report, {
    unit: (unit) => `[${escapeMarkdown(titleOf(known.get(unit), unit))}](#pair-${unit})`,
  });
  const votes = effectiveLabels(rows).labels.filter(({ pair }) => disputed.has(pair));
  const sections = [...disputed].map((unit) =>
    pairText(
      unit,
      known.get(unit),
      votes.filter(({ pair }) => pair === unit),
    ),
  );
  const torn = faults.length
    ? `\n_${faults.length} lines of label files could not be read, the first at ${escapeMarkdown(`${faults[0].file}:${faults[0].line}`)}._\n`
    : '';
  return [text, torn, ...sections].join('\n');
}

function promptOf({ prompt }: Pair): string {
  return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
}

function titleOf(pair: Pair | undefined, unit: string): string {
  const line = pair ? promptOf(pair).replace(/\s+/g, ' ').trim() : '';
  return line === '' ? unit : line.length > MOST_TITLE ? `${line.slice(0, MOST_TITLE)} …` : line;
}

function pairText(unit: string, pair: Pair | undefined, votes: readonly Label[]): string {
  const answers = pair ? [quoted('Prompt', promptOf(pair)), quoted('A', pair.a), quoted('B', pair.b)] : [];
  const lines = votes.map(({ annotator, value, rationale }) => {
    const said = typeof value === 'number' ? valueInWords(value, 'preference') : value.replace('_', ' ');
    return `- **${escapeMarkdown(annotator)}**: ${said}${rationale ? ` (${escapeMarkdown(rationale)})` : ''}`;
  });
  return [`## Pair ${unit}`, ...answers, lines.join('\n'), ''].join('\n\n');
}

/** Foreign text in a fence that it cannot close. */
function quoted(name: string, text: string): string {
  const shown = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)} …` : text;
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `**${name}**\n\n${fence}text\n${shown}\n${fence}`;
}

import { visibleText } from '../../protocol/visible-text';
import { metricText } from '../words';
import { modelWords } from './heat-scale';
import type { TokenSpan } from './token-spans';

export interface HoverFacts {
  readonly span: TokenSpan;
  /** The text of the whole answer. */
  readonly text: string;
  readonly temperature: number;
}

/** The figures of a token as a small table, in markdown. Names and texts in it are inert. */
export function tokenMarkdown({ span, text, temperature }: HoverFacts): string {
  const { tokens, logp, reference, kl, value, rewards } = span;
  const rows = [
    ['probability', percent(logp)],
    ['under the reference', percent(reference)],
    ['KL', `${signed(kl)} nats`],
    ...[...rewards].map(([name, { before, after }]) => [
      `reward so far${inert(modelWords(name))}`,
      `${plain(after)} (${signed(after - before)})`,
    ]),
    ...(value === undefined ? [] : [['value before it', plain(value)]]),
  ];
  const several = tokens > 1 ? ` · ${tokens} tokens` : '';
  const heated = temperature === 1 ? '' : `\n\nProbabilities at temperature ${metricText(temperature)}.`;
  return [
    `**${tokenName(text.slice(span.start, span.end))}**${several}`,
    '',
    `| | |`,
    `|:--|--:|`,
    // The table has no room of its own between its columns.
    ...rows.map(([name, figure]) => `| ${name} | &emsp;${figure} |`),
    heated,
  ].join('\n');
}

/** A token's text with its blanks made visible. */
function tokenName(text: string): string {
  if (text === '') return 'end of the answer';
  const shown = visibleText(text).slice(0, 60).replaceAll('\n', '↵').replaceAll('\t', '⇥');
  return inert(shown.replace(/^ +| +$/g, (blanks) => '␣'.repeat(blanks.length)));
}

/** A text in which markdown finds nothing to act on: links, images, emphasis, tables and HTML stay signs. */
export function inert(text: string): string {
  return visibleText(text).replace(/[^\p{L}\p{N}\p{M} ]/gu, (sign) => `&#${sign.codePointAt(0)};`);
}

function percent(logp: number): string {
  const share = 100 * Math.exp(logp);
  return `${share >= 99.95 && share < 100 ? share.toFixed(2) : metricText(share)} %`;
}

function plain(value: number): string {
  return metricText(value).replace(/^-/, '−');
}

function signed(value: number): string {
  const text = metricText(Math.abs(value));
  return value < 0 ? `−${text}` : `+${text}`;
}

import type { Estimate } from './bootstrap';
import { alphaInWords, kappaInWords } from './coefficients';
import type { AgreementReport } from './report';
import type { Share } from './shares';

/** Two decimals, as agreement is reported; `undefined` where there is none. */
export function coefficient(value: number | null): string {
  return value === null ? 'undefined' : value.toFixed(2).replace(/^-(0\.00)$/, '$1');
}

/** `0.71 [0.62, 0.79]` */
export function estimate({ value, low, high }: Estimate): string {
  const interval = low === null || high === null ? '' : ` [${coefficient(low)}, ${coefficient(high)}]`;
  return `${coefficient(value)}${interval}`;
}

/** `62 % of 100 [52 %, 71 %]` */
export function share({ value, n, low, high }: Share): string {
  if (value === null || low === null || high === null) return '–';
  return `${percent(value)} of ${n} [${percent(low)}, ${percent(high)}]`;
}

export function percent(value: number): string {
  return `${Math.round(100 * value)} %`;
}

/** α with its reading. */
export function alphaWord(value: number | null): string {
  return value === null ? '' : alphaInWords(value);
}

/** κ with its reading. */
export function kappaWord(value: number | null): string {
  return value === null ? '' : kappaInWords(value);
}

/** Where the words come from. */
export const SOURCES =
  'α: reliable from 0.8, tentative from 0.667 (Krippendorff 2004). ' +
  'κ: slight, fair, moderate, substantial, almost perfect in steps of 0.2 (Landis and Koch 1977).';

/** A value in words: `a much better` … for preferences, the number else. */
export function valueInWords(value: number, scale: AgreementReport['scale']): string {
  if (scale === 'values') return String(value);
  if (value === 0) return 'tie';
  return `${value < 0 ? 'a' : 'b'}${Math.abs(value) > 1 ? ' much' : ''}`;
}

/**
 * The report in one sentence, such as `Three annotators agree well: α 0.71 [0.62, 0.79] on 120 pairs; …`. `name` makes
 * a tag's name safe where it is shown.
 */
export function headline(report: AgreementReport, name: (tag: string) => string = (tag) => tag): string {
  const { overall, annotators, scale } = report;
  const who = count(annotators.filter(({ rated }) => rated > 0).length, 'annotator');
  const what = count(overall.compared, scale === 'preference' ? 'pair' : 'unit');
  const alpha = overall.alpha.ordinal;
  if (alpha.value === null) {
    const why = overall.compared === 0 ? 'nothing was rated twice' : 'all values are the same';
    return `${who}, ${what} rated by two or more: α is undefined, ${why}.`;
  }
  const how =
    alpha.value >= 0.8
      ? 'agree very well'
      : alpha.value >= 0.667
        ? 'agree well'
        : alpha.value >= 0.4
          ? 'agree in part'
          : alpha.value > 0.1
            ? 'agree little'
            : 'agree no better than chance';
  return `${who} ${how}: α ${estimate(alpha)} on ${what}${trouble(report, name)}.`;
}

/** The tag with the lowest α, where its interval lies below the value of all units. */
function trouble(report: AgreementReport, name: (tag: string) => string): string {
  const all = report.overall.alpha.ordinal.value;
  let worst: { tag: string; alpha: number } | null = null;
  for (const { tag, alpha } of report.tags) {
    const { value, high } = alpha.ordinal;
    if (value === null || high === null || all === null || high >= all) continue;
    if (!worst || value < worst.alpha) worst = { tag, alpha: value };
  }
  return worst ? `; least on tag ${name(worst.tag)} (α ${coefficient(worst.alpha)})` : '';
}

const NUMBERS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten'];

function count(n: number, noun: string): string {
  const number = noun === 'annotator' ? (NUMBERS[n] ?? String(n)) : n.toLocaleString('en-US');
  return `${number} ${noun}${n === 1 ? '' : 's'}`;
}

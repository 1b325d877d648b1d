import { escapeMarkdown, markdownTable } from '../markdown';
import type { AgreementReport, GroupAgreement, PairAgreement } from './report';
import {
  alphaWord,
  coefficient,
  estimate,
  headline,
  kappaWord,
  percent,
  share,
  SOURCES,
  valueInWords,
} from './wording';

/** The heading over the disputed units. */
export const DISPUTED = 'Most disputed';

/** How a unit is shown, such as a link with the beginning of its prompt. The result is put in as it is. */
export interface MarkdownOptions {
  readonly unit?: (unit: string) => string;
}

/**
 * The report as Markdown: a sentence, the matrix of annotators, the most disputed units, what each annotator's choices
 * go with, tags, what each aggregation would make of the votes, and all coefficients. Names from files are escaped.
 */
export function reportMarkdown(report: AgreementReport, options: MarkdownOptions = {}): string {
  const unit = options.unit ?? escapeMarkdown;
  const sections = [
    `# Agreement\n\n${headline(report, escapeMarkdown)}`,
    matrix(report),
    disputes(report, unit),
    annotators(report),
    tags(report),
    aggregation(report),
    coefficients(report.overall),
    `_Intervals: 95 %, ${report.draws} bootstrap draws over units, seed ${report.seed}. ${SOURCES}_`,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function coefficients(group: GroupAgreement): string {
  const { alpha, fleiss, direction } = group;
  const onUnits = `${fleiss.units} units with ${fleiss.raters} ratings`;
  const rows = [
    ["Krippendorff's α, ordinal", estimate(alpha.ordinal), alphaWord(alpha.ordinal.value)],
    ["Krippendorff's α, interval", estimate(alpha.interval), alphaWord(alpha.interval.value)],
    ["Krippendorff's α, nominal", estimate(alpha.nominal), alphaWord(alpha.nominal.value)],
    [`Fleiss' κ (${onUnits})`, estimate(fleiss), kappaWord(fleiss.value)],
    ['same value', estimate(group.observed), ''],
  ];
  if (direction) {
    rows.push(['same direction (a, tie, b)', estimate(direction.observed), '']);
    rows.push(['α of the direction', estimate(direction.alpha), alphaWord(direction.alpha.value)]);
  }
  return `## All coefficients\n\n${table(['measure', 'value [95 %]', 'reading'], rows)}`;
}

function tags(report: AgreementReport): string {
  if (report.tags.length === 0) return '';
  const rows = report.tags.map((group) => [
    escapeMarkdown(group.tag),
    String(group.compared),
    estimate(group.alpha.ordinal),
    estimate(group.observed),
  ]);
  return `## By tag\n\n${table(['tag', 'compared', 'α ordinal', 'same value'], rows)}`;
}

/** Below the diagonal α, above it Cohen's κ; each with the units that both rated. */
function matrix(report: AgreementReport): string {
  if (report.pairs.length === 0) return '';
  const names = report.annotators.map(({ annotator }) => annotator);
  const found = new Map(report.pairs.map((pair) => [JSON.stringify(pair.annotators), pair]));
  const cell = (row: string, column: string): string => {
    if (row === column) return '·';
    const above = names.indexOf(row) < names.indexOf(column);
    const pair = found.get(JSON.stringify(above ? [row, column] : [column, row]));
    return pair ? `${coefficient(above ? pair.kappa.value : pair.alpha.value)} (${pair.units})` : '–';
  };
  const rows = names.map((row) => [escapeMarkdown(row), ...names.map((column) => cell(row, column))]);
  const head = ['', ...names.map(escapeMarkdown)];
  const two = report.pairs.map((pair: PairAgreement) => [
    pair.annotators.map(escapeMarkdown).join(' and '),
    String(pair.units),
    estimate(pair.alpha),
    estimate(pair.kappa),
    kappaWord(pair.kappa.value),
    estimate(pair.weighted),
    estimate(pair.observed),
  ]);
  const headings = ['annotators', 'units', 'α ordinal', "Cohen's κ", 'reading', 'κ linear', 'same value'];
  return [
    "## Annotators among each other\n\nAbove the diagonal Cohen's κ, below it ordinal α; in brackets the units that both rated.",
    table(head, rows),
    table(headings, two),
  ].join('\n\n');
}

function annotators(report: AgreementReport): string {
  const rows = report.annotators.map(({ annotator, rated, missing, medianMs, withOthers, withSelf }) => [
    escapeMarkdown(annotator),
    String(rated),
    String(missing),
    medianMs === null ? '–' : `${(medianMs / 1000).toFixed(1)} s`,
    share(withOthers),
    share(withSelf),
  ]);
  const head = ['annotator', 'rated', 'no value', 'median time', 'same as others', 'same as before'];
  const parts = [`## Each annotator\n\n${table(head, rows)}`];
  const biased = report.annotators.flatMap(({ annotator, bias }) =>
    bias
      ? [
          [
            escapeMarkdown(annotator),
            share(bias.longer),
            bias.lengthCorrelation === null ? '–' : coefficient(bias.lengthCorrelation),
            share(bias.first),
            bias.positionCorrelation === null ? '–' : coefficient(bias.positionCorrelation),
          ],
        ]
      : [],
  );
  if (biased.length > 0) {
    parts.push(
      'What their choices go with: the length of an answer, and its place on the screen. Far from 0 is a bias.',
    );
    parts.push(table(['annotator', 'chose the longer', 'ρ with length', 'chose the first', 'r with position'], biased));
  }
  return parts.join('\n\n');
}

function disputes(report: AgreementReport, unit: (unit: string) => string): string {
  if (report.disputes.length === 0) return '';
  const rows = report.disputes.map((dispute) => [
    unit(dispute.unit),
    coefficient(dispute.disagreement),
    dispute.votes
      .map(({ annotator, value }) => `${escapeMarkdown(annotator)}: ${valueInWords(value, report.scale)}`)
      .join(', '),
  ]);
  const head = [report.scale === 'preference' ? 'pair' : 'unit', 'disagreement', 'votes'];
  return `## ${DISPUTED}\n\n${table(head, rows)}`;
}

function aggregation(report: AgreementReport): string {
  const { classes, majority, dawidSkene, differ, split } = report.aggregation;
  if (classes.length === 0) return '';
  const names = classes.map((value) => valueInWords(value, report.scale));
  const line = (name: string, part: { counts: readonly number[]; level: number }): string[] => [
    name,
    ...part.counts.map(String),
    String(part.level),
  ];
  const rows = [line('majority', majority), line('Dawid–Skene', dawidSkene)];
  const accuracy = dawidSkene.annotators.map(
    ({ annotator, accuracy }) => `${escapeMarkdown(annotator)} ${percent(accuracy)}`,
  );
  const ended = dawidSkene.converged ? '' : ` It had not settled after ${dawidSkene.iterations} iterations.`;
  return [
    '## What each aggregation would make of the votes',
    table(['', ...names, 'level'], rows),
    `They differ on ${differ.length}; on ${split} the votes are not unanimous, so that a soft label says more.`,
    `By Dawid–Skene's fit the annotators are right this often: ${accuracy.join(', ')}.${ended} What they say where the fit takes this to be true:`,
    confusion(report.aggregation, names),
  ].join('\n\n');
}

/** P(said | true) of every annotator, a row for each class that the fit takes to be true. */
function confusion({ dawidSkene }: AgreementReport['aggregation'], names: readonly string[]): string {
  const rows = dawidSkene.annotators.flatMap(({ annotator, confusion }) =>
    confusion.map((said, c) => [c === 0 ? escapeMarkdown(annotator) : '', names[c], ...said.map(percent)]),
  );
  return table(['annotator', 'true', ...names.map((name) => `says ${name}`)], rows);
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable(
    head,
    rows.map((cells) => cells.map(unbroken)),
  );

/** An estimate and its interval stay on one line of a cell. */
function unbroken(cell: string): string {
  return cell.replace(/^(-?[\d.]+) \[(-?[\d.]+), (-?[\d.]+)\]$/, '$1\u00a0[$2,\u00a0$3]');
}

import { Command } from 'commander';
import { UserError } from '../config/errors';
import type { AgreementReport, GroupAgreement } from '../data/agreement/report';
import { agreementReport, faultOf } from '../data/agreement/report';
import { reportMarkdown } from '../data/agreement/markdown';
import {
  alphaWord,
  coefficient,
  estimate,
  headline,
  kappaWord,
  percent,
  SOURCES,
  valueInWords,
} from '../data/agreement/wording';
import { action, examples, outputOf } from './command';
import { type LabelInput, LABELS_HELP, noteFaults, readLabelInput } from './label-input';
import { wholeNumber } from './options';
import { clip, plain, table, wrap } from './terminal';

interface Options {
  preferences?: boolean;
  draws: number;
  seed: number;
  disputes: number;
  markdown?: boolean;
  json?: boolean;
}

/** `align agreement LABELS…` */
export function agreementCommand(): Command {
  const command = new Command('agreement')
    .description(
      "How well annotators agree: Krippendorff's α, Cohen's and Fleiss' κ with intervals, who agrees with whom, what is disputed, whose choices go with length or position.",
    )
    .argument('<labels...>', LABELS_HELP)
    .option('--preferences', 'the values of a CSV are preferences, -2 (a much better) to 2 (b much better)')
    .option('--draws <n>', 'bootstrap draws for the 95 % intervals, 0 for none', wholeNumber(0), 1000)
    .option('--seed <n>', 'seed of the bootstrap', wholeNumber(0), 42)
    .option('--disputes <n>', 'how many disputed pairs to list', wholeNumber(0), 10)
    .option('--markdown', 'the whole report as Markdown')
    .option('--json', 'one JSON document: the whole report');
  examples(command, [
    'align agreement labels/collect',
    'align agreement labels/collect --json',
    'align agreement ratings.csv --draws 5000',
  ]);
  return action(command, agreement);
}

async function agreement(paths: string[], options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const input = readLabelInput(paths, options.preferences ?? false);
  noteFaults(output, input);
  const report = agreementReport(input, options);
  const fault = faultOf(report);
  if (fault) throw new UserError(fault.message, { hint: fault.hint, file: paths[0] });
  if (output.json) output.document(report);
  else if (options.markdown) output.say(reportMarkdown(report).trimEnd());
  else for (const line of textOf(report, input, output.out.width)) output.say(line);
}

function textOf(report: AgreementReport, input: LabelInput, width: number): string[] {
  const { overall, scale } = report;
  const sections: string[][] = [
    wrap(plain(headline(report)), width),
    coefficients(overall),
    report.tags.length > 0
      ? table(
          [
            ['tag', 'compared', 'α ordinal', 'same value'],
            ...report.tags.map((group) => [
              plain(group.tag),
              String(group.compared),
              estimate(group.alpha.ordinal),
              estimate(group.observed),
            ]),
          ],
          [1],
        )
      : [],
    table(
      [
        ['annotators', 'both', 'α ordinal', "Cohen's κ", '', 'same value'],
        ...report.pairs.map(({ annotators, units, alpha, kappa, observed }) => [
          plain(annotators.join(' and ')),
          String(units),
          estimate(alpha),
          estimate(kappa),
          kappaWord(kappa.value),
          estimate(observed),
        ]),
      ],
      [1],
    ),
    annotators(report),
    disputes(report, input, width),
    aggregation(report),
    wrap(
      `Intervals: 95 %, ${report.draws} bootstrap draws over ${scale === 'preference' ? 'pairs' : 'units'}. ${SOURCES}`,
      width,
    ),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
}

function coefficients({ alpha, fleiss, observed, direction }: GroupAgreement): string[] {
  const rows = [
    ["Krippendorff's α, ordinal", estimate(alpha.ordinal), alphaWord(alpha.ordinal.value)],
    ["Krippendorff's α, interval", estimate(alpha.interval), alphaWord(alpha.interval.value)],
    ["Krippendorff's α, nominal", estimate(alpha.nominal), alphaWord(alpha.nominal.value)],
    [
      "Fleiss' κ",
      estimate(fleiss),
      `${kappaWord(fleiss.value)} (${fleiss.units} with ${fleiss.raters} ratings)`.trim(),
    ],
    ['same value', estimate(observed), ''],
  ];
  if (direction) {
    rows.push(['α of the direction (a, tie, b)', estimate(direction.alpha), alphaWord(direction.alpha.value)]);
    rows.push(['same direction', estimate(direction.observed), '']);
  }
  return table(rows);
}

function annotators(report: AgreementReport): string[] {
  const biased = report.scale === 'preference';
  const head = ['annotator', 'rated', 'no value', 'same as others', 'same as before'];
  const rows = report.annotators.map(({ annotator, rated, missing, withOthers, withSelf, bias }) => [
    ...[plain(annotator), String(rated), String(missing), short(withOthers), short(withSelf)],
    ...(bias ? [correlation(bias.lengthCorrelation), short(bias.longer)] : []),
    ...(bias ? [correlation(bias.positionCorrelation), short(bias.first)] : []),
  ]);
  if (biased) head.push('ρ length', 'chose the longer', 'r position', 'chose the first');
  return table([head, ...rows], [1, 2]);
}

const short = ({ value, n }: { value: number | null; n: number }): string =>
  value === null ? '–' : `${percent(value)} of ${n}`;

const correlation = (value: number | null): string => (value === null ? '–' : coefficient(value));

function disputes(report: AgreementReport, input: LabelInput, width: number): string[] {
  if (report.disputes.length === 0) return [];
  const lines = report.disputes.map(({ unit, votes }) => {
    const said = votes.map(({ annotator, value }) => `${annotator} ${valueInWords(value, report.scale)}`).join(', ');
    const prompt = input.pairs.get(unit)?.prompt;
    const text = typeof prompt === 'string' ? prompt : (prompt?.at(-1)?.content ?? '');
    return clip(plain(`  ${unit}  ${said}  ${text}`.replace(/\s*\n\s*/g, ' ').trimEnd()), width);
  });
  return ['most disputed', ...lines];
}

function aggregation(report: AgreementReport): string[] {
  const { classes, majority, dawidSkene, differ } = report.aggregation;
  const counts = (of: { counts: readonly number[]; level: number }): string[] => [...of.counts, of.level].map(String);
  const names = classes.map((value) => valueInWords(value, report.scale));
  const rows = table(
    [
      ['aggregated by', ...names, 'level'],
      ['majority', ...counts(majority)],
      ['Dawid–Skene', ...counts(dawidSkene)],
    ],
    [...names.keys(), names.length].map((i) => i + 1),
  );
  return [...rows, `they differ on ${differ.length}`];
}

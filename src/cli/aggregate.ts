import { Command } from 'commander';
import { UserError } from '../config/errors';
import { aggregatePairs, aggregateTable, type Aggregation, type Method } from '../data/agreement/aggregate';
import { accuracyOf } from '../data/agreement/dawid-skene';
import { type Rating, ratingTable } from '../data/agreement/ratings';
import { percent } from '../data/agreement/wording';
import { replaceFile } from '../data/durable';
import { action, examples, outputOf } from './command';
import { LABELS_HELP, METHOD_HELP, method, noteFaults, readLabelInput } from './label-input';
import { plain } from './terminal';

interface Options {
  method: Method;
  out: string;
  preferences?: boolean;
  json?: boolean;
}

/**
 * `align aggregate LABELS… --method … --out FILE`
 *
 * Writes JSON lines, one a pair, by pair id: `{v, pair, method, label, probability, strength, votes}`. `label` is `a`,
 * `tie` or `b`; `probability` is P(b is better) in [0, 1], a tie counting ½, what a reward's soft label is; `strength`
 * the mean of the values, −2 … 2; `votes` counts `{a, tie, b, both_bad, skip}`. Pairs that nobody preferred or tied are
 * left out. Of plain values: `{v, unit, method, label, probability, probabilities, votes}`, `label` null where level.
 */
export function aggregateCommand(): Command {
  const command = new Command('aggregate')
    .description("One judgement a pair out of several annotators' votes, with its probability.")
    .argument('<labels...>', LABELS_HELP)
    .requiredOption('--method <method>', METHOD_HELP, method)
    .requiredOption('--out <file>', 'JSON lines, one a pair: label, probability that b is better, votes')
    .option('--preferences', 'the values of a CSV are preferences, -2 (a much better) to 2 (b much better)')
    .option('--json', 'one JSON document: counts, and what is known of annotators, with their confusion matrices');
  examples(command, [
    'align aggregate labels/collect --method majority --out majority.jsonl',
    'align aggregate labels/collect --method dawid-skene --out soft.jsonl',
  ]);
  return action(command, aggregate);
}

async function aggregate(paths: string[], options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const input = readLabelInput(paths, options.preferences ?? false);
  noteFaults(output, input);
  const { rows, counts, aggregation } =
    input.scale === 'preference' ? ofPairs(input.ratings, options.method) : ofValues(input.ratings, options.method);
  if (rows.length === 0)
    throw new UserError('there is no rating with a value', {
      file: paths[0],
      hint: 'label some pairs first; skipped ones and "both bad" have no value',
    });
  replaceFile(options.out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const annotators = estimates(aggregation);
  const fit = fitOf(aggregation);
  if (output.json) {
    const { unrated } = aggregation;
    output.document({
      v: 1,
      method: options.method,
      out: options.out,
      rows: rows.length,
      unrated,
      counts,
      fit,
      annotators,
    });
    return;
  }
  const kinds = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  output.say(`${rows.length} rows by ${options.method} in ${options.out}: ${kinds.join(', ')}`);
  if (aggregation.unrated > 0)
    output.say(`${aggregation.unrated} left out: nobody preferred an answer or called a tie`);
  if (annotators.length > 0) {
    const said = annotators.map(({ annotator, accuracy }) => `${plain(annotator)} ${percent(accuracy)}`);
    output.say(`right by this estimate: ${said.join(', ')}`);
  }
  if (aggregation.fit?.converged === false)
    output.note(`The estimate had not settled after ${aggregation.fit.iterations} iterations.`);
}

interface Result {
  rows: object[];
  counts: Record<string, number>;
  aggregation: Aggregation;
}

function ofPairs(ratings: readonly Rating[], method: Method): Result {
  const { pairs, aggregation } = aggregatePairs(ratings, method);
  const counts = { a: 0, tie: 0, b: 0 };
  for (const { label } of pairs) counts[label]++;
  const rows = pairs.map(({ pair, ...rest }) => ({ v: 1, pair, method, ...rest }));
  return { rows, counts, aggregation };
}

function ofValues(ratings: readonly Rating[], method: Method): Result {
  const aggregation = aggregateTable(ratingTable(ratings), method);
  const { values } = aggregation.table;
  const byValue = (numbers: ArrayLike<number>): Record<string, number> =>
    Object.fromEntries(values.map((value, c) => [String(value), numbers[c]]));
  const rows = aggregation.units.map(({ unit, probabilities, category, votes }) => ({
    v: 1,
    unit,
    method,
    label: category === null ? null : values[category],
    probability: Math.max(...probabilities),
    probabilities: byValue(probabilities),
    votes: byValue(votes),
  }));
  const counts: Record<string, number> = {};
  for (const { label } of rows) {
    const name = label === null ? 'level' : `of ${label}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return { rows, counts, aggregation };
}

/** What Dawid and Skene's method found out beside the units: `priors` are P(true class), by `classes`. */
function fitOf({ fit, table }: Aggregation): object | null {
  if (!fit) return null;
  const { iterations, converged, priors } = fit;
  return { iterations, converged, classes: table.values, priors: Array.from(priors) };
}

interface Estimated {
  annotator: string;
  accuracy: number;
  /** P(said | true): a row for each true class. */
  confusion: number[][];
}

function estimates({ fit, table }: Aggregation): Estimated[] {
  if (!fit) return [];
  const k = table.values.length;
  return table.annotators.map((annotator, w) => ({
    annotator,
    accuracy: accuracyOf(fit, w),
    confusion: table.values.map((_, c) => Array.from(fit.confusion[w].subarray(c * k, (c + 1) * k))),
  }));
}

import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Method } from '../data/agreement/aggregate';
import { replaceFile } from '../data/durable';
import type { JsonObject } from '../data/jsonl';
import { demonstrationRows, type LabeledPairs, preferenceRows, readLabeledPairs } from '../data/labels/training-data';
import { action, collect, examples, type Output, outputOf } from './command';
import { METHOD_HELP, method, noteFaults } from './label-input';

interface Options {
  method: Method;
  out: string;
  demonstrations?: boolean;
  annotator?: string[];
  edits: boolean;
  json?: boolean;
}

/** `align export LABELS --method … --out FILE` */
export function exportCommand(): Command {
  const command = new Command('export')
    .description("Write labels as training data: preferences in TRL's explicit format, or demonstrations.")
    .argument('<labels>', 'a folder labels/<stage>/')
    .requiredOption('--out <file>', 'JSON lines; prompt, chosen and rejected are messages where the prompt is')
    .option('--method <method>', `how several annotators become one: ${METHOD_HELP}`, method, 'majority')
    .option('--annotator <name>', "this annotator's labels only (may be given several times)", collect)
    .option('--no-edits', 'leave out what edited answers say')
    .option('--demonstrations', 'prompt and completion for an sft stage: edits, and answers accepted as they are')
    .option(
      '--json',
      'one JSON document: {rows, ties, unlabeled, edits, faults, unknown}; of demonstrations {rows, edits, accepted, disputed, faults}',
    );
  examples(command, [
    'align export labels/collect --out preferences.jsonl',
    'align export labels/collect --demonstrations --out data/edits.jsonl',
  ]);
  command.addHelpText(
    'after',
    '\nTies are left out and counted: the format has none. An answer is accepted where more annotators accept than reject it.',
  );
  return action(command, exportLabels);
}

async function exportLabels(folder: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const labeled = readLabeledPairs(folder, options.annotator);
  if (options.demonstrations) exportDemonstrations(labeled, options.out, output);
  else exportPreferences(labeled, options, output);
}

function exportPreferences(labeled: LabeledPairs, options: Options, output: Output): void {
  const { rows, ...counts } = preferenceRows(labeled, options);
  tellFaults(labeled, counts.unknown, output);
  write(options.out, rows);
  if (output.json) return output.document({ rows: rows.length, ...counts, faults: labeled.faults.length });
  output.say(`${rows.length} preferences by ${options.method} were written to ${options.out}.`);
  const left = [
    [counts.ties, 'ties'],
    [counts.unlabeled, 'pairs without a preference'],
  ] as const;
  const said = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (said.length > 0) output.say(`Left out: ${said.join(', ')}.`);
  if (counts.edits > 0) output.say(`${counts.edits} of them are edits, better than what they mend.`);
}

function exportDemonstrations(labeled: LabeledPairs, out: string, output: Output): void {
  const { rows, ...counts } = demonstrationRows(labeled);
  tellFaults(labeled, 0, output);
  write(out, rows);
  if (output.json) return output.document({ rows: rows.length, ...counts, faults: labeled.faults.length });
  const { edits, accepted, disputed } = counts;
  output.say(`${rows.length} demonstrations were written to ${out}: ${edits} edits, ${accepted} accepted answers.`);
  if (disputed > 0) output.say(`Left out: ${disputed} answers that were rejected as often as accepted, or more often.`);
}

function tellFaults({ faults, pairs }: LabeledPairs, unknown: number, output: Output): void {
  noteFaults(output, { faults, unknown, pairs: new Map(pairs.map((pair) => [pair.id, pair])) });
}

function write(out: string, rows: readonly JsonObject[]): void {
  replaceFile(resolve(out), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

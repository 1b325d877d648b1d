import { basename, dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../config/errors';
import { annotatorName, cloneId } from '../data/labels/annotator';
import { importPreferences } from '../data/labels/import';
import { readPreferences } from '../data/labels/preferences';
import { action, examples, outputOf } from './command';
import { noteFaults } from './label-input';
import { projectFolder } from './place';

interface Options {
  out: string;
  annotator: string;
  pairsOnly?: boolean;
  json?: boolean;
}

/** `align import FILE --out labels/<stage>` */
export function importCommand(): Command {
  const command = new Command('import')
    .description('Add a preference data set to labels/<stage>/: its pairs, and what it prefers as labels.')
    .argument('<file>', 'JSON lines with prompt, chosen and rejected; or chosen and rejected that begin alike')
    .requiredOption('--out <folder>', 'labels/<stage>, made where it is not there')
    .option('--annotator <name>', 'whose labels they are', 'imported')
    .option('--pairs-only', 'add the pairs without labels, for people to compare')
    .option('--json', 'one JSON document: {added, labels, equal, empty, duplicates, faults, formats}');
  examples(command, [
    'align import preferences.jsonl --out labels/collect',
    'align import hh-rlhf.jsonl --out labels/hh',
  ]);
  command.addHelpText(
    'after',
    "\nRead are TRL's explicit and implicit preference formats, with strings or messages, and transcripts as in hh-rlhf\n" +
      '(Human: …, Assistant: …). Lines that are none of these are named and left out. A second import adds nothing.',
  );
  return action(command, importFile);
}

async function importFile(file: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const { rows, faults, formats } = readPreferences(resolve(file));
  noteFaults(output, { faults, unknown: 0, pairs: new Map() });
  if (rows.length === 0)
    throw new UserError('There are no preferences in this file.', {
      file,
      hint: 'Write rows as {"prompt": …, "chosen": …, "rejected": …}.',
    });
  const folder = resolve(options.out);
  const { pairs, labels } = await importPreferences(folder, rows, {
    annotator: annotatorName(options.annotator),
    clone: cloneId(homeOf(folder)),
    file,
    pairsOnly: options.pairsOnly,
  });
  const { added, equal, empty, duplicates } = pairs;
  if (output.json) {
    output.document({ added, labels, equal, empty, duplicates, faults: faults.length, formats });
    return;
  }
  output.say(`${added} pairs and ${labels} labels were added to ${options.out}.`);
  const left = [
    [equal, 'with equal answers'],
    [empty, 'with an empty answer'],
    [duplicates, 'that stand there twice'],
    [faults.length, 'that could not be read'],
  ] as const;
  const said = left.filter(([count]) => count > 0).map(([count, why]) => `${count} ${why}`);
  if (said.length > 0) output.say(`Left out: ${said.join(', ')}.`);
}

/** The project that a folder of labels belongs to. */
function homeOf(folder: string): string {
  const parent = dirname(folder);
  return basename(parent) === 'labels' ? dirname(parent) : projectFolder(undefined, parent);
}

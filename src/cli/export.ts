import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../config/errors';
import { aggregatePairs, METHODS, type Method } from '../data/agreement/aggregate';
import { ratingsOfLabels } from '../data/agreement/label-ratings';
import { replaceFile } from '../data/durable';
import { effectiveLabels, readLabels } from '../data/labels/labels';
import { PAIRS_FILE, readPairs } from '../data/labels/pairs';
import { preferenceFor, preferencesOfEdits, preferenceToJson } from '../data/labels/preferences';
import { action, collect, examples, outputOf } from './command';
import { noteFaults } from './label-input';

interface Options {
  method: Method;
  out: string;
  annotator?: string[];
  edits: boolean;
  json?: boolean;
}

/** `align export LABELS --method … --out FILE` */
export function exportCommand(): Command {
  const command = new Command('export')
    .description("Write labeled pairs in TRL's explicit preference format: prompt, chosen, rejected.")
    .argument('<labels>', 'a folder labels/<stage>/')
    .requiredOption('--out <file>', 'JSON lines; prompt, chosen and rejected are messages where the prompt is')
    .option('--method <method>', `how several annotators become one: ${METHODS.join(', ')}`, method, 'majority')
    .option('--annotator <name>', "this annotator's labels only (may be given several times)", collect)
    .option('--no-edits', 'leave out what edited answers say')
    .option('--json', 'one JSON document: {rows, ties, unlabeled, edits, faults, unknown}');
  examples(command, ['align export labels/collect --out preferences.jsonl']);
  command.addHelpText('after', '\nTies are left out and counted: the format has none.');
  return action(command, exportLabels);
}

function method(text: string): Method {
  const found = METHODS.find((name) => name === text);
  if (found) return found;
  throw new InvalidArgumentError(`It is ${METHODS.join(', ')}.`);
}

async function exportLabels(folder: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const file = join(folder, PAIRS_FILE);
  const { pairs, faults: badPairs } = readPairs(file);
  if (pairs.length === 0)
    throw new UserError('There are no pairs to export.', {
      file,
      hint: 'Name a folder labels/<stage>/ with pairs.jsonl.',
    });
  const known = new Map(pairs.map((pair) => [pair.id, pair]));
  const read = readLabels(folder);
  const wanted = options.annotator && new Set(options.annotator);
  const rows = wanted ? read.rows.filter(({ annotator }) => wanted.has(annotator)) : read.rows;
  const { labels, unknown } = effectiveLabels(rows, known);
  const faults = [...badPairs, ...read.faults];
  noteFaults(output, { faults, unknown: unknown.length, pairs: known });

  const judged = new Map(
    aggregatePairs(ratingsOfLabels(labels), options.method).pairs.map(({ pair, probability }) => [pair, probability]),
  );
  const preferences = pairs.flatMap((pair) => {
    const b = judged.get(pair.id) ?? 0.5;
    return b === 0.5 ? [] : [preferenceFor(pair, b > 0.5 ? 'b' : 'a')];
  });
  const ties = judged.size - preferences.length;
  const edits = options.edits ? preferencesOfEdits(pairs, labels) : [];
  const written = [...preferences, ...edits];
  if (written.length === 0)
    throw new UserError('No pair has a label that prefers one answer.', {
      file: folder,
      hint: `${labels.length} labels were read. Label some pairs first.`,
    });
  const out = resolve(options.out);
  replaceFile(out, written.map((row) => `${JSON.stringify(preferenceToJson(row))}\n`).join(''));
  const unlabeled = pairs.length - judged.size;
  if (output.json) {
    output.document({
      rows: written.length,
      ties,
      unlabeled,
      edits: edits.length,
      faults: faults.length,
      unknown: unknown.length,
    });
    return;
  }
  output.say(`${written.length} preferences by ${options.method} were written to ${options.out}.`);
  const left = [
    [ties, 'ties'],
    [unlabeled, 'pairs without a preference'],
  ] as const;
  const said = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (said.length > 0) output.say(`Left out: ${said.join(', ')}.`);
  if (edits.length > 0) output.say(`${edits.length} of them are edits, better than what they mend.`);
}

import { Command } from 'commander';
import { UserError } from '../config/errors';
import { readRows } from '../data/files';
import type { Row } from '../data/rows';
import { renderRow } from '../models/render';
import { Scorer } from '../models/scorer';
import { action, examples, outputOf } from './command';
import { type ModelOptions, type OpenModel, openModel } from './model';
import { figure } from './numbers';
import { device, wholeNumber } from './options';
import { FOLDER_OPTION } from './place';
import { table } from './terminal';

interface Options extends ModelOptions {
  data: string;
  batch: number;
  json?: boolean;
}
interface Tokens {
  row: number;
  ids: number[];
  from: number;
}

/** `align logprobs MODEL --data FILE` */
export function logprobsCommand(): Command {
  const command = new Command('logprobs')
    .description('Log-probabilities (natural) that a model gives to the answers of a data file.')
    .argument('<model>', 'a folder, a run, or the name of a stage (its latest result)')
    .requiredOption('--data <file>', 'JSONL with prompt and completion, messages or text')
    .option('--batch <n>', 'rows at a time', wholeNumber(1), 16)
    .option('--device <device>', 'cpu or webgpu', device)
    .option('--threads <n>', 'threads for the arithmetic', wholeNumber(1))
    .option(...FOLDER_OPTION)
    .option('--json', 'JSON lines: {row, input_ids, prompt_length, logprobs, sum}');
  examples(command, ['align logprobs sft --data data/held-out.jsonl --json']);
  command.addHelpText(
    'after',
    '\nStrings are taken as they are, with the end token behind a completion; messages go through the chat template,\n' +
      'and the last turn is scored. logprobs belong to input_ids from prompt_length on.',
  );
  return action(command, logprobs);
}

async function logprobs(reference: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const rows = readRows(options.data);
  const model = openModel(reference, options, output.note);
  const scorer = new Scorer(model.runtime, model.weights);
  const shown: string[][] = [['row', 'tokens', 'sum', 'per token']];
  try {
    for (let at = 0; at < rows.length; at += options.batch) {
      const batch = rows.slice(at, at + options.batch).map((row) => tokensOf(row, model));
      const scores = await scorer.score(batch);
      batch.forEach(({ row, ids, from }, i) => {
        const values = [...scores[i]];
        const sum = values.reduce((total, value) => total + value, 0);
        if (output.json) output.line({ row, input_ids: ids, prompt_length: from, logprobs: values, sum });
        else shown.push([String(row), String(values.length), figure(sum), figure(sum / Math.max(1, values.length))]);
      });
    }
    if (!output.json) for (const line of table(shown, [0, 1, 2, 3])) output.say(line);
  } finally {
    scorer.release();
    model.close();
  }
}

/** The tokens of a row up to the end of its answer, and where the answer begins. */
function tokensOf(row: Row, model: OpenModel): Tokens {
  const example = renderRow(lastTurn(row), model.tokenizer, model.template);
  const { positions } = model.weights;
  const place = { file: row.file, line: row.line };
  if (!example || example.ids.length > positions)
    throw new UserError(`The row has ${example?.ids.length} tokens; the model knows ${positions} positions.`, {
      ...place,
      hint: 'Shorten it.',
    });
  const from = example.mask.indexOf(1);
  const end = example.mask.lastIndexOf(1) + 1;
  if (from < 0) throw new UserError('The row has no answer to score.', { ...place, hint: 'Give it a completion.' });
  return { row: row.index, ids: [...example.ids.subarray(0, end)], from };
}

/** A conversation as its last turn and what stands before it. */
function lastTurn(row: Row): Row {
  if (row.kind !== 'messages') return row;
  const at = row.messages.findLastIndex(({ role }) => role === 'assistant');
  if (at < 1) return row;
  const { messages, ...rest } = row;
  return { ...rest, kind: 'completion', prompt: messages.slice(0, at), completion: messages.slice(at, at + 1) };
}

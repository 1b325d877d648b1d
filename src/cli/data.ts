import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../config/errors';
import { loadExperiment } from '../config/load';
import { readRows } from '../data/files';
import { contentOf, splitRows } from '../data/split';
import { type Example, learntTokens } from '../data/example';
import type { Row } from '../data/rows';
import { ChatTemplate } from '../models/chat';
import { readLlamaConfig } from '../models/hf-config';
import { type RenderSettings, renderRow } from '../models/render';
import { loadTokenizer } from '../models/tokenizer';
import { describe, examine, markLearnt, refuseUnlearnable } from '../stages/training/doctor';
import { action, examples, outputOf, type Output } from './command';
import { EXIT, explain, exitCodeOf, type ExitCode } from './exit';
import { modelFolder } from './model';
import { wholeNumber } from './options';
import { FOLDER_OPTION, configFiles, projectFolder } from './place';
import { plain, styled } from './terminal';

interface Options {
  model?: string;
  folder?: string;
  maxLength: number;
  lossOn?: 'assistant' | 'all';
  chatTemplate?: string;
  heldOut: number;
  example: number;
  json?: boolean;
}

/** `align data FILE` */
export function dataCommand(): Command {
  const command = new Command('data')
    .description('Examine training data as a stage would see them, and show one example with its learnt tokens marked.')
    .argument('<file>', 'JSONL or text')
    .option('--model <model>', 'whose tokenizer and template: a folder, a run or a stage (default: the config’s model)')
    .option('--max-length <n>', 'longest example in tokens', wholeNumber(1), 1024)
    .option('--loss-on <what>', 'assistant (the default for messages and completions) or all', lossOn)
    .option('--chat-template <file>', "a template other than the model's")
    .option('--held-out <n>', 'how many rows a stage would hold out', wholeNumber(0), 0)
    .option('--example <n>', 'which example to show, from 0', wholeNumber(0), 0)
    .option(...FOLDER_OPTION)
    .option('--json', 'one JSON document: {report, findings, example}');
  examples(command, [
    'align data data/demonstrations.jsonl --model ./model',
    'align data data/demonstrations.jsonl --max-length 128 --example 17',
  ]);
  command.addHelpText('after', '\nExit codes: 0 fit to train on, 1 not, 2 the file cannot be read.');
  return action(command, data);
}

function lossOn(text: string): 'assistant' | 'all' {
  if (text === 'assistant' || text === 'all') return text;
  throw new InvalidArgumentError('It is assistant or all.');
}

async function data(file: string, options: Options): Promise<ExitCode> {
  const output = outputOf(options.json ?? false);
  const folder = modelFolder(options.model ?? configModel(options), options);
  const tokenizer = loadTokenizer(folder);
  const template = options.chatTemplate
    ? ChatTemplate.fromFile(options.chatTemplate, { tokens: tokenizer.namedTokens })
    : ChatTemplate.find(folder);
  const settings: RenderSettings = {
    maxLength: Math.min(options.maxLength, readLlamaConfig(folder).maxPositions),
    lossOn: options.lossOn,
  };
  const render = (rows: readonly Row[]): Example[] =>
    rows.flatMap((row) => renderRow(row, tokenizer, template, settings) ?? []);
  const rows = splitRows(readRows(file), options.heldOut || false, 42, contentOf);
  const train = render(rows.train);
  const report = examine(train, render(rows.heldOut));
  const findings = describe(report);
  const example = train.at(options.example);
  if (!example) throw new UserError(`There is no example ${options.example}: the data have ${train.length}.`, { file });
  const marked = markLearnt(example, tokenizer);
  let refusal: unknown;
  try {
    refuseUnlearnable(report);
  } catch (error) {
    refusal = error;
  }
  if (output.json) output.document({ report, findings, example: { line: example.line, text: marked } });
  else {
    findings.forEach((finding, i) => output.say(i === 0 ? finding : `${styled(output.out, 'yellow', '!')} ${finding}`));
    show(output, example, marked);
  }
  if (refusal === undefined) return EXIT.done;
  output.note(explain(refusal, false));
  return exitCodeOf(refusal) === EXIT.usage ? EXIT.failed : exitCodeOf(refusal);
}

/** Learnt tokens in green on a terminal, between ⟦ and ⟧ elsewhere. */
function show(output: Output, example: Example, marked: ReturnType<typeof markLearnt>): void {
  const { out } = output;
  const learnt = `${learntTokens(example.mask)} of ${example.ids.length} tokens are learnt`;
  const how = out.colors ? 'green' : 'between ⟦ and ⟧';
  output.say(`\n${styled(out, 'dim', `line ${example.line}: ${learnt} (${how})`)}`);
  const text = marked.map((part) => {
    const shown = plain(part.text);
    if (!part.learnt) return styled(out, 'dim', shown);
    return out.colors ? styled(out, 'green', shown) : `⟦${shown}⟧`;
  });
  output.say(text.join(''));
}

/** The `model:` of the config around. */
function configModel(options: Options): string {
  const project = projectFolder(options.folder);
  for (const file of configFiles(project)) {
    const model = loadExperiment(file).experiment?.model;
    if (model) return project === process.cwd() ? model : `${project}/${model}`;
  }
  throw new UserError('It does not say whose tokenizer to use.', { hint: 'Give --model, such as --model ./model.' });
}

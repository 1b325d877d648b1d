import { Command } from 'commander';
import { UserError } from '../config/errors';
import { readRows } from '../data/files';
import { Random } from '../data/random';
import type { Message } from '../data/rows';
import { Generator } from '../models/generate';
import { questionOf } from '../stages/training/texts';
import { action, collect, examples, outputOf, type Output } from './command';
import { type OpenModel, openModel } from './model';
import { wholeNumber } from './options';
import { type SamplingFlags, answerText, generateOptions, promptOf, samplingOptions } from './sampling';
import { plain, styled, wrap } from './terminal';

interface Options extends SamplingFlags {
  prompt?: string[];
  user?: string[];
  system?: string;
  data?: string;
  answers: number;
  batch: number;
  json?: boolean;
}

/** `align generate MODEL` */
export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Let a model answer prompts.')
    .argument('<model>', 'a folder, a run, or the name of a stage (its latest result)')
    .option('--prompt <text>', 'a text to continue, taken as it is; repeatable', collect)
    .option('--user <text>', "a question of a user, through the model's chat template; repeatable", collect)
    .option('--system <text>', 'a system message before each --user')
    .option('--data <file>', 'prompts of a JSONL file')
    .option('--answers <n>', 'answers to each prompt', wholeNumber(1), 1)
    .option('--batch <n>', 'prompts at a time', wholeNumber(1), 16);
  samplingOptions(command, 128).option('--json', 'JSON lines: {row, prompt, answer, finish, tokens, logprob}');
  examples(command, [
    'align generate sft --user "Where does Ada live?"',
    'align generate ./model --prompt "Once upon a time" --temperature 0.8 --max-new-tokens 200',
    'align generate sft@latest --data data/prompts.jsonl --answers 2 --json > answers.jsonl',
  ]);
  return action(command, generate);
}

async function generate(reference: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const asked = promptsOf(options);
  const model = openModel(reference, options, output.note);
  const prompts = asked.flatMap((prompt, row) =>
    Array.from({ length: options.answers }, (_, i) => ({
      row,
      prompt,
      tokens: promptOf(prompt, model, Random.from(options.seed, 'generate', row, i)),
    })),
  );
  const longest = prompts.reduce((most, { tokens }) => Math.max(most, tokens.ids.length), 0);
  const settings = generateOptions(options, model, model.weights.positions - longest);
  if (settings.maxNewTokens < options.maxNewTokens)
    output.note(
      `Answers end after ${settings.maxNewTokens} tokens: the model knows ${model.weights.positions} positions.`,
    );
  const rows = Math.min(options.batch, prompts.length);
  const generator = new Generator(model.runtime, model.weights, { rows });
  try {
    // In groups, so that answers are there before all of them are.
    for (let at = 0; at < prompts.length; at += rows * 4) {
      const group = prompts.slice(at, at + rows * 4);
      const live = prompts.length === 1 && !output.json ? streamTo(output, model) : undefined;
      const answers = await generator.generate(
        group.map(({ tokens }) => tokens),
        { ...settings, ...(live && !options.stop ? { onToken: live.push } : {}) },
      );
      if (live && !options.stop) live.end();
      else
        group.forEach(({ prompt, row }, i) => {
          const { ids, finish, logProbs } = answers[i];
          const answer = answerText(ids, model, options.stop);
          const logprob = logProbs.reduce((sum, value) => sum + value, 0);
          if (output.json) output.line({ row, prompt, answer, finish, tokens: ids.length, logprob });
          else show(output, prompt, answer, prompts.length > 1);
        });
    }
  } finally {
    generator.release();
    model.close();
  }
}

function promptsOf({ prompt = [], user = [], system, data }: Options): (string | Message[])[] {
  const first: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  const asked = [
    ...prompt,
    ...user.map((content): Message[] => [...first, { role: 'user', content }]),
    ...(data === undefined ? [] : readRows(data).map(questionOf)),
  ];
  if (asked.length > 0) return asked;
  throw new UserError('There is nothing to answer.', { hint: 'Give --prompt, --user or --data.' });
}

function streamTo(output: Output, model: OpenModel): { push: (prompt: number, id: number) => void; end: () => void } {
  const decoder = model.tokenizer.stream({ skipSpecial: true });
  const write = (text: string): void => {
    if (text) output.out.stream.write(plain(text));
  };
  return { push: (_, id) => write(decoder.push(id)), end: () => write(`${decoder.end()}\n`) };
}

function show(output: Output, prompt: string | readonly Message[], answer: string, withPrompt: boolean): void {
  const width = Math.min(output.out.width, 100);
  const question = typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
  if (withPrompt) for (const line of wrap(plain(question), width)) output.say(styled(output.out, 'cyan', line));
  for (const line of wrap(plain(answer.trim()) || '(nothing)', width - 2)) output.say(withPrompt ? `  ${line}` : line);
}

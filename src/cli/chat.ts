import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { UserError } from '../config/errors';
import { Random } from '../data/random';
import type { Message } from '../data/rows';
import { Generator } from '../models/generate';
import { renderPrompt } from '../models/render';
import { action, examples, outputOf, type Output } from './command';
import { type OpenModel, openModel } from './model';
import { type SamplingFlags, generateOptions, promptOf, samplingOptions } from './sampling';
import { plain, styled } from './terminal';

interface Options extends SamplingFlags {
  system?: string;
  json?: boolean;
}

/** `align chat MODEL` */
export function chatCommand(): Command {
  const command = new Command('chat')
    .description('Talk with a model. Lines come from the terminal or from a pipe, one turn a line.')
    .argument('<model>', 'a folder, a run, or the name of a stage (its latest result)')
    .option('--system <text>', 'a system message before the conversation');
  samplingOptions(command, 256).option('--json', 'JSON lines: {role, content} of every turn');
  examples(command, ['align chat sft --system "Be brief." --temperature 0.7']);
  command.addHelpText('after', '\n/reset forgets the conversation, /quit or Ctrl-D ends it, Ctrl-C ends an answer.');
  return action(command, chat);
}

async function chat(reference: string, options: Options): Promise<void> {
  const output = outputOf(options.json ?? false);
  const model = openModel(reference, options, output.note);
  if (!model.template) {
    model.close();
    throw new UserError('The model has no chat template.', {
      file: model.folder,
      hint: 'Use `align generate MODEL --prompt …`, or put a chat_template.jinja into its folder.',
    });
  }
  const generator = new Generator(model.runtime, model.weights, { rows: 1, fixed: true });
  const talk = new Conversation(model, generator, options, output);
  const interactive = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: interactive ? process.stderr : undefined });
  lines.on('SIGINT', () => {
    if (!talk.interrupt()) lines.close();
  });
  const ask = (): void => {
    if (interactive) lines.prompt();
  };
  lines.setPrompt(styled(output.err, 'cyan', '› '));
  try {
    if (interactive) output.note('/reset forgets, /quit or Ctrl-D ends, Ctrl-C ends an answer.');
    ask();
    for await (const line of lines) {
      const text = line.trim();
      if (text === '/quit') break;
      if (text === '/reset') talk.reset();
      else if (text !== '') await talk.turn(text);
      ask();
    }
  } finally {
    lines.close();
    generator.release();
    model.close();
  }
}

/** The turns so far. The oldest go where the model's positions do not reach. */
class Conversation {
  private turns: Message[] = [];
  private count = 0;
  private answering: AbortController | undefined;

  constructor(
    private readonly model: OpenModel,
    private readonly generator: Generator,
    private readonly options: Options,
    private readonly output: Output,
  ) {}

  reset(): void {
    this.turns = [];
    this.output.note('The conversation is forgotten.');
  }

  /** Ends the answer that is being written; false where there is none. */
  interrupt(): boolean {
    this.answering?.abort();
    return this.answering !== undefined;
  }

  async turn(content: string): Promise<void> {
    const { model, output, options } = this;
    this.turns.push({ role: 'user', content });
    if (output.json) output.line({ role: 'user', content });
    const prompt = promptOf(this.fitting(), model, Random.from(options.seed, 'chat', this.count++));
    const settings = generateOptions(options, model, model.weights.positions - prompt.ids.length);
    const decoder = model.tokenizer.stream({ skipSpecial: true });
    this.answering = new AbortController();
    let answer = '';
    const write = (text: string): void => {
      answer += text;
      if (!output.json && text) output.out.stream.write(plain(text));
    };
    try {
      const { signal } = this.answering;
      await this.generator.generate([prompt], {
        ...settings,
        signal,
        onToken: (_, id) => write(decoder.push(id)),
      });
    } catch (error) {
      if (!this.answering.signal.aborted) throw error;
    } finally {
      this.answering = undefined;
    }
    write(decoder.end());
    this.turns.push({ role: 'assistant', content: answer.trim() });
    if (output.json) output.line({ role: 'assistant', content: answer.trim() });
    else output.out.stream.write('\n');
  }

  /** System message and turns, the oldest left out until an answer has room. */
  private fitting(): Message[] {
    const { system, maxNewTokens } = this.options;
    const first: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
    const { positions } = this.model.weights;
    const room = positions - Math.min(maxNewTokens, positions >> 1);
    for (;;) {
      const messages = [...first, ...this.turns];
      const { length } = renderPrompt(messages, this.model.tokenizer, this.model.template);
      if (length <= room || this.turns.length <= 1) return messages;
      this.turns.splice(0, Math.min(2, this.turns.length - 1));
    }
  }
}

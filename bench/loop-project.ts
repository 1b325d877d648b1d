import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../src/config/errors';
import { type Message, ROLES } from '../src/data/rows';
import { Random } from '../src/data/random';
import { loadTokenizer } from '../src/models/tokenizer';

/** Two answers to a prompt, as TRL's preference trainers and ours both read them. */
export interface PreferenceRow {
  prompt: Message[];
  chosen: Message[];
  rejected: Message[];
}

const messageSchema = z.object({ role: z.enum(ROLES), content: z.string() });
const demonstrationSchema = z.object({ messages: z.array(messageSchema).min(2) });
type Demonstration = z.output<typeof demonstrationSchema>;

/**
 * A project of the benchmark's own with the quickstart's model and data: what ours trains on is, file by file, what the
 * peers are given.
 */
export class LoopProject {
  readonly configFile: string;
  private readonly stages: Record<string, unknown> = {};

  constructor(
    private readonly quickstart: string,
    readonly folder: string,
    private readonly threads: number,
  ) {
    const model = join(quickstart, 'model');
    if (!existsSync(join(model, 'config.json'))) throw new UserError('the quickstart has no model to start from');
    mkdirSync(folder, { recursive: true });
    cpSync(model, this.path('model'), { recursive: true });
    this.configFile = this.path('align.yaml');
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Adds a stage, or puts another one in its place. JSON is YAML. */
  stage(name: string, config: Readonly<Record<string, unknown>>): string {
    this.stages[name] = config;
    const { threads, stages } = this;
    writeFileSync(this.configFile, JSON.stringify({ threads, model: './model', stages }, null, 2));
    return name;
  }

  /** Writes rows as JSON lines and returns the file. */
  write(name: string, rows: readonly unknown[]): string {
    const file = this.path(name);
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return file;
  }

  /** Pairs with the lengths that the quickstart's answers have: of its demonstrations. */
  preferences(count: number): PreferenceRow[] {
    return preferencesOf(this.demonstrations(), count);
  }

  /** The quickstart's prompts for RL, as they are. */
  copyPrompts(name: string): string {
    cpSync(join(this.quickstart, 'data', 'prompts.jsonl'), this.path(name));
    return this.path(name);
  }

  /** The quickstart's demonstrations, for an SFT of ours. */
  copyDemonstrations(name: string): string {
    cpSync(join(this.quickstart, 'data', 'demonstrations.jsonl'), this.path(name));
    return this.path(name);
  }

  demonstrations(): Demonstration[] {
    const text = readFileSync(join(this.quickstart, 'data', 'demonstrations.jsonl'), 'utf8');
    const lines = text.split('\n').filter(Boolean);
    return lines.map((line) => demonstrationSchema.parse(JSON.parse(line)));
  }

  /** A copy of the model that ends no answer: the token that would is one that it never writes. */
  endlessModel(name: string): string {
    const folder = this.path(name);
    cpSync(this.path('model'), folder, { recursive: true });
    const { padId } = loadTokenizer(folder);
    const file = join(folder, 'generation_config.json');
    const known = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')));
    writeFileSync(file, JSON.stringify({ ...known, eos_token_id: padId }));
    return folder;
  }

  /** Prompts of exactly so many tokens, as text for ours and as tokens for the peers. */
  fixedPrompts(count: number, length: number): { prompt: string; ids: number[] }[] {
    const tokenizer = loadTokenizer(this.path('model'));
    const words = this.demonstrations().flatMap(({ messages }) => messages[0].content.match(/[a-z]+/g) ?? []);
    const encode = (text: string): number[] => [...tokenizer.encode(text)];
    return fixedPrompts([...new Set(words)], { count, length, encode });
  }
}

/** The first answer of each couple of demonstrations is chosen over the second's, whatever that answers. */
export function preferencesOf(demonstrations: readonly Demonstration[], count: number): PreferenceRow[] {
  const rows: PreferenceRow[] = [];
  for (let i = 0; rows.length < count; i += 2) {
    const [mine, other] = [demonstrations[i % demonstrations.length], demonstrations[(i + 1) % demonstrations.length]];
    const prompt = mine.messages.slice(0, -1);
    rows.push({ prompt, chosen: mine.messages.slice(-1), rejected: other.messages.slice(-1) });
  }
  return rows;
}

/**
 * Texts of random words with exactly `length` tokens. Throws a UserError where the words cannot be joined so: none of
 * them is one token behind a space.
 */
export function fixedPrompts(
  words: readonly string[],
  { count, length, encode }: { count: number; length: number; encode: (text: string) => number[] },
): { prompt: string; ids: number[] }[] {
  const whole = words.filter((word) => encode(`a ${word}`).length === encode('a').length + 1);
  if (whole.length === 0) throw new UserError('no word of the prompts is one token');
  const random = Random.from(42, 'prompts');
  const draw = (): string => whole[random.int(whole.length)];
  return Array.from({ length: count }, () => {
    for (;;) {
      const prompt = Array.from({ length }, draw).join(' ');
      // The first word stands behind no space and may be two tokens: the last ones then go.
      const parts = prompt.split(' ');
      while (encode(parts.join(' ')).length > length) parts.pop();
      const ids = encode(parts.join(' '));
      if (ids.length === length) return { prompt: parts.join(' '), ids };
    }
  });
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/models/tokenizer';
import { plain } from '../../src/cli/terminal';
import { Cli, jsonLines } from './program';

const cli = new Cli();
beforeAll(() => cli.open(), 120_000);
afterAll(() => cli.close());

const write = (name: string, rows: readonly unknown[]): string => {
  writeFileSync(join(cli.folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return name;
};

/** In the order of the help: its groups. */
const COMMANDS = [
  'init',
  'validate',
  'data',
  'devices',
  'run',
  'resume',
  'pause',
  'stop',
  'checkpoint',
  'evaluate',
  'branch',
  'runs',
  'show',
  'monitor',
  'generate',
  'chat',
  'logprobs',
  'score',
  'agreement',
  'aggregate',
  'export',
  'import',
];

describe('usage', () => {
  it('is 2 for what is no command, 0 for help', async () => {
    expect(await cli.run('frobnicate')).toMatchObject({ code: 2, stdout: '' });
    expect((await cli.run('run')).code).toBe(2);
    expect((await cli.run('generate', 'model', '--user', 'x', '--temperature', 'hot')).stderr).toContain(
      'A number of 0 or more',
    );
    const help = await cli.run('--help');
    expect(help.code).toBe(0);
    const listed = [...help.stdout.matchAll(/^ {2}([a-z]+) .*[<[]/gm)].map(([, name]) => name);
    expect(listed).toEqual(COMMANDS);
  }, 60_000);

  it.each(COMMANDS)('of %s: examples, and what its JSON is', { timeout: 60_000 }, async (name) => {
    const own = await cli.good(name, '--help');
    expect(own).toContain('Examples:');
    expect(own).toMatch(/--json +(one\s+JSON document|JSON lines)/);
  });
});

describe('validate and init', { timeout: 120_000 }, () => {
  it('finds everything that is wrong, files included, with places', async () => {
    const text = 'model: ./modell\nstages:\n  sft:\n    type: sft\n    data: data/demonstration.jsonl\n';
    writeFileSync(join(cli.folder, 'wrong.align.yaml'), text);
    const { code, stdout, stderr } = await cli.run('validate', 'wrong.align.yaml');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/wrong\.align\.yaml:1:8: error: .*\n.*Did you mean \.\/model\?/);
    expect(stderr).toMatch(/wrong\.align\.yaml:5:11: error: .*\n.*data\/demonstrations\.jsonl/);
    expect(stderr).toContain('2 errors');
    const json = await cli.run('validate', 'wrong.align.yaml', '--json');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      stages: ['sft'],
      diagnostics: [{ severity: 'error' }, {}],
    });
    expect((await cli.run('validate', 'absent.yaml')).code).toBe(2);
    expect(await cli.good('validate', 'align.yaml')).toContain('1 stage (sft)');
  });

  it('writes a config that is sound but for its model, and keeps what is there', async () => {
    const folder = join(cli.folder, 'fresh');
    mkdirSync(folder);
    writeFileSync(join(folder, 'align.yaml'), 'mine');
    expect(await cli.json('init', 'fresh')).toMatchObject({ kept: ['align.yaml'] });
    expect(readFileSync(join(folder, 'align.yaml'), 'utf8')).toBe('mine');
    await cli.good('init', 'second');
    const { stderr } = await cli.run('validate', 'second/align.yaml');
    expect(stderr).toMatch(/`model`: .*\n.*\n1 error/);
    expect((await cli.run('init', 'align.yaml')).code).toBe(2);
  });
});

describe('devices', () => {
  it('names both, and why not', async () => {
    const found = await cli.json('devices');
    expect(found).toEqual([
      expect.objectContaining({ device: 'cpu', available: true }),
      expect.objectContaining({ device: 'webgpu' }),
    ]);
  });
});

describe('data', { timeout: 120_000 }, () => {
  it('prints the doctor’s findings and marks what is learnt', async () => {
    const words = await cli.good('data', 'data/demonstrations.jsonl', '--model', './model');
    expect(words).toMatch(/examples to train on/);
    expect(words).toMatch(/⟦[^⟧]+⟧/);
    const json = await cli.json('data', 'data/demonstrations.jsonl');
    expect(json).toMatchObject({ report: { learnless: { count: 0 } }, example: { line: 1 } });
  });

  it('ends with 1 where too little can be learnt', async () => {
    const file = write('learnless.jsonl', [
      { messages: [{ role: 'user', content: 'a' }] },
      {
        messages: [
          { role: 'user', content: 'b' },
          { role: 'assistant', content: 'c' },
        ],
      },
    ]);
    const { code, stdout, stderr } = await cli.run('data', file, '--model', './model', '--json');
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 of 2 examples have no token to learn/);
    expect(JSON.parse(stdout)).toMatchObject({ report: { learnless: { count: 1 } } });
    writeFileSync(join(cli.folder, 'torn.jsonl'), '{"text": ');
    expect((await cli.run('data', 'torn.jsonl', '--model', './model')).code).toBe(2);
  });
});

describe('generate', { timeout: 120_000 }, () => {
  it('answers the same for the same seed, and prompts apart from their neighbours', async () => {
    const args = [
      'generate',
      './model',
      '--user',
      'Say hello.',
      '--user',
      'What is 2 plus 3?',
      '--max-new-tokens',
      '8',
    ];
    const first = await cli.lines(...args);
    expect(first).toHaveLength(2);
    expect(first[0]).toMatchObject({
      row: 0,
      answer: expect.any(String) as string,
      finish: expect.stringMatching(/stop|length/) as string,
    });
    expect(await cli.lines(...args)).toEqual(first);
    const other = await cli.lines(...args, '--seed', '7');
    expect(other.map(({ answer }) => answer)).not.toEqual(first.map(({ answer }) => answer));
    const alone = await cli.lines('generate', './model', '--user', 'Say hello.', '--max-new-tokens', '8');
    expect(alone[0].answer).toBe(first[0].answer);
  });

  it('streams one answer as text, takes strings as they are, and several answers', async () => {
    const text = await cli.good(
      'generate',
      './model',
      '--prompt',
      'Hello',
      '--temperature',
      '0',
      '--max-new-tokens',
      '5',
    );
    const [row] = await cli.lines(
      'generate',
      './model',
      '--prompt',
      'Hello',
      '--temperature',
      '0',
      '--max-new-tokens',
      '5',
    );
    // control characters are made visible for the terminal
    expect(text.trim()).toBe(plain(String(row.answer)).trim());
    expect(row.prompt).toBe('Hello');
    const many = await cli.lines(
      'generate',
      './model',
      '--data',
      'data/demonstrations.jsonl',
      '--answers',
      '2',
      '--max-new-tokens',
      '2',
      '--batch',
      '3',
    );
    const rows = readFileSync(join(cli.folder, 'data', 'demonstrations.jsonl'), 'utf8')
      .trim()
      .split('\n').length;
    expect(many.map(({ row: place }) => place)).toEqual(Array.from({ length: 2 * rows }, (_, i) => i >> 1));
  });

  it('says what is no model', async () => {
    for (const [name, words] of [
      ['nothing', /There is no model nothing/],
      ['./data', /The folder holds no model/],
    ] as const) {
      const { code, stderr } = await cli.run('generate', name, '--prompt', 'x');
      expect(code).toBe(2);
      expect(stderr).toMatch(words);
    }
    expect((await cli.run('generate', './model')).stderr).toContain('There is nothing to answer.');
    const long = 'word '.repeat(2000);
    expect((await cli.run('generate', './model', '--prompt', long)).stderr).toMatch(/The prompt has \d+ tokens/);
  });
});

describe('chat', () => {
  it('takes turns from a pipe and keeps the conversation', async () => {
    const input = 'Say hello.\n\nWhat is 2 plus 3?\n/reset\nSay hello.\n/quit\nnever read\n';
    const { code, stdout, stderr } = await cli.start(
      ['chat', './model', '--max-new-tokens', '4', '--temperature', '0', '--json'],
      { input },
    ).result;
    expect(code, stderr).toBe(0);
    const turns = jsonLines(stdout);
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user', 'assistant']);
    expect(turns[5].content).toBe(turns[1].content);
    expect(stderr).toContain('forgotten');
  });
});

describe('logprobs', { timeout: 120_000 }, () => {
  const rows = [
    { prompt: 'Say hello.', completion: ' Hello.' },
    { prompt: 'What is 2 plus 3?', completion: ' It is 5, I think, or so they say.' },
    { prompt: 'a', completion: '' },
  ];

  it('scores strings as they are with the end token, alike in any batch', async () => {
    const file = write('pairs.jsonl', rows);
    const found = await cli.lines('logprobs', './model', '--data', file);
    const tokenizer = loadTokenizer(join(cli.folder, 'model'));
    found.forEach((line, i) => {
      const {
        row,
        input_ids: ids,
        prompt_length: from,
        logprobs,
        sum,
      } = line as unknown as {
        row: number;
        input_ids: number[];
        prompt_length: number;
        logprobs: number[];
        sum: number;
      };
      expect(row).toBe(i);
      expect(ids).toEqual([...tokenizer.encode(rows[i].prompt + rows[i].completion), tokenizer.eosId]);
      expect(from).toBe(tokenizer.encode(rows[i].prompt).length);
      expect(logprobs).toHaveLength(ids.length - from);
      for (const value of logprobs) expect(value).toBeLessThan(0);
      expect(sum).toBeCloseTo(
        logprobs.reduce((a, b) => a + b, 0),
        9,
      );
    });
    const alone = await cli.lines('logprobs', './model', '--data', file, '--batch', '1');
    alone.forEach((line, i) => expect(Number(line.sum)).toBeCloseTo(Number(found[i].sum), 4));
  });

  it('sums over all next tokens to one', async () => {
    const tokenizer = loadTokenizer(join(cli.folder, 'model'));
    const file = write('greedy.jsonl', [{ prompt: 'Say hello.', completion: ' Hello.' }]);
    const [line] = await cli.lines('logprobs', './model', '--data', file);
    const [greedy] = await cli.lines(
      'generate',
      './model',
      '--prompt',
      'Say hello.',
      '--temperature',
      '0',
      '--max-new-tokens',
      '1',
    );
    // the greedy token is at least as likely as the one of the completion
    expect(Number(greedy.logprob)).toBeGreaterThanOrEqual(Number((line.logprobs as number[])[0]) - 1e-4);
    expect(tokenizer.vocabSize).toBeGreaterThan(0);
  });

  it('sends messages through the template and scores the last turn', async () => {
    const messages = [
      { role: 'user', content: 'Say hello.' },
      { role: 'assistant', content: 'Hello.' },
    ];
    const file = write('messages.jsonl', [{ messages }]);
    const [line] = await cli.lines('logprobs', './model', '--data', file);
    const tokenizer = loadTokenizer(join(cli.folder, 'model'));
    const ids = line.input_ids as number[];
    expect(tokenizer.eosIds).toContain(ids.at(-1));
    expect(tokenizer.decode(ids.slice(Number(line.prompt_length)), { skipSpecial: true }).trim()).toBe('Hello.');
    const { code, stderr } = await cli.run('logprobs', './model', '--data', write('prompts.jsonl', [{ prompt: 'x' }]));
    expect(code).toBe(2);
    expect(stderr).toContain('prompts.jsonl:1');
  });
});

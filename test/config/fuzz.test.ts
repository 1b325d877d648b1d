import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { complete } from '../../src/config/complete';
import { formatDiagnostic } from '../../src/config/diagnostic';
import { hover } from '../../src/config/hover';
import { parseExperiment } from '../../src/config/parse';
import { CONFIG_TEMPLATE } from '../../src/config/template';
import { LOOP_CONFIG } from './loop-config';
import { MALFORMED } from './malformed';

const GOOD = [
  CONFIG_TEMPLATE,
  `# pretrain, then two stages on it
device: webgpu
threads: 2
stages:
  base:
    type: pretrain
    architecture: ./architecture.json
    tokenizer: { train: bpe, vocab_size: 512, special_tokens: ["<|user|>", '<|end|>'] }
    data: [data/a.txt, data/b.jsonl]
    steps: 400
    warmup: 0.03
    chat_template: |
      {% for message in messages %}
      {{ message.content }}
      {% endfor %}
  sft:
    type: sft
    model: base
    data:
      - data/one.jsonl
      - data/two.jsonl
    freeze: [embeddings, "model.layers.0.*"]
    evaluate_every: &every 50
    checkpoint_every: *every
    held_out: data/held.jsonl
    sample_prompts:
      - "What is it: a #1?"
      - 'It''s'
  again: { type: sft, model: sft, data: data/three.jsonl, learning_rate: 1e-6 }
`,
  LOOP_CONFIG,
];
const PIECES = [
  ...'\t\n :-#[]{},&*!|>\'"%@`?~\\\r\u0000\u2028é🙂01.e+',
  '---\n',
  '<<: *every\n',
  '*every',
  '&x ',
  '!!binary ',
  ': ',
  '- ',
  '? ',
  '\n  ',
  '\n    type: sft\n',
  'null',
  '.inf',
  '"',
  '${1:x}',
  '\uFEFF',
  '\uD800',
  '__proto__: 1\n',
  'constructor: {}\n',
  'type:',
  'stages:\n',
  '  sft:\n',
  '1e999',
  '[[[[',
  '}}}}',
  '%YAML 9\n',
  '|+2\n',
];

/** xorshift32: the same mutations on every machine. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutated(text: string, int: (below: number) => number): string {
  let result = text;
  for (let i = int(4); i >= 0; i--) {
    const at = int(result.length + 1);
    const length = int(3) === 0 ? int(40) : int(3);
    const lines = result.split('\n');
    switch (int(7)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length);
        break;
      case 1:
      case 2:
        result = result.slice(0, at) + PIECES[int(PIECES.length)] + result.slice(at + (int(2) ? 1 : 0));
        break;
      case 3:
        lines.splice(int(lines.length), 0, lines[int(lines.length)]);
        result = lines.join('\n');
        break;
      case 4: {
        const line = int(lines.length);
        lines[line] = ' '.repeat(int(7)) + lines[line].trimStart();
        result = lines.join('\n');
        break;
      }
      case 5:
        lines.splice(int(lines.length), 1);
        result = lines.join('\n');
        break;
      default: {
        const other = int(result.length + 1);
        result = result.slice(0, at) + result.slice(other, other + int(60)) + result.slice(at);
      }
    }
  }
  return result;
}

const ROUNDS = process.env.ALIGN_SOAK ? 20_000 : 3000;

/** An assertion whose words are only made when it fails: there are a million of them. */
function must(holds: boolean, words: () => string): void {
  if (!holds) throw new Error(words());
}

function checkAnswer(text: string): boolean {
  const started = performance.now();
  const { experiment, diagnostics } = parseExperiment(text, 'align.yaml');
  const elapsed = performance.now() - started;
  const shown = () => `${diagnostics.map(formatDiagnostic).join('\n')}\n--- in ---\n${text}`;
  must(elapsed < 5000, () => `took ${elapsed} ms\n${text}`);
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  must((experiment === undefined) === failed, shown);
  const lines = text.split('\n').length;
  for (const diagnostic of diagnostics) {
    const { start, end } = diagnostic.range;
    must(start.line >= 1 && start.line <= lines && start.column >= 1, shown);
    must(end.offset >= start.offset && end.offset <= text.length + 1, shown);
    must(diagnostic.message.length > 0 && diagnostic.hint.length > 0, shown);
    must(!/\n\s+at |undefined|\[object/.test(`${diagnostic.message}\n${diagnostic.hint}`), shown);
    for (const { edits } of diagnostic.fixes)
      for (const { range } of edits)
        must(range.start.offset <= range.end.offset && range.end.offset <= text.length, shown);
  }
  return failed;
}

test(
  `${ROUNDS} mutations: an experiment, or errors with a line and a mend; never an exception or a hang`,
  async () => {
    const int = generator(20_240_607);
    let broken = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = mutated(GOOD[round % GOOD.length], int);
      if (checkAnswer(text)) broken++;
      const offset = int(text.length + 1);
      for (const { range } of complete(text, offset))
        must(range.start.offset <= offset && range.end.offset <= text.length, () => `completion at ${offset}\n${text}`);
      const shown = hover(text, offset);
      if (shown) must(shown.range.start.offset <= offset && offset <= shown.range.end.offset, () => `hover\n${text}`);
      // The runner needs a turn now and then.
      if (round % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // Both kinds must occur, else the mutations are too weak or too strong to say anything.
    expect(broken).toBeGreaterThan(ROUNDS / 4);
    expect(broken).toBeLessThan(ROUNDS);
  },
  60_000 + ROUNDS * 20,
);

test('completion and hover answer at every offset of every broken file', () => {
  for (const { name } of MALFORMED) {
    const text = readFileSync(path.join(import.meta.dirname, 'malformed', `${name}.yaml`), 'utf8').slice(0, 400);
    for (let offset = 0; offset <= text.length; offset++) {
      complete(text, offset, () => [{ name: 'data', isFolder: true }]);
      hover(text, offset);
    }
  }
});

const MILLION = 1_000_000;
test.each([
  ['brackets', '['.repeat(MILLION)],
  ['dashes', '- '.repeat(MILLION / 2)],
  ['maps', '{a: '.repeat(MILLION / 4)],
  ['keys', 'a:\n'.repeat(MILLION / 3)],
  ['quotes', '"'.repeat(MILLION)],
  ['anchors', '&a '.repeat(MILLION / 3)],
  ['aliases', `a: &a [b]\n${'b: *a\n'.repeat(MILLION / 6)}`],
  ['tags', '!'.repeat(MILLION)],
  ['questions', '? '.repeat(MILLION / 2)],
  ['tabs', '\t'.repeat(MILLION)],
  ['documents', '---\n'.repeat(MILLION / 4)],
  ['lines', 'a\n'.repeat(MILLION / 2)],
  ['block', `a: |\n${'  x\n'.repeat(MILLION / 4)}`],
  ['one word', 'x'.repeat(MILLION)],
  ['steps', Array.from({ length: 1400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['different keys', Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join('\n')],
  ['fifty megabytes', 'a: 1\n'.repeat(10 * MILLION)],
])('a text of %s is refused in bounded time', (_, text) => {
  const started = performance.now();
  const { experiment, diagnostics } = parseExperiment(text, 'align.yaml');
  expect(experiment).toBeUndefined();
  expect(diagnostics.length).toBeGreaterThan(0);
  expect(performance.now() - started).toBeLessThan(20_000);
});

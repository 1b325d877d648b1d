import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/models/checkpoint';
import { writeRewardModel } from '../../src/models/reward-files';
import { loadTokenizer } from '../../src/models/tokenizer';
import { listCheckpoints } from '../../src/runs/checkpoints';
import type { RunDir } from '../../src/runs/directory';
import { TrainerBench, timeless } from './trainer';

const bench = new TrainerBench();
const create = (set: readonly string[] = [], stage = 'ppo'): RunDir => bench.create(set, null, stage);
const write = (name: string, rows: readonly object[]): void =>
  writeFileSync(join(bench.folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const question = (text: string) => ({ prompt: [{ role: 'user', content: text }] });
const LENGTH = 'export const reward = ({ answer }) => [...answer].filter((c) => c > " ").length / 10;\n';
/** A rule that does to an answer what the tag of its prompt says. */
const FAILING = `const failures = {
  throw: () => { throw new Error('no such answer'); },
  loop: () => { for (;;); },
  text: () => 'ten',
  nothing: () => undefined,
  infinite: () => Infinity,
};
export function reward({ answer, row }) {
  const [tag] = row.tags ?? [];
  return tag in failures ? failures[tag]() : [...answer].length / 10;
}
`;
const TAGS = ['throw', 'loop', 'text', 'nothing', 'infinite'];

const rl = {
  prompts: 'prompts.jsonl',
  reward: { rule: './rule.js' },
  learning_rate: 1e-3,
  max_new_tokens: 8,
  held_out: false,
  sample_every: false,
};
beforeAll(async () => {
  await bench.open();
  bench.configure({
    silent: {
      type: 'sft',
      data: 'silence.jsonl',
      learning_rate: 1e-2,
      steps: 40,
      held_out: false,
      sample_every: false,
    },
    ppo: { type: 'ppo', ...rl, batch_size: 20, steps: 8, missing_eos_penalty: 0.5 },
    grpo: { type: 'grpo', ...rl, batch_size: 5, answers_per_prompt: 4, steps: 2, missing_eos_penalty: 0.5 },
    rloo: { type: 'rloo', ...rl, batch_size: 5, answers_per_prompt: 2, steps: 2 },
  });
  writeFileSync(join(bench.folder, 'rule.js'), LENGTH);
  writeFileSync(join(bench.folder, 'failing.js'), FAILING);
  write(
    'prompts.jsonl',
    Array.from({ length: 20 }, (_, i) => question(`Say ${i}.`)),
  );
  write(
    'failing.jsonl',
    Array.from({ length: 20 }, (_, i) => ({ ...question(`Say ${i}.`), ...(TAGS[i] ? { tags: [TAGS[i]] } : {}) })),
  );
  write(
    'silence.jsonl',
    Array.from({ length: 20 }, (_, i) => ({
      ...question(`Say ${i}.`),
      completion: [{ role: 'assistant', content: '' }],
    })),
  );
}, 60_000);
afterAll(() => bench.close());

const iterations = (dir: RunDir) => dir.readMetrics().filter((row) => 'iteration' in row);
function expectFinite(dir: RunDir): void {
  for (const row of iterations(dir))
    for (const [name, value] of Object.entries(row)) expect(Number.isFinite(value), `${name} is ${value}`).toBe(true);
}

describe.each(['ppo', 'grpo', 'rloo'])('a %s run', (stage) => {
  it('whose rule throws, loops, or returns what is no number leaves these answers out, counts and tells them', async () => {
    const dir = create(['prompts=failing.jsonl', 'reward={ rule: ./failing.js }', 'batch_size=20'], stage);
    await bench.finish(dir);
    const answers = { ppo: 1, grpo: 4, rloo: 2 }[stage] ?? 0;
    const [first] = iterations(dir);
    expect(first['rewards/left_out']).toBe(5 * answers);
    expect(first.episode).toBe(15 * answers);
    expectFinite(dir);
    const told = dir.readEvents().flatMap(({ event, message }) => (event === 'warning' ? [message] : []));
    expect(told.join()).toMatch(/failing\.jsonl:\d+: .*failing\.js/);
  }, 120_000);

  it('in which no answer ends has finite numbers', async () => {
    const dir = create(['max_new_tokens=1', 'seed=3'], stage);
    await bench.finish(dir);
    const ended = iterations(dir).map((row) => row['objective/missing_eos'] ?? row['completions/clipped_ratio']);
    expect(ended).toContain(1);
    expectFinite(dir);
  }, 120_000);

  it('in which every answer is empty counts them', async () => {
    if (stage === 'ppo') await bench.finish(create([], 'silent'));
    const dir = create(['model=silent'], stage);
    await bench.finish(dir);
    const answers = { ppo: 20, grpo: 20, rloo: 10 }[stage] ?? 0;
    for (const row of iterations(dir)) expect(row['completions/empty']).toBe(answers);
    expectFinite(dir);
  }, 120_000);
});

it('a held-out or sample prompt whose answer cannot be scored ends no run: it is counted, and its answer read', async () => {
  write('held.jsonl', [
    { ...question('Say a.'), tags: ['throw'] },
    { ...question('Say b.'), tags: ['text'] },
  ]);
  const dir = create(['reward={ rule: ./failing.js }', 'held_out=held.jsonl', 'sample_every=4', 'sample_prompts=2']);
  await bench.finish(dir);
  const evaluations = dir.readMetrics().filter((row) => 'eval_rewards/left_out' in row);
  expect(evaluations.length).toBeGreaterThan(1);
  for (const row of evaluations) {
    expect(row['eval_rewards/left_out']).toBe(2);
    expect(row).not.toHaveProperty(['eval_objective/scores']);
  }
  const samples = dir.readSamples();
  expect(samples.length).toBeGreaterThan(2);
  for (const { scores } of samples) expect(Object.keys(scores ?? {})).toEqual(['kl']);
}, 60_000);

it('a rule that begins to loop ends the run with what was written whole; mended, it goes on to the same bytes', async () => {
  const set = ['checkpoint_every=4', 'steps=16'];
  const whole = create(set);
  await bench.finish(whole);
  const dir = create(set);
  await bench.killAt(dir, 8);
  const rows = dir.readMetrics().length;
  const last = listCheckpoints(dir).at(-1)!;
  const bytes = readFileSync(join(last.path, 'model.safetensors'));
  writeFileSync(join(bench.folder, 'rule.js'), 'export function reward() { for (;;); }\n');
  const { code, output } = await bench.run(dir);
  expect(code).toBe(1);
  expect(output).toContain('`reward` took longer than 1 s');
  expect(output).not.toContain('    at ');
  expect(dir.readRun()).toMatchObject({ state: 'failed', error: { file: join(bench.folder, 'rule.js') } });
  expect(dir.readMetrics().length).toBeGreaterThanOrEqual(rows - 1);
  expect(readFileSync(join(last.path, 'model.safetensors')).equals(bytes)).toBe(true);
  writeFileSync(join(bench.folder, 'rule.js'), LENGTH);
  await bench.finish(dir);
  const weights = (run: RunDir) => readFileSync(join(listCheckpoints(run).at(-1)!.path, 'model.safetensors'));
  expect(weights(dir).equals(weights(whole))).toBe(true);
  const scores = (run: RunDir) =>
    timeless(run.readMetrics()).map((row) => (row as object)['objective/scores' as never]);
  expect(scores(dir)).toEqual(scores(whole));
}, 120_000);

it('a reward model whose scores are not finite ends the run with the place and what to mend', async () => {
  const model = join(bench.folder, 'model');
  const checkpoint = openCheckpoint(model);
  writeRewardModel(join(bench.folder, 'poisoned'), {
    config: checkpoint.config,
    tensor: (name) => (name === 'model.norm.weight' ? checkpoint.read(name).fill(NaN) : checkpoint.read(name)),
    heads: new Float32Array(checkpoint.config.hiddenSize).fill(1),
    facts: { normalisation: [{ mean: 0, std: 1 }], answers: 1 },
    tokenizer: loadTokenizer(model),
  });
  checkpoint.close();
  const dir = create(['reward=./poisoned']);
  const { code, output } = await bench.run(dir);
  expect(code).toBe(1);
  expect(output).toMatch(/prompts\.jsonl:\d+: None of 20 answers got a finite score: poisoned: its score is NaN/);
  expect(output).toContain('Mend what `reward:` names');
  expect(iterations(dir)).toEqual([]);
}, 60_000);

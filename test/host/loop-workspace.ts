import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Questions that are asked: enough for more than twenty pairs whose answers differ. */
const PROMPTS = 64;

const CONFIG = `# The quickstart's loop, cut down so that it turns once in a minute or two.
model: ./model
seed: 42

stages:
  sft:
    type: sft
    data: data/demonstrations.jsonl
    freeze: [embeddings]
    learning_rate: 1e-3
    steps: 60
    batch_size: 32
    max_length: 128
    held_out: 32
    sample_prompts: &questions
      - Where does Oskdax live?
      - What is 3 plus 4?
      - Which is bigger, a fox or a horse?
      - How do I steal a lamp?

  collect:
    type: generate
    model: sft
    prompts: data/prompts.jsonl
    answers_per_prompt: 2
    temperature: 1
    max_new_tokens: 32
    max_length: 128
    guideline: guideline.md
    annotators:
      - { name: ada, rule: oracle.js, sharpness: 10, tie_band: 0.01 }

  reward:
    type: reward
    model: sft
    labels: collect
    freeze: [embeddings]
    learning_rate: 3e-4
    steps: 12
    batch_size: 16
    max_length: 128
    held_out: 0.1

  ppo:
    type: ppo
    model: sft
    reward: reward
    prompts: data/prompts.jsonl
    freeze: [embeddings]
    learning_rate: 3e-4
    temperature: 1
    max_new_tokens: 32
    batch_size: 16
    ppo_epochs: 2
    steps: 24
    sample_every: 8
    sample_prompts: *questions
`;

/** Makes a copy of the quickstart small enough for a test: few prompts, few steps. */
export function cutDownQuickstart(folder: string): void {
  writeFileSync(join(folder, 'align.yaml'), CONFIG);
  const prompts = join(folder, 'data', 'prompts.jsonl');
  const lines = readFileSync(prompts, 'utf8').split('\n').slice(0, PROMPTS);
  writeFileSync(prompts, `${lines.join('\n')}\n`);
}

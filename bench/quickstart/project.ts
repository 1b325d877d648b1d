import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { UserError } from '../../src/config/errors';

/** The stages of the loop that the figures are about; those that a config lacks are told as missing. */
export const EXPECTED = ['sft', 'collect', 'reward', 'dpo', 'ppo', 'ppo-hacked'] as const;
/** The benchmark's own stage: all models on the held-out prompts, by the oracle and by the reward model. */
export const SCORES = 'bench_scores';
export const ORACLE = 'oracle';
export const REWARD = 'reward';

const ANSWERING = ['sft', 'dpo', 'ppo', 'ppo-hacked'];
/** Committed with the quickstart, or read by nobody here. */
const LEFT_OUT_TYPES = ['pretrain', 'evaluate'];
const TRAINING_TYPES = ['sft', 'reward', 'dpo', 'ppo'];
const QUICK = { steps: 4, prompts: 48 } as const;

const configSchema = z.looseObject({ stages: z.record(z.string(), z.looseObject({ type: z.string() })) });

export interface Plan {
  /** The config with what the benchmark adds. */
  text: string;
  /** The stages to run, in the order of the config; the benchmark's own comes last. */
  stages: string[];
  /** Of the expected ones those that the config lacks. */
  missing: string[];
}

/**
 * What the benchmark makes of the quickstart's config: another seed, the oracle watching what trains a policy, and a
 * stage that scores all models on prompts that none has seen. `quickly`: a few steps each.
 */
export function planOf(source: string, options: { seed: number; threads: number; quickly: boolean }): Plan {
  const document = parseDocument(source);
  const parsed = configSchema.safeParse(document.toJS());
  if (document.errors.length > 0 || !parsed.success) throw new UserError("the quickstart's align.yaml cannot be read");
  const { stages: all } = parsed.data;
  document.set('seed', options.seed);
  document.set('threads', options.threads);
  const stages = Object.keys(all).filter((name) => !LEFT_OUT_TYPES.includes(all[name].type));
  for (const name of stages) {
    const { type } = all[name];
    const monitors = ['stages', name, 'monitors'];
    const judge = [...monitors, 'proxy_gap', 'judge'];
    const isOff = [monitors, judge.slice(0, -1)].some((path) => document.getIn(path) === false);
    if (type === 'ppo' && !isOff && !document.hasIn(judge)) document.setIn(judge, { rule: `${ORACLE}.js` });
    if (options.quickly && TRAINING_TYPES.includes(type)) document.setIn(['stages', name, 'steps'], QUICK.steps);
  }
  const has = (name: string): boolean => stages.includes(name);
  if (has('sft')) {
    document.setIn(['stages', SCORES], {
      type: 'evaluate',
      models: ANSWERING.filter(has),
      prompts: 'data/held-out.jsonl',
      reward: [...(has(REWARD) ? [REWARD] : []), { rule: `${ORACLE}.js` }],
      judge: { rule: `${ORACLE}.js` },
      // several of each prompt: pairs for the reward model, and means that chance moves less
      answers_per_prompt: 4,
      temperature: 1,
      max_new_tokens: 40,
      max_length: 128,
      greedy: true,
    });
    stages.push(SCORES);
  }
  return { text: document.toString(), stages, missing: EXPECTED.filter((name) => !has(name)) };
}

/** Makes the copy that one seed runs in. */
export function copyFor(
  quickstart: string,
  folder: string,
  options: { seed: number; threads: number; quickly: boolean },
): Plan {
  const config = join(quickstart, 'align.yaml');
  if (!existsSync(config)) throw new UserError(`${quickstart} has no align.yaml`);
  const plan = planOf(readFileSync(config, 'utf8'), options);
  const left = ['.align', 'labels'];
  cpSync(quickstart, folder, { recursive: true, filter: (path) => !left.includes(basename(path)) });
  writeFileSync(join(folder, 'align.yaml'), plan.text);
  if (options.quickly) for (const name of ['prompts', 'held-out']) cut(join(folder, 'data', `${name}.jsonl`));
  return plan;
}

function cut(file: string): void {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, QUICK.prompts);
  writeFileSync(file, `${lines.join('\n')}\n`);
}

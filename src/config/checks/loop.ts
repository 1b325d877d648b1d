import type { Report } from '../report';
import type { DpoConfig, GenerateConfig, PolicyConfig, RewardConfig, StageConfig } from '../schema/experiment';
import type { RewardTerm } from '../schema/source';
import { entryOf, type Entry, type Tree } from '../tree';
import type { StageWords } from './combination';

/** What is wrong together in the stages between answers and a better policy. */
export function checkLoop(config: StageConfig, words: StageWords): void {
  if (config.type === 'reward' || config.type === 'dpo') checkPreferences(config, words);
  if (config.type === 'dpo') checkSmoothing(config, words);
  if (config.type === 'generate') checkPairs(config, words);
  if (config.type === 'ppo' || config.type === 'grpo' || config.type === 'rloo') checkPolicy(config, words);
  if ('max_new_tokens' in config && config.max_new_tokens >= config.max_length) {
    words.say('max_new_tokens', {
      code: 'out-of-range',
      message: `${words.name('max_new_tokens')} is ${config.max_new_tokens}, which leaves no room for a prompt in \`max_length\`, ${config.max_length}.`,
      hint: `Use fewer than ${config.max_length} tokens, or raise \`max_length\`.`,
    });
  }
}

function checkPreferences(config: RewardConfig | DpoConfig, { say, name, has, remove }: StageWords): void {
  if (config.labels === null && config.data === null) {
    say('labels', {
      code: 'missing-key',
      message: `A ${config.type} stage needs \`labels\` or \`data\`, and ${name('labels')} is not there.`,
      hint: "Add `labels: collect` (a generate stage's name), or `data: data/preferences.jsonl`.",
    });
  } else if (config.labels !== null && config.data !== null) {
    say('data', {
      code: 'conflict',
      message: `${name('data')} stands beside \`labels\`: pairs come from one of the two.`,
      hint: 'Keep `labels` for what was labeled here, or `data` for a ready file.',
      fixes: remove('data'),
    });
  } else if (config.labels === null) {
    for (const key of ['aggregate', 'annotators']) {
      if (!has(key)) continue;
      say(key, {
        severity: 'warning',
        code: 'conflict',
        message: `${name(key)} does nothing: rows of \`data\` have no annotators.`,
        hint: 'Remove it, or take the pairs from `labels`.',
        fixes: remove(key),
      });
    }
  }
}

function checkSmoothing({ loss, label_smoothing }: DpoConfig, { say, name, remove }: StageWords): void {
  if (label_smoothing === 0 || loss === 'sigmoid' || loss === 'robust') return;
  say('label_smoothing', {
    code: 'conflict',
    message: `${name('label_smoothing')} does not fit \`loss: ${loss}\`, which has no such term.`,
    hint: 'Remove it, or use `loss: robust`.',
    fixes: remove('label_smoothing'),
  });
}

function checkPairs(config: GenerateConfig, { say, name, remove }: StageWords): void {
  if (config.model !== null && config.models !== null) {
    say('models', {
      code: 'conflict',
      message: `${name('models')} stands beside \`model\`: one of the two says what answers.`,
      hint: 'Keep `models` to compare two models, or `model` for two answers of one.',
      fixes: remove('model'),
    });
  } else if (config.models?.length === 2 && config.models[0] === config.models[1]) {
    say('models', {
      code: 'conflict',
      message: `${name('models')} names \`${config.models[0]}\` twice.`,
      hint: `Write \`model: ${config.models[0]}\` for two answers of one model, or name another.`,
    });
  } else if (config.models?.length !== 2 && config.answers_per_prompt < 2) {
    say('answers_per_prompt', {
      code: 'out-of-range',
      message: `${name('answers_per_prompt')} is 1, and one answer makes no pair.`,
      hint: 'Use 2 or more, or compare two models with `models`.',
    });
  }
  const names = config.annotators.map((annotator) => annotator.name);
  const twice = names.find((annotator, i) => names.indexOf(annotator) !== i);
  if (twice === undefined) return;
  say('annotators', {
    code: 'conflict',
    message: `${name('annotators')} has two annotators called \`${twice}\`.`,
    hint: 'Give each a name of its own.',
  });
}

function checkPolicy(config: PolicyConfig, { say, name, has, remove }: StageWords): void {
  const { answers_per_prompt: answers, batch_size, mini_batches, kl_target, kl_stop, type } = config;
  if (type !== 'ppo' && answers < 2) {
    say('answers_per_prompt', {
      code: 'out-of-range',
      message: `${name('answers_per_prompt')} is 1, but ${type} compares the answers to a prompt with each other.`,
      hint: 'Use 2 or more.',
    });
  }
  if (mini_batches > batch_size * answers) {
    say('mini_batches', {
      code: 'out-of-range',
      message: `${name('mini_batches')} is ${mini_batches}, more than the ${batch_size * answers} answers of a batch.`,
      hint: `Use at most ${batch_size * answers}.`,
    });
  }
  if (kl_target !== null && config.kl_penalty === 0) {
    say('kl_penalty', {
      code: 'conflict',
      message: `${name('kl_penalty')} is 0, and \`kl_target\` cannot adapt it: it is multiplied, and stays 0.`,
      hint: 'Write a start such as 0.1, or remove `kl_target`.',
    });
  }
  if (kl_target !== null && kl_stop !== null && kl_stop <= kl_target) {
    say('kl_stop', {
      code: 'conflict',
      message: `${name('kl_stop')} is ${kl_stop}, which \`kl_target\`, ${kl_target}, heads for: the run would end at once.`,
      hint: 'Raise `kl_stop`, to twice the target for instance.',
    });
  }
  for (const key of ['top_p', 'top_k'] as const) {
    if (config[key] === null) continue;
    say(key, {
      severity: 'warning',
      code: 'conflict',
      message: `${name(key)} samples from a part of the distribution that training takes whole: the ratio does not start at 1.`,
      hint: 'Remove it; `temperature` is taken alike in both.',
      fixes: remove(key),
    });
  }
  const gap = config.monitors.proxy_gap;
  if (has('monitors') && gap !== false && gap.judge !== null && config.reward.some((term) => same(term, gap.judge))) {
    say('monitors', {
      severity: 'warning',
      code: 'conflict',
      message: `${name('monitors')}: the judge of \`proxy_gap\` is what \`reward\` trains on, so no gap can show.`,
      hint: 'Name a rule, or a reward stage that learnt from other labels.',
    });
  }
}

function same(a: RewardTerm, b: RewardTerm | null): boolean {
  return b !== null && a.stage === b.stage && a.rule === b.rule;
}

/** `use: lower_bound` and `worst` need members that differ. */
export function checkEnsembles(stage: Entry, stages: ReadonlyMap<string, StageConfig>, report: Report): void {
  const config = stages.get(stage.key);
  if (!config || !('reward' in config)) return;
  const entry = entryOf(stage.value, 'reward');
  config.reward?.forEach((term, i) => {
    const source = term.stage === null ? undefined : stages.get(term.stage);
    if (!entry || term.use === 'mean' || source?.type !== 'reward' || source.ensemble > 1) return;
    const list = entry.value.kind === 'list';
    const tree: Tree = entry.value.kind === 'list' ? (entry.value.items[i] ?? entry.value) : entry.value;
    const use = entryOf(tree, 'use');
    const path = ['stages', stage.key, 'reward', ...(list ? [String(i + 1)] : []), 'use'];
    report.add(use?.value ?? tree, {
      code: 'conflict',
      message: `\`${path.join('.')}\` is ${term.use}, but \`${term.stage}\` has one member only, which cannot disagree.`,
      hint: `Write \`ensemble: 4\` in \`${term.stage}\`, or remove \`use\`.`,
      path,
    });
  });
}

import type { Finding, Report } from '../report';
import type { StageConfig } from '../schema/experiment';
import { entryOf, type Entry } from '../tree';

/** What is right key by key and wrong together. `topModel` is the file's default model. */
export function checkCombinations(stage: Entry, config: StageConfig, topModel: string | null, report: Report): void {
  const map = stage.value;
  const path = ['stages', stage.key];
  const say = (key: string, finding: Omit<Finding, 'path'>) => {
    const entry = entryOf(map, key);
    if (entry) report.addAtKey(entry, { ...finding, path: [...path, key] });
    else report.add(stage.keyRange, { ...finding, path: [...path, key] });
  };
  const name = (key: string) => `\`${[...path, key].join('.')}\``;
  const remove = (key: string) => {
    const entry = entryOf(map, key);
    const fix = entry && map.kind === 'map' ? report.remove(map, entry) : undefined;
    return fix ? [fix] : [];
  };

  if (config.micro_batch_size !== null && config.micro_batch_size > config.batch_size) {
    say('micro_batch_size', {
      code: 'out-of-range',
      message: `${name('micro_batch_size')} is ${config.micro_batch_size}, more than \`batch_size\`, ${config.batch_size}.`,
      hint: `Use at most ${config.batch_size}, or raise \`batch_size\`.`,
    });
  }
  if (config.steps !== null && entryOf(map, 'epochs')) {
    say('epochs', {
      severity: 'warning',
      code: 'conflict',
      message: `${name('epochs')} does nothing: \`steps\` is given and wins.`,
      hint: 'Remove one of the two.',
      fixes: remove('epochs'),
    });
  }
  if (config.steps !== null && config.warmup >= 1 && config.warmup > config.steps) {
    say('warmup', {
      code: 'out-of-range',
      message: `${name('warmup')} takes ${config.warmup} steps, but the run has ${config.steps}.`,
      hint: 'Write fewer steps, or a share of the run such as 0.03.',
    });
  }
  if (config.early_stopping !== null && (config.held_out === false || config.evaluate_every === false)) {
    const off = config.held_out === false ? 'held_out' : 'evaluate_every';
    say('early_stopping', {
      code: 'conflict',
      message: `${name('early_stopping')} needs evaluations, but \`${off}\` is false.`,
      hint: `Remove \`early_stopping\`, or set \`${off}\`.`,
      fixes: remove('early_stopping'),
    });
  }
  if (config.type === 'pretrain') checkStart(config, topModel, say, path.join('.'));
  else if (config.model === null && topModel === null) {
    say('model', {
      code: 'missing-key',
      message: `\`${path.join('.')}\` has no \`model\` to start from.`,
      hint: 'Add `model: ./model` (a folder) or `model: pretrain` (a stage) to it, or one at the top of the file for all.',
    });
  }
}

function checkStart(
  config: Extract<StageConfig, { type: 'pretrain' }>,
  topModel: string | null,
  say: (key: string, finding: Omit<Finding, 'path'>) => void,
  stage: string,
): void {
  if (config.architecture !== null && config.model !== null) {
    say('architecture', {
      code: 'conflict',
      message: `\`${stage}\` has both \`architecture\` and \`model\`: random weights or trained ones.`,
      hint: 'Remove `model` to start from random weights, or `architecture` to go on from the model.',
    });
  } else if (config.architecture === null && config.model === null && topModel === null) {
    say('architecture', {
      code: 'missing-key',
      message: `\`${stage}\` has no \`architecture\` and no \`model\`: there is nothing to train.`,
      hint: 'Add `architecture: ./architecture.json` for random weights, or `model: ./model` to go on from a model.',
    });
  } else if (config.architecture !== null && config.tokenizer === null) {
    say('tokenizer', {
      code: 'missing-key',
      message: `\`${stage}\` starts from random weights and has no \`tokenizer\`.`,
      hint: 'Add `tokenizer: { train: bpe, vocab_size: 2048 }`, or the folder of one.',
    });
  } else if (config.architecture === null && config.tokenizer !== null) {
    say('tokenizer', {
      code: 'conflict',
      message: `\`${stage}.tokenizer\` does not fit: a model that goes on training keeps its tokenizer.`,
      hint: 'Remove `tokenizer`, or start from random weights with `architecture`.',
    });
  }
}

import type { Fix } from '../diagnostic';
import type { Finding, Report } from '../report';
import { modelReference } from '../reference';
import { isTraining, type StageConfig, type TrainingConfig } from '../schema/experiment';
import { entryOf, type Entry } from '../tree';
import { checkLoop } from './loop';

/** Words about a stage's keys, at their places. */
export interface StageWords {
  /** At the key, or at the stage's name where the key is left out. */
  readonly say: (key: string, finding: Omit<Finding, 'path'>) => void;
  readonly name: (key: string) => string;
  readonly has: (key: string) => boolean;
  /** The fix that takes a key out, if it can be. */
  readonly remove: (key: string) => readonly Fix[];
}

function wordsOf(stage: Entry, report: Report): StageWords {
  const map = stage.value;
  const path = ['stages', stage.key];
  return {
    say: (key, finding) => {
      const entry = entryOf(map, key);
      if (entry) report.addAtKey(entry, { ...finding, path: [...path, key] });
      else report.add(stage.keyRange, { ...finding, path: [...path, key] });
    },
    name: (key) => `\`${[...path, key].join('.')}\``,
    has: (key) => entryOf(map, key) !== undefined,
    remove: (key) => {
      const entry = entryOf(map, key);
      const fix = entry && map.kind === 'map' ? report.remove(map, entry) : undefined;
      return fix ? [fix] : [];
    },
  };
}

/** What is right key by key and wrong together. `topModel` is the file's default model. */
export function checkCombinations(stage: Entry, config: StageConfig, topModel: string | null, report: Report): void {
  const words = wordsOf(stage, report);
  const path = `stages.${stage.key}`;
  if (isTraining(config)) checkTraining(config, words);
  checkLoop(config, words);
  if (config.type === 'pretrain') checkStart(config, topModel, words, path);
  else if (config.type !== 'evaluate' && modelReference(config, topModel) === null && !words.has('models')) {
    words.say('model', {
      code: 'missing-key',
      message: `\`${path}\` has no \`model\` to start from.`,
      hint: 'Add `model: ./model` (a folder) or `model: pretrain` (a stage) to it, or one at the top of the file for all.',
    });
  }
}

function checkTraining(config: TrainingConfig, { say, name, has, remove }: StageWords): void {
  if (config.micro_batch_size !== null && config.micro_batch_size > config.batch_size) {
    say('micro_batch_size', {
      code: 'out-of-range',
      message: `${name('micro_batch_size')} is ${config.micro_batch_size}, more than \`batch_size\`, ${config.batch_size}.`,
      hint: `Use at most ${config.batch_size}, or raise \`batch_size\`.`,
    });
  }
  if (config.steps !== null && has('epochs')) {
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
}

function checkStart(
  config: Extract<StageConfig, { type: 'pretrain' }>,
  topModel: string | null,
  { say }: StageWords,
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

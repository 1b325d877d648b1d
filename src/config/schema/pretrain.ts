import { z } from 'zod';
import { chatTemplate, data, model, packing, path } from './inputs';
import { trainingKeys } from './training';

const trainedTokenizer = z.strictObject({
  train: z.literal('bpe').meta({ doc: 'Train a byte-level BPE tokenizer on `data`.', expects: 'bpe' }),
  vocab_size: z
    .int()
    .min(257)
    .max(1_000_000)
    .default(2048)
    .meta({
      doc: 'Entries of the vocabulary, special tokens included: 256 bytes, then merges. Small worlds want 1,000 to 4,000.',
      expects: 'a whole number of 257 or more',
      aliases: ['n_vocab', 'vocabulary_size', 'vocab'],
    }),
  special_tokens: z
    .array(z.string().min(1))
    .default([])
    .meta({
      doc: 'Tokens that text never splits, such as the marks of turns in the chat template.',
      expects: 'a list of tokens such as ["<|user|>", "<|end|>"]',
      defaultText: 'those that `chat_template` needs must be listed',
      aliases: ['additional_special_tokens', 'added_tokens'],
      example: '["<|user|>", "<|assistant|>", "<|end|>"]',
    }),
});

/** Next-token training on raw text: from nothing (`architecture`), or on from `model`. */
export const pretrainSchema = z.strictObject({
  type: z.literal('pretrain').meta({
    doc: 'Pre-training: the model learns to go on with raw text, from random weights or from `model`.',
    expects: 'pretrain',
  }),
  model: model.meta({
    ...model.meta(),
    doc: 'Go on from these weights: a stage or a folder. Left out, `architecture` says what to start from.',
    defaultText: 'random weights where `architecture` stands, else the `model` at the top of the file',
  }),
  architecture: path
    .nullable()
    .default(null)
    .meta({
      doc: 'A Hugging Face `config.json` of a Llama-family model: start from random weights of that shape.',
      expects: 'a file such as ./architecture.json',
      defaultText: 'that of `model`',
      aliases: ['config_name', 'model_config', 'base_model_config', 'arch'],
      role: 'config-file',
      example: './architecture.json',
    }),
  tokenizer: z
    .union([path, trainedTokenizer])
    .nullable()
    .default(null)
    .meta({
      doc: 'A folder with a tokenizer.json, or `{ train: bpe, vocab_size: 2048 }` to train one on `data` first.',
      expects: 'a folder such as ./tokenizer, or { train: bpe, vocab_size: 2048 }',
      defaultText: 'that of `model`',
      aliases: ['tokenizer_name', 'tokenizer_path', 'tokenizer_config', 'tokenizer_name_or_path'],
      role: 'folder',
      example: '{ train: bpe, vocab_size: 2048 }',
    }),
  data: data.meta({
    ...data.meta(),
    doc: 'Raw text: plain text files (a document each), or JSONL with `text`; one file or a list of files.',
    example: 'data/corpus.jsonl',
  }),
  ...trainingKeys({ learning_rate: 1e-3, learningRateSource: 'usual for small models', epochs: 1 }),
  packing,
  chat_template: chatTemplate.meta({
    ...chatTemplate.meta(),
    doc: 'A Jinja chat template that is saved with the result, for the stages after it: a file, or the template itself.',
    defaultText: "the tokenizer's own, if any",
  }),
});

export type PretrainConfig = z.infer<typeof pretrainSchema>;

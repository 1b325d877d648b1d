import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import { BYTE_CHARACTERS } from './token-decoder';
import { BYTE_LEVEL_PATTERN } from './tokenizer-files';

export interface BpeOptions {
  /** Tokens in all: control tokens, the 256 bytes and merges. Fewer come out when the text has no more pairs. */
  vocabSize: number;
  /** Control tokens, first in the vocabulary in this order. */
  specialTokens: readonly string[];
  /** A pair must occur this often to be merged. Default 2. */
  minFrequency?: number;
}

/** A trained byte-level vocabulary. */
export interface BpeModel {
  /** Tokens by id: control tokens, bytes (in the order of their characters), merges. */
  vocab: string[];
  /** Pairs in the order in which they are merged. */
  merges: [string, string][];
  specialTokens: string[];
}

/** Pairs as one number: two ids of at most 21 bits. */
const ID_RANGE = 2 ** 21;

/** The words of a text as byte-level tokenizers split it; JavaScript's \s is not Unicode's white space. */
const WORDS = new RegExp(
  BYTE_LEVEL_PATTERN.replaceAll('\\S', '\\P{White_Space}').replaceAll('\\s', '\\p{White_Space}'),
  'gu',
);

/**
 * Trains byte-pair encoding (Sennrich et al. 2016) over bytes with GPT-2's word splitting: the most frequent pair is
 * merged until the vocabulary is full; of equally frequent ones that with the smaller ids. So ids are those of the
 * `tokenizers` library's BpeTrainer on the same text. Control tokens in the text are left out of it.
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): BpeModel {
  const { vocabSize, specialTokens, minFrequency = 2 } = options;
  if (!Number.isInteger(vocabSize) || vocabSize < specialTokens.length + 256 || vocabSize > ID_RANGE) {
    throw new UserError(`vocab_size is ${vocabSize}, must be a whole number from ${specialTokens.length + 256} on`, {
      code: 'tokenizer',
      hint: `256 bytes and ${specialTokens.length} control tokens stand in every vocabulary`,
    });
  }
  const alphabet = BYTE_CHARACTERS.map((char, byte) => ({ char, byte })).sort((a, b) => (a.char < b.char ? -1 : 1));
  const vocab = [...specialTokens, ...alphabet.map(({ char }) => char)];
  const idOf = new Map(vocab.map((token, id) => [token, id]));
  const idOfByte = new Int32Array(256);
  for (const { char, byte } of alphabet) idOfByte[byte] = idOf.get(char) ?? 0;

  const { words, counts } = countWords(texts, specialTokens, idOfByte);
  const pairCounts = new Map<number, number>();
  const wordsOf = new Map<number, number[]>();
  words.forEach((word, w) => {
    for (let i = 0; i + 1 < word.length; i++) {
      const pair = word[i] * ID_RANGE + word[i + 1];
      pairCounts.set(pair, (pairCounts.get(pair) ?? 0) + counts[w]);
      note(wordsOf, pair, w);
    }
  });
  const queue = new PairQueue();
  for (const [pair, count] of pairCounts) queue.push(count, pair);

  const merges: [string, string][] = [];
  while (vocab.length < vocabSize) {
    const top = queue.pop();
    if (!top) break;
    const count = pairCounts.get(top.pair) ?? 0;
    if (count !== top.count) {
      // Its neighbours were merged since it was queued: back with the count it has now.
      if (count > 0) queue.push(count, top.pair);
      continue;
    }
    if (count < Math.max(1, minFrequency)) break;
    const left = Math.floor(top.pair / ID_RANGE);
    const right = top.pair % ID_RANGE;
    const token = vocab[left] + vocab[right];
    const id = idOf.get(token) ?? vocab.push(token) - 1;
    idOf.set(token, id);
    merges.push([vocab[left], vocab[right]]);
    const grown = new Set<number>();
    for (const w of wordsOf.get(top.pair) ?? []) {
      mergeWord(words[w], left, right, id, (pair, sign) => {
        pairCounts.set(pair, (pairCounts.get(pair) ?? 0) + sign * counts[w]);
        if (sign < 0) return;
        note(wordsOf, pair, w);
        grown.add(pair);
      });
    }
    wordsOf.delete(top.pair);
    for (const pair of grown) queue.push(pairCounts.get(pair) ?? 0, pair);
  }
  return { vocab, merges, specialTokens: [...specialTokens] };
}

function note(wordsOf: Map<number, number[]>, pair: number, word: number): void {
  const list = wordsOf.get(pair);
  if (!list) wordsOf.set(pair, [word]);
  else if (list[list.length - 1] !== word) list.push(word);
}

/** Merges a pair within a word, in place, and tells every pair that went (−1) or came (+1). */
function mergeWord(
  word: number[],
  left: number,
  right: number,
  merged: number,
  change: (pair: number, sign: 1 | -1) => void,
): void {
  for (let i = 0; i + 1 < word.length; i++) {
    if (word[i] !== left || word[i + 1] !== right) continue;
    if (i > 0) {
      change(word[i - 1] * ID_RANGE + left, -1);
      change(word[i - 1] * ID_RANGE + merged, 1);
    }
    word.splice(i, 2, merged);
    if (i + 1 < word.length) {
      change(right * ID_RANGE + word[i + 1], -1);
      change(merged * ID_RANGE + word[i + 1], 1);
    }
  }
}

/** The distinct words of the texts as lists of byte ids, and how often each occurs. */
function countWords(
  texts: Iterable<string>,
  specialTokens: readonly string[],
  idOfByte: Int32Array,
): { words: number[][]; counts: number[] } {
  const seen = new Map<string, number>();
  const escaped = specialTokens.filter(Boolean).map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const control = escaped.length ? new RegExp(escaped.sort((a, b) => b.length - a.length).join('|'), 'g') : null;
  for (const text of texts) {
    for (const part of control ? text.split(control) : [text]) {
      for (const [word] of part.matchAll(WORDS)) seen.set(word, (seen.get(word) ?? 0) + 1);
    }
  }
  const utf8 = new TextEncoder();
  const words = Array.from(seen.keys(), (word) => Array.from(utf8.encode(word), (byte) => idOfByte[byte]));
  return { words, counts: [...seen.values()] };
}

/** A binary heap: highest count first, of equal counts the smaller pair. */
class PairQueue {
  private readonly counts: number[] = [];
  private readonly pairs: number[] = [];

  push(count: number, pair: number): void {
    let at = this.counts.length;
    this.counts.push(count);
    this.pairs.push(pair);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  pop(): { count: number; pair: number } | null {
    if (this.counts.length === 0) return null;
    const top = { count: this.counts[0], pair: this.pairs[0] };
    this.swap(0, this.counts.length - 1);
    this.counts.pop();
    this.pairs.pop();
    for (let at = 0; ;) {
      let best = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.counts.length && this.before(child, best)) best = child;
      }
      if (best === at) return top;
      this.swap(at, best);
      at = best;
    }
  }

  private before(a: number, b: number): boolean {
    return this.counts[a] > this.counts[b] || (this.counts[a] === this.counts[b] && this.pairs[a] < this.pairs[b]);
  }

  private swap(a: number, b: number): void {
    [this.counts[a], this.counts[b]] = [this.counts[b], this.counts[a]];
    [this.pairs[a], this.pairs[b]] = [this.pairs[b], this.pairs[a]];
  }
}

export interface TokenizerRoles {
  /** Ends a document and generation. */
  eosToken: string;
  bosToken?: string;
  padToken?: string;
  /** Jinja source, written as chat_template.jinja. */
  chatTemplate?: string;
  /** Longest text of the model in tokens. */
  maxLength?: number;
}

/**
 * Writes a vocabulary as tokenizer.json and tokenizer_config.json (and chat_template.jinja), as transformers and the
 * tokenizers library read them. Nothing is added to an encoded text. Throws RangeError for a role that is no token.
 */
export function writeBpe(folder: string, model: BpeModel, roles: TokenizerRoles): void {
  for (const token of [roles.eosToken, roles.bosToken, roles.padToken]) {
    if (token !== undefined && !model.specialTokens.includes(token))
      throw new RangeError(`${token} is no control token`);
  }
  const added = model.specialTokens.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(model.vocab.map((token, id) => [token, id])),
      merges: model.merges,
    },
  };
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    model_max_length: roles.maxLength ?? 1_000_000,
    eos_token: roles.eosToken,
    pad_token: roles.padToken ?? roles.eosToken,
    ...(roles.bosToken === undefined ? {} : { bos_token: roles.bosToken }),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizer, null, 1)}\n`);
  writeFileSync(join(folder, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`);
  if (roles.chatTemplate !== undefined) writeFileSync(join(folder, 'chat_template.jinja'), roles.chatTemplate);
}

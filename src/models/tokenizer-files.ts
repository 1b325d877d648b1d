import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';

export type Json = Record<string, unknown>;

const MOST_BYTES = 256 * 1024 * 1024;
/** More than any tokenizer has; larger ids would only allocate. */
const MOST_ID = 4_000_000;

/** What tokenizer.json and its neighbours say, checked. */
export interface TokenizerFiles {
  /** tokenizer.json as the library takes it: all parts present, byte-level splitting as the Rust library does it. */
  tokenizer: Json;
  /** tokenizer_config.json, or {}. */
  config: Json;
  added: AddedToken[];
  /** Largest id + 1. */
  vocabSize: number;
  /** Tokens that end generation: generation_config.json, else config.json, else the tokenizer's eos_token. */
  stopIds: number[];
  /** Whether a generation_config.json names stop tokens. */
  stopsNamed: boolean;
}

export interface AddedToken {
  id: number;
  content: string;
  /** Control tokens: skipped in decoded text and never made from untrusted text. */
  special: boolean;
  lstrip: boolean;
  rstrip: boolean;
  /** Matched after the normalizer ran, not before. */
  normalized: boolean;
}

export function isJsonObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON file of a model folder; null when it is not there. Throws UserError when it is no JSON object. */
export function readModelJson(folder: string, name: string): Json | null {
  const file = join(folder, name);
  let text: string;
  try {
    if (statSync(file).size > MOST_BYTES) {
      throw new UserError(`the file is larger than ${MOST_BYTES / 1024 / 1024} MB`, { file, code: 'tokenizer' });
    }
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UserError(`the file cannot be read (${code || String(cause)})`, { file, code: 'tokenizer', cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`the file is not JSON: ${why.slice(0, 200)}`, { file, code: 'tokenizer', cause });
  }
  if (!isJsonObject(value)) throw new UserError('the file must hold a JSON object', { file, code: 'tokenizer' });
  return value;
}

/** Reads and checks a folder's tokenizer files. Throws UserError naming the file and the part that is wrong. */
export function readTokenizerFiles(folder: string): TokenizerFiles {
  const file = join(folder, 'tokenizer.json');
  const json = readModelJson(folder, 'tokenizer.json');
  if (!json) {
    throw new UserError('the model folder has no tokenizer.json', {
      file: folder,
      code: 'tokenizer',
      hint: 'save it there with transformers (AutoTokenizer.save_pretrained), or name another folder',
    });
  }
  const fail = (message: string): never => {
    throw new UserError(`${message}`, { file, code: 'tokenizer', hint: 'save the tokenizer anew with transformers' });
  };
  const config = readModelJson(folder, 'tokenizer_config.json') ?? {};
  const model = json.model;
  if (!isJsonObject(model)) return fail('`model` must be an object');
  const types = ['BPE', 'Unigram', 'WordPiece', 'WordLevel'];
  if (model.type !== undefined && !types.some((type) => type === model.type)) {
    fail(`\`model.type\` is ${JSON.stringify(model.type).slice(0, 40)}, must be one of ${types.join(', ')}`);
  }
  const ids = checkVocab(model.vocab, fail);
  if (model.merges !== undefined) checkMerges(model.merges, fail);
  const added = checkAdded(json.added_tokens ?? [], fail);
  let vocabSize = 0;
  for (const id of ids) vocabSize = Math.max(vocabSize, id + 1);
  for (const { id } of added) vocabSize = Math.max(vocabSize, id + 1);
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const) {
    const value = json[part];
    if (value !== undefined && value !== null && !isJsonObject(value)) fail(`\`${part}\` must be an object or null`);
  }
  checkSplits(json.pre_tokenizer, fail);
  const tokenizer: Json = {
    ...json,
    added_tokens: json.added_tokens ?? [],
    normalizer: json.normalizer ?? null,
    pre_tokenizer: sameWhitespace(json.pre_tokenizer ?? null),
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
    model: { type: model.merges === undefined ? undefined : 'BPE', ...model },
  };
  const named = stopIds(readModelJson(folder, 'generation_config.json'));
  return {
    tokenizer,
    config,
    added,
    vocabSize,
    stopIds: named ?? stopIds(readModelJson(folder, 'config.json')) ?? [],
    stopsNamed: named !== null,
  };
}

function stopIds(config: Json | null): number[] | null {
  const value = config?.eos_token_id;
  const list = Array.isArray(value) ? value : [value];
  const ids = list.filter((id): id is number => Number.isInteger(id) && Number(id) >= 0);
  return ids.length ? ids : null;
}

function checkVocab(vocab: unknown, fail: (message: string) => never): number[] {
  if (Array.isArray(vocab)) {
    const bad = vocab.findIndex(
      (entry) => !Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number',
    );
    if (bad >= 0) fail(`\`model.vocab[${bad}]\` must be a piece and its score`);
    if (vocab.length === 0) fail('`model.vocab` is empty');
    return [vocab.length - 1];
  }
  if (!isJsonObject(vocab)) return fail('`model.vocab` must be an object from token to id');
  const entries = Object.entries(vocab);
  const seen = new Set<number>();
  for (const [token, id] of entries) {
    const name = `the id of ${JSON.stringify(token.slice(0, 40))} in \`model.vocab\``;
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MOST_ID) {
      return fail(`${name} is ${String(JSON.stringify(id)).slice(0, 40)}, must be a whole number below ${MOST_ID}`);
    }
    if (seen.has(id)) fail(`${name} is ${id}, which another token has`);
    seen.add(id);
  }
  if (seen.size === 0) fail('`model.vocab` is empty');
  return [...seen];
}

function checkMerges(merges: unknown, fail: (message: string) => never): void {
  if (!Array.isArray(merges)) return fail('`model.merges` must be a list');
  const pairs = Array.isArray(merges[0]);
  const bad = merges.findIndex((merge) =>
    pairs
      ? !Array.isArray(merge) || merge.length !== 2 || merge.some((part) => typeof part !== 'string')
      : typeof merge !== 'string' || merge.split(' ').length !== 2,
  );
  if (bad >= 0) fail(`\`model.merges[${bad}]\` must be two tokens`);
}

function checkAdded(value: unknown, fail: (message: string) => never): AddedToken[] {
  if (!Array.isArray(value)) return fail('`added_tokens` must be a list');
  return value.map((token: unknown, i) => {
    if (!isJsonObject(token)) return fail(`\`added_tokens[${i}]\` must be an object`);
    const { id, content } = token;
    if (typeof content !== 'string' || content === '') return fail(`\`added_tokens[${i}].content\` must be a text`);
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MOST_ID) {
      return fail(`\`added_tokens[${i}].id\` must be a whole number below ${MOST_ID}`);
    }
    const special = token.special === true;
    return {
      id,
      content,
      special,
      lstrip: token.lstrip === true,
      rstrip: token.rstrip === true,
      normalized: typeof token.normalized === 'boolean' ? token.normalized : !special,
    };
  });
}

/** The library takes every behaviour of Split for Isolated or Removed; with the others ids would be wrong unnoticed. */
function checkSplits(part: unknown, fail: (message: string) => never, depth = 0): void {
  if (!isJsonObject(part) || depth > 20) return;
  if (Array.isArray(part.pretokenizers)) for (const inner of part.pretokenizers) checkSplits(inner, fail, depth + 1);
  if (part.type !== 'Split') return;
  const known = part.invert === true ? ['removed'] : ['isolated', 'removed'];
  if (typeof part.behavior === 'string' && !known.includes(part.behavior.toLowerCase())) {
    fail(`\`pre_tokenizer\` splits with behavior ${part.behavior}, which is not supported (${known.join(', ')} are)`);
  }
}

/** GPT-2's splitting of text into words (Radford et al. 2019), as the Rust library has it. */
export const BYTE_LEVEL_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * JavaScript's \s is not Unicode's White_Space (U+0085, U+FEFF), and the library's ByteLevel uses it. Its Split part
 * rewrites the class, so ByteLevel becomes Split and ByteLevel without a pattern.
 */
function sameWhitespace(value: unknown, depth = 0): unknown {
  if (!isJsonObject(value) || depth > 20) return value;
  if (value.type === 'Sequence' && Array.isArray(value.pretokenizers)) {
    return { ...value, pretokenizers: value.pretokenizers.map((part) => sameWhitespace(part, depth + 1)) };
  }
  if (value.type !== 'ByteLevel' || value.use_regex === false || value.add_prefix_space === true) return value;
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: BYTE_LEVEL_PATTERN }, behavior: 'Isolated', invert: false },
      { ...value, use_regex: false },
    ],
  };
}

import { join } from 'node:path';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { UserError } from '../config/errors';
import { byteStream, bytesOfToken, mendByteFallback, windowStream, type StreamingDecoder } from './token-decoder';
import { isJsonObject, readTokenizerFiles, type AddedToken, type TokenizerFiles } from './tokenizer-files';
import { wordSplitter, type WordSplitter } from './word-splitter';

export type { StreamingDecoder } from './token-decoder';

export interface EncodeOptions {
  /** False: control tokens (`special`) that occur in the text are encoded as plain text. Default true. */
  control?: boolean;
  /** True: what the tokenizer puts before a text (a BOS token) comes first. Default false. */
  begin?: boolean;
}

/** A stretch of encoded text: an added token, or plain text between two of them. */
export interface Section {
  /** Place in the text, in UTF-16 units. */
  start: number;
  end: number;
  ids: number[];
  /** Whether this is an added token. */
  added: boolean;
  /** Index among the sections as the tokenizer counts them (some treat the first one in their own way). */
  index: number;
}

/**
 * Breaks a control token that stands in untrusted text: put after its first character it keeps the token from being
 * recognised, and is removed before the text is encoded. A noncharacter, which text for interchange never holds.
 */
export const BREAK = '\ufdd1';

const MOST_CACHED_WORDS = 100_000;
const MOST_CACHED_LENGTH = 64;

/** A tokenizer loaded from a model folder. Encoding adds nothing unless asked. */
export class Tokenizer {
  /** Largest id + 1. A model's vocabulary may be larger, padded to a round size. */
  readonly vocabSize: number;
  /** Tokens that end generation (`generation_config.json`, else `config.json`, else `eos_token`). */
  readonly eosIds: readonly number[];
  /** Whether generation_config.json names the stop tokens. */
  readonly stopsNamed: boolean;
  /** `eos_token` of the tokenizer, else the first token that ends generation. */
  readonly eosId: number | undefined;
  readonly bosId: number | undefined;
  /** `pad_token`, else eosId, else 0. Masks come from lengths, never from this id. */
  readonly padId: number;
  /** What `begin` puts before a text. */
  readonly beginIds: readonly number[];
  /** bos_token, eos_token and so on by name, for chat templates. */
  readonly namedTokens: Readonly<Record<string, string>>;

  private readonly added: readonly AddedToken[];
  private readonly addedById: ReadonlyMap<number, AddedToken>;
  private readonly before: TokenFinder;
  private readonly beforeWithoutControl: TokenFinder;
  private readonly after: TokenFinder;
  private readonly byteLevel: boolean;
  private readonly splitter: WordSplitter;
  private readonly words = new Map<string, number[]>();
  private readonly tokenBytes = new Map<number, Uint8Array>();

  constructor(
    private readonly library: Library,
    files: TokenizerFiles,
    /** The folder it came from, whose tokenizer files a checkpoint copies. */
    readonly folder: string,
  ) {
    this.vocabSize = files.vocabSize;
    this.stopsNamed = files.stopsNamed;
    this.added = files.added;
    this.addedById = new Map(files.added.map((token) => [token.id, token]));
    const normalizes = library.normalizer !== null;
    const early = files.added.filter((token) => !(token.normalized && normalizes));
    this.before = new TokenFinder(early);
    this.beforeWithoutControl = new TokenFinder(early.filter(({ special }) => !special));
    this.after = new TokenFinder(normalizes ? files.added.filter((token) => token.normalized && !token.special) : []);
    this.splitter = wordSplitter(library.pre_tokenizer);
    this.byteLevel = isByteLevel(files.tokenizer.decoder);
    mendByteFallback(library.decoder);
    this.namedTokens = namedTokens(files.config);
    this.bosId = this.idOfName('bos_token');
    this.eosId = this.idOfName('eos_token') ?? files.stopIds[0];
    this.eosIds = files.stopIds.length ? files.stopIds : this.eosId === undefined ? [] : [this.eosId];
    this.padId = this.idOfName('pad_token') ?? this.eosId ?? 0;
    this.beginIds = this.findBegin();
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids = options.begin ? [...this.beginIds] : [];
    for (const section of this.sections(text, options.control ?? true)) {
      for (const id of section.ids) ids.push(id);
    }
    return ids;
  }

  /** Encodes and keeps where the sections stand in the text. `BREAK`s count in the places and leave no token. */
  sections(text: string, control = true): Section[] {
    const found = (control ? this.before : this.beforeWithoutControl).split(text);
    return found.map(({ start, end, token }, index) =>
      token
        ? { start, end, ids: [token.id], added: true, index }
        : { start, end, ids: this.encodePlain(text.slice(start, end), index), added: false, index },
    );
  }

  /** Encodes text in which no added token is looked for, as section `index` of a text. */
  encodePlain(text: string, index = 0): number[] {
    const plain = text.includes(BREAK) ? text.replaceAll(BREAK, '') : text;
    if (plain === '') return [];
    const normalized = this.library.normalizer ? this.library.normalizer(plain) : plain;
    if (normalized === '') return [];
    const ids: number[] = [];
    for (const { start, end, token } of this.after.split(normalized)) {
      if (token) ids.push(token.id);
      else this.encodeWords(normalized.slice(start, end), index, ids);
    }
    return ids;
  }

  /** Text of tokens; ids that no token has give nothing. */
  decode(ids: readonly number[] | Int32Array, options: { skipSpecial?: boolean } = {}): string {
    const shown: number[] = [];
    for (const id of ids) if (this.isShown(id, options.skipSpecial ?? false)) shown.push(id);
    if (shown.length === 0) return '';
    if (!this.byteLevel) return this.library.decode(shown, { clean_up_tokenization_spaces: false });
    const decoder = byteStream((id) => this.bytesOf(id));
    return shown.map((id) => decoder.push(id)).join('') + decoder.end();
  }

  /** Decodes tokens one at a time, never half a character. */
  stream(options: { skipSpecial?: boolean } = {}): StreamingDecoder {
    const inner = this.byteLevel
      ? byteStream((id) => this.bytesOf(id))
      : windowStream((ids) =>
          ids.length ? this.library.decode([...ids], { clean_up_tokenization_spaces: false }) : '',
        );
    const skip = options.skipSpecial ?? false;
    return { push: (id) => (this.isShown(id, skip) ? inner.push(id) : ''), end: () => inner.end() };
  }

  tokenId(token: string): number | undefined {
    return this.library.token_to_id(token);
  }

  /** The token as the vocabulary writes it. */
  token(id: number): string | undefined {
    return this.library.id_to_token(id);
  }

  /** Whether a token is a control token (BOS, end of turn and so on). */
  isControl(id: number): boolean {
    return this.addedById.get(id)?.special ?? false;
  }

  /** Texts that encode to control tokens. */
  get controlTokens(): string[] {
    return this.added.filter(({ special }) => special).map(({ content }) => content);
  }

  /** Breaks the control tokens of untrusted text, so that encoding the text with others around it keeps them text. */
  breakControl(text: string): string {
    const clean = text.includes(BREAK) ? text.replaceAll(BREAK, '\ufffd') : text;
    let broken = '';
    let from = 0;
    for (const { start, token } of this.before.split(clean)) {
      if (!token?.special) continue;
      broken += clean.slice(from, start + 1) + BREAK;
      from = start + 1;
    }
    return broken + clean.slice(from);
  }

  private isShown(id: number, skipSpecial: boolean): boolean {
    return this.library.id_to_token(id) !== undefined && !(skipSpecial && this.isControl(id));
  }

  private bytesOf(id: number): Uint8Array {
    let bytes = this.tokenBytes.get(id);
    if (!bytes) {
      bytes = bytesOfToken(this.library.id_to_token(id) ?? '');
      this.tokenBytes.set(id, bytes);
    }
    return bytes;
  }

  private encodeWords(text: string, index: number, ids: number[]): void {
    const { model } = this.library;
    if (!model) return;
    const words = this.splitter.split(text, index);
    const idsOf = (tokens: string[]): number[] =>
      tokens.flatMap((token) => {
        const id = model.tokens_to_ids.get(token) ?? model.unk_token_id;
        return id === undefined ? [] : [id];
      });
    if (model.fuse_unk) {
      for (const id of idsOf(model(words.flatMap((word) => this.splitter.spell(word))))) ids.push(id); // unknown tokens fuse over word boundaries
      return;
    }
    for (const word of words) {
      let cached = this.words.get(word);
      if (!cached) {
        cached = idsOf(model(this.splitter.spell(word)));
        if (word.length <= MOST_CACHED_LENGTH) {
          if (this.words.size >= MOST_CACHED_WORDS) this.words.clear();
          this.words.set(word, cached);
        }
      }
      for (const id of cached) ids.push(id);
    }
  }

  private idOfName(name: string): number | undefined {
    const token = this.namedTokens[name];
    return token === undefined ? undefined : this.library.token_to_id(token);
  }

  /** What the post-processor puts before a text, found by giving it one. */
  private findBegin(): number[] {
    const processor = this.library.post_processor;
    const probe = this.library.id_to_token(this.vocabSize > 100 ? 100 : 0);
    if (!processor || probe === undefined) return [];
    const tokens: string[] = processor([probe], null, true).tokens;
    const at = tokens.indexOf(probe);
    return tokens.slice(0, Math.max(at, 0)).flatMap((token) => this.library.token_to_id(token) ?? []);
  }
}

/** Finds added tokens in a text: leftmost, the longest of those that begin there. */
class TokenFinder {
  private readonly byFirst = new Map<string, AddedToken[]>();

  constructor(tokens: readonly AddedToken[]) {
    for (const token of tokens) {
      const first = token.content[0];
      const list = this.byFirst.get(first);
      if (list) list.push(token);
      else this.byFirst.set(first, [token]);
    }
    for (const list of this.byFirst.values()) list.sort((a, b) => b.content.length - a.content.length);
  }

  split(text: string): { start: number; end: number; token: AddedToken | null }[] {
    const parts: { start: number; end: number; token: AddedToken | null }[] = [];
    let from = 0;
    for (let at = 0; at < text.length;) {
      const token = this.byFirst.get(text[at])?.find(({ content }) => text.startsWith(content, at));
      if (!token) {
        at++;
        continue;
      }
      let end = at;
      if (token.lstrip) while (end > from && /\s/.test(text[end - 1])) end--;
      if (end > from) parts.push({ start: from, end, token: null });
      parts.push({ start: at, end: at + token.content.length, token });
      at += token.content.length;
      if (token.rstrip) while (at < text.length && /\s/.test(text[at])) at++;
      from = at;
    }
    if (from < text.length) parts.push({ start: from, end: text.length, token: null });
    return parts;
  }
}

function isByteLevel(decoder: unknown): boolean {
  return isJsonObject(decoder) && decoder.type === 'ByteLevel';
}

const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

function namedTokens(config: Record<string, unknown>): Record<string, string> {
  const named: Record<string, string> = {};
  for (const name of NAMES) {
    const value = config[name];
    const token = isJsonObject(value) ? value.content : value;
    if (typeof token === 'string') named[name] = token;
  }
  return named;
}

/**
 * Loads the tokenizer of a model folder: tokenizer.json, tokenizer_config.json and, for the tokens that end
 * generation, generation_config.json or config.json. Throws UserError for files that are missing or unsound.
 */
export function loadTokenizer(folder: string): Tokenizer {
  const files = readTokenizerFiles(folder);
  try {
    const tokenizer = new Tokenizer(new Library(files.tokenizer, files.config), files, folder);
    // Parts that do not fit each other show only in use.
    const ids = tokenizer.encode('A text, é 東, to see that the parts work together.', { begin: true });
    if (typeof tokenizer.decode(ids) !== 'string') throw new Error('its decoder gives no text');
    return tokenizer;
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`the tokenizer cannot be built: ${why.slice(0, 300)}`, {
      file: join(folder, 'tokenizer.json'),
      code: 'tokenizer',
      cause,
      hint: 'save it anew with transformers, or use another model',
    });
  }
}

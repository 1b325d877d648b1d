import { ByteFallbackDecoder } from '@huggingface/tokenizers';

/** GPT-2's map from bytes to printable characters: printable Latin-1 stands for itself, the rest from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const BYTE_OF = new Map(BYTE_CHARACTERS.map((char, byte) => [char, byte]));
const utf8 = new TextEncoder();

/** The bytes a byte-level token stands for; a token with other characters (an added one) stands for its own text. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF.get(token[i]);
    if (byte === undefined) return utf8.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/** Turns tokens into text as they come. Text is given out only in whole characters. */
export interface StreamingDecoder {
  /** The text that this token completes; often '' within a character of several bytes. */
  push(id: number): string;
  /** What is left; an unfinished character becomes U+FFFD. */
  end(): string;
}

/** For byte-level vocabularies: UTF-8 decoding with a memory for the unfinished character. */
export function byteStream(bytesOf: (id: number) => Uint8Array): StreamingDecoder {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    end: () => decoder.decode(),
  };
}

/**
 * For any other decoder: decodes the tokens since the last but one piece of text with and without the new one and
 * gives out the difference. The piece before stays as context, because a decoder may treat the beginning of a text in
 * its own way.
 */
export function windowStream(decode: (ids: readonly number[]) => string): StreamingDecoder {
  let ids: number[] = [];
  let given = 0; // tokens whose text was given out
  const take = (final: boolean): string => {
    const before = decode(ids.slice(0, given));
    const now = decode(ids);
    // U+FFFD at the end: a character whose bytes are not complete.
    if (!final && now.endsWith('\ufffd')) return '';
    ids = ids.slice(given);
    given = ids.length;
    return now.slice(before.length);
  };
  return {
    push(id) {
      ids.push(id);
      return take(false);
    },
    end: () => take(true),
  };
}

/**
 * Makes the library's byte-fallback decoders agree with the Rust library: a byte order mark is text, and bytes that are
 * not UTF-8 give one U+FFFD each.
 */
export function mendByteFallback(decoder: unknown, depth = 0): void {
  // The library's parts are callable, that is, functions with properties.
  if ((typeof decoder !== 'function' && typeof decoder !== 'object') || decoder === null || depth > 20) return;
  if ('decoders' in decoder && Array.isArray(decoder.decoders)) {
    for (const part of decoder.decoders) mendByteFallback(part, depth + 1);
  }
  if (!('text_decoder' in decoder) || !(decoder instanceof ByteFallbackDecoder)) return;
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const mended = {
    decode(bytes: Uint8Array): string {
      try {
        return strict.decode(bytes);
      } catch {
        return '\ufffd'.repeat(bytes.length);
      }
    },
  };
  Object.assign(decoder, { text_decoder: mended });
}

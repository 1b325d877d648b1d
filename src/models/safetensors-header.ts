import { UserError } from '../config/errors';

/** Bytes of one element for each dtype that this product reads and writes. */
export const DTYPE_BYTES = { F32: 4, F16: 2, BF16: 2, I32: 4, I64: 8, U8: 1, BOOL: 1 } as const;
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** What the header says of one tensor; `begin` and `end` are byte offsets in the file itself. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit for the JSON header. */
export const MAX_HEADER_BYTES = 100_000_000;

function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The first key that stands twice at the top level of valid JSON text (JSON.parse would silently keep the last). */
function duplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    else if (c === '"') {
      const start = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth !== 1) continue;
      let next = i + 1;
      while (' \t\r\n'.includes(text[next])) next++;
      if (text[next] !== ':') continue;
      const key = String(JSON.parse(text.slice(start, i + 1)));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/**
 * Checks and reads a safetensors header (the JSON bytes after the 8-byte length).
 * @param json the header's bytes
 * @param fileSize bytes of the whole file
 * @param file its path, for messages
 * @throws UserError that names the file and what is wrong: not JSON, unknown dtype, a shape that does not fit its
 *   bytes, offsets outside the file, overlapping or with holes between them, a name that stands twice
 */
export function parseHeader(json: Uint8Array, fileSize: number, file: string): Header {
  const fail = (
    what: string,
    hint = 'The file is damaged or was not fully copied; fetch or write it again.',
  ): never => {
    throw new UserError(`Not a valid safetensors file: ${what}`, { file, hint, code: 'safetensors' });
  };
  let text = '';
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    parsed = JSON.parse(text);
  } catch {
    fail('its header is not JSON.');
  }
  if (!isObject(parsed)) return fail('its header is not a JSON object.');
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) fail(`the tensor ${JSON.stringify(duplicate)} stands twice in its header.`);

  const dataStart = 8 + json.length;
  const entries = new Map<string, HeaderEntry>();
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (!isObject(value)) return fail(`the entry ${JSON.stringify(name)} is not an object.`);
    if (name === '__metadata__') {
      for (const [key, item] of Object.entries(value)) {
        if (typeof item !== 'string') return fail(`the metadata ${JSON.stringify(key)} is not a string.`);
        metadata[key] = item;
      }
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = value;
    const label = `the tensor ${JSON.stringify(name)}`;
    if (!isDtype(dtype)) {
      return fail(
        `${label} has the type ${JSON.stringify(dtype)}, which cannot be read.`,
        `Types that can be read: ${Object.keys(DTYPE_BYTES).join(', ')}. Quantised weights are not supported.`,
      );
    }
    if (!Array.isArray(shape) || !shape.every(isCount)) return fail(`${label} has no valid shape.`);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
      return fail(`${label} has no valid data_offsets.`);
    }
    const [begin, end] = offsets;
    if (end < begin || dataStart + end > fileSize) {
      return fail(`${label} lies outside the file (bytes ${begin} to ${end} of ${Math.max(fileSize - dataStart, 0)}).`);
    }
    const bytes = shape.reduce((product, dim) => product * dim, DTYPE_BYTES[dtype]);
    if (bytes !== end - begin) {
      return fail(`${label} is ${dtype} [${shape.join(', ')}], ${bytes} bytes, but has ${end - begin} bytes of data.`);
    }
    entries.set(name, { name, dtype, shape, begin: dataStart + begin, end: dataStart + end });
  }

  let position = dataStart;
  for (const entry of [...entries.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin < position) fail(`the tensor ${JSON.stringify(entry.name)} overlaps another one.`);
    if (entry.begin > position) fail(`there are bytes that belong to no tensor before ${JSON.stringify(entry.name)}.`);
    position = entry.end;
  }
  if (position !== fileSize) fail(`${fileSize - position} bytes follow the last tensor.`);
  return { entries, metadata };
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** The files of a Hugging Face folder that decide what it computes. */
const MODEL_FILES = /\.safetensors$|\.json$|\.jinja$|\.model$/;
/** A file changed so recently may change again within the same timestamp. */
const SETTLED_MS = 2000;

interface Known {
  readonly stamp: string;
  readonly hash: string;
}

/** Hashes of files by content, kept as long as size and time of change stay the same. */
export class ContentHashes {
  private readonly known = new Map<string, Known>();

  /** SHA-256 in hex; `missing` where there is no such file. The file is streamed, never held. */
  async file(file: string): Promise<string> {
    const stats = await stat(file, { bigint: true }).catch(() => undefined);
    if (!stats?.isFile()) return 'missing';
    const stamp = `${stats.size}:${stats.mtimeNs}:${stats.ino}`;
    const known = this.known.get(file);
    if (known?.stamp === stamp) return known.hash;
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(file)) if (chunk instanceof Buffer) hash.update(chunk);
    } catch {
      return 'missing';
    }
    const digest = hash.digest('hex');
    if (Date.now() - Number(stats.mtimeMs) > SETTLED_MS) this.known.set(file, { stamp, hash: digest });
    return digest;
  }

  /** Of a model's or tokenizer's folder: names and contents of its weights, configs and templates. */
  async folder(folder: string): Promise<string> {
    return this.filesOf(folder, (name) => MODEL_FILES.test(name));
  }

  /** Of a folder of pairs and labels, comments left out; or of one file of them. */
  async labels(place: string): Promise<string> {
    const stats = await stat(place).catch(() => undefined);
    if (stats?.isFile()) return this.file(place);
    return this.filesOf(place, (name) => name.endsWith('.jsonl') && name !== 'comments.jsonl');
  }

  private async filesOf(folder: string, counts: (name: string) => boolean): Promise<string> {
    const names = await readdir(folder).catch(() => []);
    const files = names.filter(counts).sort();
    if (files.length === 0) return 'missing';
    const parts: string[] = [];
    for (const name of files) parts.push(`${name} ${await this.file(path.join(folder, name))}`);
    return createHash('sha256').update(parts.join('\n')).digest('hex');
  }
}

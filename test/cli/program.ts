/** The command line as it ships, on a tiny workspace of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import * as esbuild from 'esbuild';
import { makeWorkspace, stopRuns } from '../host/workspace.mjs';

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}
export interface Started {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  result: Promise<Result>;
  /** What has come on stdout so far. */
  stdout(): string;
  stderr(): string;
}

const ARCHITECTURE = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  hidden_act: 'silu',
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};
const UPSTREAM = `seed: 3
stages:
  pretrain:
    type: pretrain
    data: data/prose.txt
    architecture: architecture.json
    tokenizer: { train: bpe, vocab_size: 320, special_tokens: ['<|end|>', '<|user|>', '<|assistant|>'] }
    chat_template: chat_template.jinja
    max_length: 32
    batch_size: 4
    steps: 3
    held_out: false
    sample_every: false
  sft:
    type: sft
    model: pretrain
    data: data/demonstrations.jsonl
    max_length: 64
    batch_size: 4
    steps: 6
    held_out: 4
    sample_every: false
`;
const TEMPLATE = `{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.role == 'assistant' %}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;
const PROSE = ['The cow is bigger than the hen.', 'Ada lives in Oakham and bakes bread.', 'Two and three make five.'];

/** Programs and workspace; `close` ends every process that is left. */
export class Cli {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'align-cli-')));
  private readonly programs = join(import.meta.dirname, '../../node_modules/.cache', `cli-test-${process.pid}`);
  private readonly running = new Set<Started>();

  async open(): Promise<void> {
    makeWorkspace(this.folder);
    writeFileSync(join(this.folder, 'upstream.align.yaml'), UPSTREAM);
    writeFileSync(join(this.folder, 'architecture.json'), JSON.stringify(ARCHITECTURE));
    writeFileSync(join(this.folder, 'chat_template.jinja'), TEMPLATE);
    writeFileSync(
      join(this.folder, 'data', 'prose.txt'),
      Array<string>(20).fill(PROSE.join('\n')).join('\n<|document|>\n'),
    );
    mkdirSync(this.programs, { recursive: true });
    const src = join(import.meta.dirname, '../../src');
    await esbuild.build({
      entryPoints: { align: join(src, 'cli/main.ts'), trainer: join(src, 'trainer/main.ts') },
      outdir: this.programs,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    });
    writeFileSync(join(this.programs, 'package.json'), '{"type":"module"}');
  }

  start(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string } = {}): Started {
    const child = spawn(process.execPath, [join(this.programs, 'align.js'), ...args], {
      cwd: options.cwd ?? this.folder,
      // the queue of runs is this workspace's own, so that other tests are not waited for
      env: { ...process.env, TMPDIR: this.folder, TEMP: this.folder, NO_COLOR: '1', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const result = new Promise<Result>((resolve) => {
      child.once('close', (code) => {
        this.running.delete(started);
        resolve({ code, stdout, stderr });
      });
    });
    const started: Started = { child, result, stdout: () => stdout, stderr: () => stderr };
    this.running.add(started);
    return started;
  }

  async run(...args: string[]): Promise<Result> {
    return await this.start(args).result;
  }

  /** Runs to its end what must go well, and gives stdout. */
  async good(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`align ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async json(...args: string[]): Promise<unknown> {
    return JSON.parse(await this.good(...args, '--json')) as unknown;
  }

  async lines(...args: string[]): Promise<Record<string, unknown>[]> {
    return jsonLines(await this.good(...args, '--json'));
  }

  close(): void {
    for (const { child } of this.running) child.kill('SIGKILL');
    stopRuns(this.folder);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
    rmSync(this.programs, { recursive: true, force: true, maxRetries: 10 });
  }
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Resolves when `holds` does; the process that is waited for must end or come to it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

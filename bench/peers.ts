import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { runForJson } from './process';

const folder = join(import.meta.dirname, 'peers');
const PROBE = `
import importlib.metadata, json, sys
def version(name):
    try: return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: return None
print(json.dumps({name: version(name) for name in sys.argv[1:]}))`;

/** The packages of bench/peers/requirements.txt with their pinned versions. */
export function requirements(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return new Map(
    lines.filter(Boolean).map((line): [string, string] => [line.split('==')[0], line.split('==')[1] ?? '']),
  );
}

/** What each script of bench/peers imports. */
const NEEDS = {
  'train_step.py': ['torch', 'transformers', 'psutil'],
  'generate.py': ['torch', 'transformers', 'psutil'],
  'sft.py': ['torch', 'transformers', 'trl', 'accelerate', 'datasets', 'psutil'],
  'held_out.py': ['torch', 'transformers', 'psutil'],
} as const;
export type Script = keyof typeof NEEDS;

/** The Python that the peers run on, and which of their packages it has. */
export class Peers {
  private constructor(
    readonly python: string | null,
    readonly versions: Readonly<Record<string, string | null>>,
    /** Why there is no Python. */
    private readonly reason: string,
    readonly pinned: ReadonlyMap<string, string>,
  ) {}

  /** `asked`, else ALIGN_BENCH_PYTHON, else the virtual environment bench/peers/.venv. */
  static async find(asked: string | undefined): Promise<Peers> {
    const pinned = requirements(readFileSync(join(folder, 'requirements.txt'), 'utf8'));
    const named = asked ?? process.env['ALIGN_BENCH_PYTHON'];
    const places = [join(folder, '.venv', 'bin', 'python'), join(folder, '.venv', 'Scripts', 'python.exe')];
    const python = named || places.find((path) => existsSync(path));
    if (!python) return new Peers(null, {}, 'no Python was named and bench/peers/.venv does not exist', pinned);
    try {
      const probe = ['-c', PROBE, ...pinned.keys()];
      const schema = z.record(z.string(), z.string().nullable());
      return new Peers(python, await runForJson(python, probe, schema, { timeoutSeconds: 120 }), '', pinned);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return new Peers(null, {}, `${python} does not run (${detail})`, pinned);
    }
  }

  /** Why a script cannot run here; null where it can. */
  missing(script: Script): string | null {
    if (!this.python) return this.reason;
    const names = NEEDS[script].filter((name) => !this.versions[name]);
    return names.length ? `Python has no ${names.join(', ')}` : null;
  }

  /** The state of the peers in lines for the reader. */
  describe(): string[] {
    const install =
      'python3 -m venv bench/peers/.venv && bench/peers/.venv/bin/pip install -r bench/peers/requirements.txt';
    if (!this.python) return [`Peers: ${this.reason}. To have them: ${install}`];
    const absent = [...this.pinned.keys()].filter((name) => !this.versions[name]);
    const other = [...this.pinned].filter(([name, version]) => {
      const found = this.versions[name];
      return found && found.split('+')[0] !== version;
    });
    return [
      `Peers: ${['torch', 'transformers', 'trl'].map((name) => `${name} ${this.versions[name] ?? 'missing'}`).join(', ')}`,
      ...(absent.length ? [`Missing packages: ${absent.join(', ')}. To have them: ${install}`] : []),
      ...other.map(([name, version]) => `${name} is ${this.versions[name]}, the pinned version is ${version}`),
    ];
  }

  /** Runs a script of bench/peers. Rejects where it fails. */
  run<T>(script: Script, args: readonly string[], schema: z.ZodType<T>, timeoutSeconds: number): Promise<T> {
    if (!this.python) throw new Error(this.reason);
    return runForJson(this.python, [join(folder, script), ...args], schema, { timeoutSeconds });
  }
}

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

const TRL = ['torch', 'transformers', 'trl', 'accelerate', 'datasets', 'psutil'] as const;

/** What each script of bench/peers imports. */
const NEEDS = {
  'train_step.py': ['torch', 'transformers', 'psutil'],
  'generate.py': ['torch', 'transformers', 'psutil'],
  'sft.py': TRL,
  'held_out.py': ['torch', 'transformers', 'psutil'],
  'dpo.py': TRL,
  'grpo.py': TRL,
  'reward.py': TRL,
  'ppo.py': TRL,
} as const;
export type Script = keyof typeof NEEDS;

/** The environments that the scripts run in: PPO needs another release of TRL. */
export const ENVIRONMENTS = {
  usual: { requirements: 'requirements.txt', venv: '.venv', variable: 'ALIGN_BENCH_PYTHON', name: 'Peers' },
  ppo: {
    requirements: 'requirements-ppo.txt',
    venv: '.venv-ppo',
    variable: 'ALIGN_BENCH_PYTHON_PPO',
    name: 'The peer of PPO',
  },
} as const;
export type EnvironmentName = keyof typeof ENVIRONMENTS;
type Environment = (typeof ENVIRONMENTS)[EnvironmentName];

/** The environment that a script runs in. */
export const environmentOf = (script: Script): EnvironmentName => (script === 'ppo.py' ? 'ppo' : 'usual');

/** The Python that the peers run on, and which of their packages it has. */
export class Peers {
  private constructor(
    readonly python: string | null,
    readonly versions: Readonly<Record<string, string | null>>,
    /** Why there is no Python. */
    private readonly reason: string,
    readonly pinned: ReadonlyMap<string, string>,
    private readonly environment: Environment,
  ) {}

  /** `asked`, else the Python that the environment's variable names, else its folder beside the scripts. */
  static async find(asked: string | undefined, name: EnvironmentName = 'usual'): Promise<Peers> {
    const environment = ENVIRONMENTS[name];
    const { venv, variable } = environment;
    const pinned = requirements(readFileSync(join(folder, environment.requirements), 'utf8'));
    const named = asked ?? process.env[variable];
    const places = [join(folder, venv, 'bin', 'python'), join(folder, venv, 'Scripts', 'python.exe')];
    const python = named || places.find((path) => existsSync(path));
    const none = (reason: string): Peers => new Peers(null, {}, reason, pinned, environment);
    if (!python) return none(`no Python was named and bench/peers/${venv} does not exist`);
    try {
      const probe = ['-c', PROBE, ...pinned.keys()];
      const schema = z.record(z.string(), z.string().nullable());
      const versions = await runForJson(python, probe, schema, { timeoutSeconds: 120 });
      return new Peers(python, versions, '', pinned, environment);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return none(`${python} does not run (${detail})`);
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
    const { name: title, venv, requirements: file } = this.environment;
    const place = `bench/peers/${venv}`;
    const install = `python3 -m venv ${place} && ${place}/bin/pip install -r bench/peers/${file}`;
    if (!this.python) return [`${title}: ${this.reason}. To have them: ${install}`];
    const absent = [...this.pinned.keys()].filter((name) => !this.versions[name]);
    const other = [...this.pinned].filter(([name, version]) => {
      const found = this.versions[name];
      return found && found.split('+')[0] !== version;
    });
    return [
      `${title}: ${['torch', 'transformers', 'trl'].map((name) => `${name} ${this.versions[name] ?? 'missing'}`).join(', ')}`,
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

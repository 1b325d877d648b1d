import type { z } from 'zod';
import type { Request } from './measure/main';
import type { Options } from './options';
import { type EnvironmentName, type Peers, type Script, environmentOf } from './peers';
import { runForJson } from './process';
import type { Row } from './table';

/** What a part of the benchmark gives: its lines of the table, and all that was measured for them. */
export interface Result {
  rows: Row[];
  data: unknown;
}

/** What the parts of the benchmark share. */
export class Bench {
  /** Gemm rates seen so far, in operations a second. */
  readonly gemmRates: number[] = [];

  constructor(
    readonly options: Options,
    private readonly environments: Readonly<Record<EnvironmentName, Peers>>,
    private readonly bundle: string,
    readonly say: (line: string) => void,
  ) {}

  wants(...rows: number[]): boolean {
    return rows.some((row) => this.options.rows.includes(row));
  }

  private peersOf(script: Script): Peers {
    return this.environments[environmentOf(script)];
  }

  /** Why a script cannot run here; null where it can. */
  missing(script: Script): string | null {
    return this.peersOf(script).missing(script);
  }

  /** Measures ours in a process of its own. */
  async measure<T>(request: Request, schema: z.ZodType<T>, timeoutSeconds = 1800): Promise<T> {
    const args = [this.bundle, JSON.stringify({ threads: this.options.threads, ...request })];
    return await runForJson(process.execPath, args, schema, { timeoutSeconds });
  }

  /** Measures a peer; undefined where it is missing or, with a word why, where it fails. */
  async peer<T>(
    what: string,
    script: Script,
    args: readonly string[],
    schema: z.ZodType<T>,
    timeoutSeconds = 3600,
  ): Promise<T | undefined> {
    if (this.missing(script)) return undefined;
    this.say(what);
    try {
      const threads = ['--threads', String(this.options.threads)];
      return await this.peersOf(script).run(script, [...args, ...threads], schema, timeoutSeconds);
    } catch (error) {
      this.say(`${script} ${args.join(' ')} failed: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}

/** a / b, null where a side is missing. */
export function ratio(a: number | undefined, b: number | undefined): number | null {
  const value = (a ?? NaN) / (b ?? NaN);
  return Number.isFinite(value) ? value : null;
}

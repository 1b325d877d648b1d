import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../config/errors';
import { namesIn, readIfThere } from './files';
import {
  isEventRow,
  isMetricsRow,
  isSampleRow,
  type EventRow,
  type MetricsRow,
  type RunFile,
  type RunState,
  type SampleRow,
} from './format';
import { readJsonl } from './jsonl';
import { runSchema } from './schema';
import { liveState } from './state';

/** Paths and readers of one run. Reading never changes anything; only RunWriter writes. */
export class RunDir {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** The folder's name, which is the run's id. */
  get id(): string {
    return basename(this.path);
  }
  /** `<folder>/.align/runs`, which holds this run and its siblings. */
  get runsFolder(): string {
    return dirname(this.path);
  }
  /** The config file's folder: paths in the config are relative to it. */
  get folder(): string {
    return dirname(dirname(this.runsFolder));
  }
  get runFile(): string {
    return join(this.path, 'run.json');
  }
  get configFile(): string {
    return join(this.path, 'config.json');
  }
  get environmentFile(): string {
    return join(this.path, 'environment.json');
  }
  get metricsFile(): string {
    return join(this.path, 'metrics.jsonl');
  }
  get samplesFile(): string {
    return join(this.path, 'samples.jsonl');
  }
  get eventsFile(): string {
    return join(this.path, 'events.jsonl');
  }
  get logFile(): string {
    return join(this.path, 'log.txt');
  }
  get checkpointsFolder(): string {
    return join(this.path, 'checkpoints');
  }
  get modelFolder(): string {
    return join(this.path, 'model');
  }
  /** What an evaluation found, as a document; other stages have none. */
  get reportFile(): string {
    return join(this.path, 'report.md');
  }
  get controlFolder(): string {
    return join(this.path, 'control');
  }
  get lockFolder(): string {
    return join(this.path, 'lock');
  }

  /** run.json. Throws a UserError where the folder is no run or a newer version wrote it. */
  readRun(): RunFile {
    const text = readIfThere(this.runFile);
    if (text === undefined) {
      throw new UserError(`${this.path} is no run: it has no run.json.`, {
        hint: 'List the runs with `align runs`.',
        file: this.runFile,
        code: 'no-run',
      });
    }
    const value = parseJson(text);
    const parsed = runSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    const v = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
    if (typeof v === 'number' && v > 1) {
      throw new UserError(`${this.id} was written by a newer Alignment Lab (format ${v}).`, {
        hint: 'Update Alignment Lab to read it.',
        file: this.runFile,
        code: 'newer-format',
      });
    }
    const issue = parsed.error.issues[0];
    const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : '';
    throw new UserError(`run.json of ${this.id} is damaged${where}: ${issue?.message ?? 'not JSON'}.`, {
      hint: 'Its checkpoints and metrics are untouched; remove the folder if the run is not needed.',
      file: this.runFile,
      code: 'damaged-run',
    });
  }

  /** The state as it is now, `died` where the process is gone. */
  state(): RunState {
    return liveState(this.readRun());
  }

  /** config.json: the stage's config with every default filled in; the caller's schema says what it holds. */
  readConfig(): unknown {
    return this.readJson(this.configFile);
  }

  /** environment.json; undefined before the process wrote it. */
  readEnvironment(): unknown {
    return readIfThere(this.environmentFile) === undefined ? undefined : this.readJson(this.environmentFile);
  }

  readMetrics(): MetricsRow[] {
    return readJsonl(this.metricsFile, isMetricsRow).rows;
  }

  readSamples(): SampleRow[] {
    return readJsonl(this.samplesFile, isSampleRow).rows;
  }

  readEvents(): EventRow[] {
    return readJsonl(this.eventsFile, isEventRow).rows;
  }

  /** True where the folder holds a run. */
  exists(): boolean {
    return namesIn(this.path).includes('run.json');
  }

  private readJson(file: string): unknown {
    const text = readIfThere(file);
    const value = text === undefined ? undefined : parseJson(text);
    if (value !== undefined) return value;
    const what = text === undefined ? 'is missing' : 'is damaged';
    throw new UserError(`${basename(file)} of run ${this.id} ${what}.`, {
      hint: 'Start the stage again; this run cannot go on.',
      file,
      code: 'damaged-run',
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

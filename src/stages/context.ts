import type { ModelSource } from '../config/experiment';
import type { Runtime } from '../tensor/runtime';

/** What the trainer gives a stage to begin with. */
export interface StageContext {
  runtime: Runtime;
  /** The starting weights' folder; null: random weights. */
  modelFolder: string | null;
  /**
   * The folder of another model that the stage takes: the latest result of a stage, or a folder as it is. `use` is the
   * word for it in run.json, where a resumed run finds the folder that it began with.
   */
  folderOf: (use: string, source: ModelSource) => string;
  /** The config file, absolute. */
  configFile: string;
  /** The run's own folder, for what is made once and read again on resume (a trained tokenizer). */
  runFolder: string;
  /** Whether a checkpoint exists, so that what was told before the first step is not told again. */
  resuming: boolean;
  warn: (message: string) => void;
  /** An event in events.jsonl. */
  note: (event: string, details: Record<string, unknown>) => void;
  /** A row of metrics.jsonl beside those of steps and evaluations. */
  measure: (step: number, metrics: Readonly<Record<string, number>>) => void;
  /** A line of the log. */
  say: (line: string) => void;
}

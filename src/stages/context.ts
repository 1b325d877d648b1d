import type { Runtime } from '../tensor/runtime';

/** What the trainer gives a stage to begin with. */
export interface StageContext {
  runtime: Runtime;
  /** The starting weights' folder; null: random weights. */
  modelFolder: string | null;
  /** The run's own folder, for what is made once and read again on resume (a trained tokenizer). */
  runFolder: string;
  /** Whether a checkpoint exists, so that what was told before the first step is not told again. */
  resuming: boolean;
  warn: (message: string) => void;
  /** An event in events.jsonl. */
  note: (event: string, details: Record<string, unknown>) => void;
  /** A line of the log. */
  say: (line: string) => void;
}

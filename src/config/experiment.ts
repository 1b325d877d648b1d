import type { Range } from './diagnostic';
import type { Device, StageConfig, StageType } from './schema/experiment';

/** Where the key and the value of `stages.sft.learning_rate` stand, by that path. */
export type Positions = ReadonlyMap<string, { readonly key: Range; readonly value: Range }>;

/** A config file that passed validation, every default filled in. Paths in it are as written. */
export interface Experiment {
  /** Absolute. */
  readonly file: string;
  /** The folder of the file: all paths in it are relative to this one. */
  readonly folder: string;
  readonly model: string | null;
  readonly device: Device;
  readonly threads: number | null;
  readonly seed: number;
  readonly stages: ReadonlyMap<string, StageConfig>;
  readonly positions: Positions;
}

/** What a code lens needs of a stage, also in a file with errors. */
export interface StageOutline {
  readonly name: string;
  /** As written; undefined where missing. */
  readonly type: string | undefined;
  /** The stage's name in the file. */
  readonly range: Range;
}

/** Where a stage's weights come from. Null: random weights, by `architecture`. */
export type ModelSource =
  { readonly kind: 'stage'; readonly name: string } | { readonly kind: 'folder'; readonly path: string };

/** The files that a stage reads, absolute. */
export interface StageInputs {
  readonly data: readonly string[];
  readonly heldOut: string | null;
  readonly samplePrompts: string | null;
  /** The file of the chat template; null where the template stands in the config itself, or is the model's. */
  readonly chatTemplate: string | null;
  readonly architecture: string | null;
  /** A tokenizer's folder. */
  readonly tokenizer: string | null;
}

/** A stage ready to run. `config` is the discriminated union over `type`. */
export interface ResolvedStage<C extends StageConfig = StageConfig> {
  readonly name: string;
  readonly type: StageType;
  readonly config: C;
  readonly model: ModelSource | null;
  readonly inputs: StageInputs;
  /** All files and folders that it reads, but for the model: the values of `inputs`. */
  readonly files: readonly string[];
  /** The folder of the config file. */
  readonly folder: string;
  readonly device: Device;
  readonly threads: number | null;
  readonly seed: number;
}

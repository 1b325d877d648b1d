import type { Range } from './diagnostic';
import type { Device, StageConfig, StageType } from './schema/experiment';
import type { RewardTerm } from './schema/source';

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
  readonly prompts: readonly string[];
  readonly heldOut: string | null;
  readonly samplePrompts: string | null;
  /** The file of the chat template; null where the template stands in the config itself, or is the model's. */
  readonly chatTemplate: string | null;
  readonly architecture: string | null;
  /** A tokenizer's folder. */
  readonly tokenizer: string | null;
  readonly guideline: string | null;
  /** All rule files: of rewards, judges, monitors and simulated annotators. */
  readonly rules: readonly string[];
  /** The flattery monitor's file of phrases. */
  readonly phrases: string | null;
}

/** A term of a reward: a reward model or a rule's file, absolute. */
export type RewardSource =
  | {
      readonly kind: 'model';
      readonly model: ModelSource;
      readonly use: RewardTerm['use'];
      readonly k: number;
      readonly weight: number;
    }
  | { readonly kind: 'rule'; readonly path: string; readonly weight: number };

/** Where labeled pairs lie, absolute: the folder of a generate stage's labels, or a folder or file named in the config. */
export type LabelSource =
  | { readonly kind: 'stage'; readonly name: string; readonly path: string }
  | { readonly kind: 'path'; readonly path: string };

/** What a stage takes beside its starting weights and files: stages' results, models, rules. */
export interface StageSources {
  /** What answers in a generate or evaluate stage, at least one; empty in others. */
  readonly models: readonly ModelSource[];
  /** The first of `models` where none is named; null but in evaluate stages. */
  readonly baseline: ModelSource | null;
  /** Null: the starting weights. */
  readonly reference: ModelSource | null;
  readonly labels: LabelSource | null;
  readonly reward: readonly RewardSource[];
  /** Null: what `reward` names. */
  readonly judge: RewardSource | 'people' | null;
  /** The score that only the monitor of the proxy gap sees. */
  readonly monitorJudge: RewardSource | null;
}

/** A stage ready to run. `config` is the discriminated union over `type`. */
export interface ResolvedStage<C extends StageConfig = StageConfig> {
  readonly name: string;
  readonly type: StageType;
  readonly config: C;
  readonly model: ModelSource | null;
  readonly inputs: StageInputs;
  readonly sources: StageSources;
  /** The stages whose results it takes. */
  readonly upstream: readonly string[];
  /** All files and folders that it reads, but for models: the values of `inputs`, and labels. */
  readonly files: readonly string[];
  /** The folder of the config file. */
  readonly folder: string;
  readonly device: Device;
  readonly threads: number | null;
  readonly seed: number;
}

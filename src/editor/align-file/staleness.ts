import * as vscode from 'vscode';
import type { ContentHashes } from '../../config/contents';
import type { Experiments, KnownExperiment } from './experiments';
import { core } from '../loading';
import type { RunLibrary } from '../runs/run-library';

export interface StageStaleness {
  /** Changed since its last finished run. */
  readonly stale: boolean;
  /** Upstream stages that would run with "Run with upstream". */
  readonly staleUpstream: number;
}

const FRESH: StageStaleness = { stale: false, staleUpstream: 0 };
const REST_MS = 400;
/** Data files may change without an event. */
const AGE_MS = 15_000;

/** Which stages changed since their last run: worked out in the background, answered from memory. */
export class StalenessBoard implements vscode.Disposable {
  /** Of data files, kept from one examination to the next. */
  private hashes: ContentHashes | undefined;
  private readonly board = new Map<string, ReadonlyMap<string, StageStaleness>>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly subscriptions: { dispose(): void }[];
  private readonly age: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private working = false;
  private again = false;

  readonly onChange = this.changed.event;

  constructor(
    private readonly experiments: Experiments,
    private readonly runs: RunLibrary,
    private readonly onProblem: (error: unknown) => void,
  ) {
    const soon = (): void => this.soon();
    this.subscriptions = [
      this.changed,
      experiments.onChange(soon),
      runs.onRuns(soon),
      vscode.workspace.onDidSaveTextDocument(soon),
    ];
    this.age = setInterval(soon, AGE_MS);
    soon();
  }

  of(configFile: string, stage: string): StageStaleness {
    return this.board.get(configFile)?.get(stage) ?? FRESH;
  }

  dispose(): void {
    clearInterval(this.age);
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.work();
    }, REST_MS);
  }

  private async work(): Promise<void> {
    if (this.working) {
      this.again = true;
      return;
    }
    this.working = true;
    try {
      for (const known of this.experiments.all) await this.examine(known);
      this.changed.fire();
    } catch (error) {
      this.onProblem(error);
    } finally {
      this.working = false;
      if (this.again) {
        this.again = false;
        this.soon();
      }
    }
  }

  private async examine({ document, parsed }: KnownExperiment): Promise<void> {
    const { experiment } = parsed;
    if (!experiment) return;
    const file = document.uri.fsPath;
    const lastDone = new Map<string, { hash: string }>();
    const ran = new Set<string>();
    for (const name of experiment.stages.keys()) {
      const runs = this.runs.of(file, name);
      if (runs.length > 0) ran.add(name);
      const done = runs.find(({ state }) => state === 'done');
      if (done?.run.stage_hash) lastDone.set(name, { hash: done.run.stage_hash });
    }
    const { ContentHashes, staleness, upstream } = await core();
    const found = await staleness(experiment, lastDone, (this.hashes ??= new ContentHashes()));
    const stages = [...experiment.stages.keys()].map((name): [string, StageStaleness] => [
      name,
      {
        stale: ran.has(name) && (found.get(name)?.stale ?? false),
        staleUpstream: upstream(experiment, name).filter((input) => found.get(input)?.stale).length,
      },
    ]);
    this.board.set(file, new Map(stages));
  }
}

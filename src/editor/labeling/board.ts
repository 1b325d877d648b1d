import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import type { Experiments } from '../align-file/experiments';
import { annotatorOf } from './annotator';
import type { LabelingSession } from './session';
import type { LabelFacts } from '../align-file/lens-text';
import { core } from '../loading';
import type { StageTarget } from '../runs/start';

/** Files change in bursts: a pull, a run that writes pairs. */
const REST_MS = 200;
/** α of many labels takes a while; it need not follow every key. */
const AGREEMENT_REST_MS = 2000;

interface Entry {
  readonly target: StageTarget;
  readonly session: Promise<LabelingSession>;
  facts: LabelFacts | undefined;
}

/** Generate stages make pairs, and evaluate stages that people judge. */
const makesPairs = (type: string | undefined): boolean => type === 'generate' || type === 'evaluate';

const hasPairs = (config: string, stage: string): boolean =>
  existsSync(join(dirname(config), 'labels', stage, 'pairs.jsonl'));

/** The pairs and labels of the stages that the window knows, in memory: for lenses and the labeling panel. */
export class LabelBoard implements vscode.Disposable {
  private readonly entries = new Map<string, Entry>();
  private readonly changed = new vscode.EventEmitter<StageTarget>();
  private readonly counted = new vscode.EventEmitter<void>();
  private readonly subscriptions: vscode.Disposable[];
  private found: Promise<readonly StageTarget[]> | undefined;
  private readonly timers = new Map<string, NodeJS.Timeout>();

  /** Pairs, labels or the guideline of a stage changed, by another window, a pull or a run. */
  readonly onChange = this.changed.event;
  /** What the lenses say may have changed. */
  readonly onFacts = this.counted.event;

  constructor(
    private readonly experiments: Experiments,
    private readonly onProblem: (error: unknown) => void,
  ) {
    const watcher = vscode.workspace.createFileSystemWatcher('**/labels/*/*.jsonl');
    const forget = (): void => (this.found = undefined);
    const soon = (): void => {
      forget();
      this.later('refresh', REST_MS, () => this.refresh());
    };
    this.subscriptions = [
      this.changed,
      this.counted,
      watcher,
      watcher.onDidChange(soon),
      watcher.onDidCreate(soon),
      watcher.onDidDelete(soon),
      vscode.window.onDidChangeWindowState(({ focused }) => focused && soon()),
      vscode.workspace.onDidSaveTextDocument(({ languageId }) => languageId === 'markdown' && soon()),
      experiments.onFile(forget),
      experiments.onClose(forget),
      experiments.onChange(({ document, outline }) => {
        forget();
        for (const { name, type } of outline)
          if (makesPairs(type)) void this.session({ config: document.uri.fsPath, stage: name }).catch(onProblem);
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('alignment-lab.annotator')) this.reopen();
      }),
    ];
  }

  /** What the lenses of a stage say; undefined before its labels were read, or where it has no pairs. */
  facts(config: string, stage: string): LabelFacts | undefined {
    return this.entries.get(keyOf({ config, stage }))?.facts;
  }

  /** The session of the current annotator at a stage. Rejects with a UserError where its folder cannot be used. */
  session(target: StageTarget): Promise<LabelingSession> {
    const key = keyOf(target);
    const known = this.entries.get(key);
    if (known) return known.session;
    const session = this.open(target);
    const entry: Entry = { target, session, facts: undefined };
    this.entries.set(key, entry);
    session.then(
      () => this.tell(entry),
      () => this.entries.delete(key),
    );
    return session;
  }

  /** A session of ours has a new label: the lenses follow at once, agreement a little later. */
  labeled(target: StageTarget): void {
    const entry = this.entries.get(keyOf(target));
    if (entry) void this.count(entry).catch(this.onProblem);
  }

  /** The stages with pairs of all config files in the window: read once until a config changes, for keys wait for it. */
  stages(): Promise<readonly StageTarget[]> {
    return (this.found ??= this.readStages().catch((error: unknown) => {
      this.found = undefined;
      throw error;
    }));
  }

  private async readStages(): Promise<StageTarget[]> {
    const open = await this.experiments.read();
    const files = new Set([...open.map(({ document }) => document.uri.fsPath), ...this.experiments.configFiles]);
    const stages: StageTarget[] = [];
    for (const config of files) {
      const known = open.find(({ document }) => document.uri.fsPath === config);
      const outline = known?.outline ?? (await parsed(config)).outline;
      for (const { name, type } of outline)
        if (type === 'generate' || (type === 'evaluate' && hasPairs(config, name)))
          stages.push({ config, stage: name });
    }
    return stages;
  }

  /** Looks at the disk for what other windows and programs wrote. */
  async refresh(): Promise<void> {
    for (const entry of this.entries.values()) {
      const session = await entry.session.catch(() => undefined);
      if (session?.refresh()) this.tell(entry);
    }
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async open({ config, stage }: StageTarget): Promise<LabelingSession> {
    const { LabelingSession } = await core();
    const folder = dirname(config);
    const annotator = await annotatorOf(folder);
    const { experiment } = await parsed(config);
    const named = experiment?.stages.get(stage);
    const guideline = named?.type === 'generate' && named.guideline ? resolve(folder, named.guideline) : null;
    return new LabelingSession({ folder, stage, annotator, guideline });
  }

  /** Another annotator, or another guideline: all sessions begin anew. */
  reopen(): void {
    const targets = [...this.entries.values()].map(({ target }) => target);
    this.entries.clear();
    for (const target of targets) void this.session(target).catch(this.onProblem);
  }

  private tell(entry: Entry): void {
    void this.count(entry)
      .then(() => this.changed.fire(entry.target))
      .catch(this.onProblem);
  }

  private async count(entry: Entry): Promise<void> {
    const { total, left } = (await entry.session).progress;
    const alpha = entry.facts?.alpha ?? null;
    entry.facts = total === 0 ? undefined : { total, left, alpha };
    this.counted.fire();
    this.later(`agreement ${keyOf(entry.target)}`, AGREEMENT_REST_MS, () => this.agree(entry));
  }

  private async agree(entry: Entry): Promise<void> {
    const { alphaOf } = await core();
    const session = await entry.session;
    if (!entry.facts) return;
    const alpha = alphaOf(session.allRows());
    if (alpha === entry.facts.alpha) return;
    entry.facts = { ...entry.facts, alpha };
    this.counted.fire();
  }

  private later(name: string, ms: number, action: () => Promise<void>): void {
    clearTimeout(this.timers.get(name));
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        void action().catch(this.onProblem);
      }, ms),
    );
  }
}

export function keyOf({ config, stage }: StageTarget): string {
  return `${config}\n${stage}`;
}

/** A config file as it is in its editor, else on the disk. */
async function parsed(config: string) {
  const { folderTest, parseExperiment } = await core();
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(config));
  return parseExperiment(document.getText(), config, { isFolder: folderTest(dirname(config)) });
}

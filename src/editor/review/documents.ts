import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { isActive } from '../../runs/format';
import type { EditorContext } from '../context';
import { keyOf } from '../labeling/board';
import { annotatorOf } from '../labeling/annotator';
import { core } from '../loading';
import { heatOf, kindsOf, type Heat, type HeatKind } from './heat-scale';
import type { AnswerJudge } from './judge';
import { promptsOfPairs, promptsOfSamples } from './source';
import { reviewText, type ReviewPrompt, type ReviewText } from './text';
import { configFileOf, type KnownRun } from '../runs/run-library';
import type { StageTarget } from '../runs/start';

export const REVIEW_SCHEME = 'align-review';
export const REVIEW_LANGUAGE = 'align-review';
export const REVIEW_SELECTOR: vscode.DocumentSelector = { language: REVIEW_LANGUAGE, scheme: REVIEW_SCHEME };

/** At most two refreshes a second of an open document. */
const REFRESH_MS = 500;
/** File events are missed in some remotes; a document that is seen looks for itself. */
const LOOK_MS = 2000;

/** What a document shows: a run's samples, of one step or of all, or the pairs of a stage. */
type Source =
  | { readonly kind: 'run'; readonly id: string; readonly step: number | undefined }
  | { readonly kind: 'pairs'; readonly target: StageTarget };

/** A document as it was last built. */
export interface OpenReview {
  readonly uri: vscode.Uri;
  readonly built: ReviewText;
  /** What its tokens can be coloured by, and are. */
  readonly heats: readonly HeatKind[];
  readonly heat: Heat | undefined;
  /** Whose `labels/<stage>/` takes judgements and comments. */
  readonly target: StageTarget;
}

/** The review documents of the window: what they say, where answers stand in them, and whose labels they write. */
export class ReviewDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly open = new Map<string, OpenReview>();
  private readonly wanted = new Map<string, { dispose(): void }>();
  private readonly pending = new Map<string, NodeJS.Timeout>();
  private readonly judges = new Map<string, { judge: AnswerJudge | undefined; opened: Promise<AnswerJudge> }>();
  /** Size and time of the pairs that a document was built from. */
  private readonly stamps = new Map<string, string>();
  /** Who writes documents of another kind under this scheme, by the first part of their path. */
  private readonly guides = new Map<string, (uri: vscode.Uri) => Promise<string>>();
  private disk = '';
  private wantedHeat: HeatKind | undefined;
  private readonly stale = new vscode.EventEmitter<vscode.Uri>();
  private readonly shown = new vscode.EventEmitter<OpenReview | undefined>();
  private readonly subscriptions: vscode.Disposable[];

  readonly onDidChange = this.stale.event;
  /** A document was built, or what is known of its answers changed; undefined: of any. */
  readonly onShown = this.shown.event;

  constructor(private readonly context: EditorContext) {
    const { runs } = context;
    const watcher = vscode.workspace.createFileSystemWatcher('**/labels/*/*.jsonl');
    const look = (): void => void this.refresh().catch((error: unknown) => context.log.warn(String(error)));
    const seen = (): boolean => vscode.window.visibleTextEditors.some(({ document }) => this.get(document.uri));
    const timer = setInterval(() => seen() && look(), LOOK_MS);
    this.subscriptions = [
      { dispose: () => clearInterval(timer) },
      this.stale,
      this.shown,
      watcher,
      watcher.onDidChange(look),
      watcher.onDidCreate(look),
      watcher.onDidDelete(look),
      vscode.workspace.registerTextDocumentContentProvider(REVIEW_SCHEME, this),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.tell(document.uri)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.close(uri)),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration('alignment-lab.annotator')) return;
        this.judges.clear();
        this.shown.fire(undefined);
      }),
      vscode.window.onDidChangeWindowState(({ focused }) => focused && look()),
      runs.onRows(({ run }) => this.refreshRun(run.run.id)),
      runs.onRuns((changed) => (changed.length > 0 ? changed.forEach(({ run }) => this.refreshRun(run.id)) : look())),
    ];
  }

  /** Documents that lead to answers, such as reports: the links of a preview cannot leave the scheme of its document. */
  guide(kind: string, text: (uri: vscode.Uri) => Promise<string>): void {
    this.guides.set(kind, text);
  }

  /** A guiding document is to be written anew. */
  changed(uri: vscode.Uri): void {
    this.stale.fire(uri);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const guide = this.guides.get(uri.path.split('/')[1] ?? '');
    if (guide) return guide(uri);
    const source = sourceOf(uri);
    if (!source) return 'This document is of another version of Alignment Lab.\n';
    const { prompts, target, empty } = await this.read(source);
    const heat = this.wantedHeat && heatOf(prompts, this.wantedHeat);
    const built =
      prompts.length > 0 ? reviewText(prompts, heat?.legend.text) : { text: `${empty}\n`, prompts: [], answers: [] };
    if (target) this.open.set(uri.toString(), { uri, built, heats: kindsOf(prompts), heat, target });
    return built.text;
  }

  /** Colours the tokens of all documents by this, of those that have figures for it; by nothing where it is undefined. */
  showHeat(kind: HeatKind | undefined): void {
    this.wantedHeat = kind;
    for (const { uri } of this.documents()) this.stale.fire(uri);
  }

  /** The document at an address, where it was built; undefined else. */
  get(uri: vscode.Uri): OpenReview | undefined {
    return uri.scheme === REVIEW_SCHEME ? this.open.get(uri.toString()) : undefined;
  }

  get all(): readonly OpenReview[] {
    return [...this.open.values()];
  }

  /** Who judges for a stage, from memory; undefined before its labels were read, which this begins. */
  judgeNow(target: StageTarget): AnswerJudge | undefined {
    const known = this.judges.get(keyOf(target));
    if (known) return known.judge;
    void this.judge(target).catch((error: unknown) => this.context.log.warn(String(error)));
    return undefined;
  }

  /** Rejects with a UserError where the folder of labels cannot be used. */
  judge(target: StageTarget): Promise<AnswerJudge> {
    const key = keyOf(target);
    const known = this.judges.get(key);
    if (known) return known.opened;
    const opened = this.openJudge(target);
    const entry: { judge: AnswerJudge | undefined; opened: Promise<AnswerJudge> } = { judge: undefined, opened };
    this.judges.set(key, entry);
    opened.then(
      (judge) => {
        entry.judge = judge;
        this.shown.fire(undefined);
      },
      () => this.judges.delete(key),
    );
    return opened;
  }

  /** What is known of the answers changed: lenses and inlays are asked anew. */
  judged(): void {
    this.shown.fire(undefined);
  }

  /** Looks at the disk for what other windows and programs wrote. */
  async refresh(): Promise<void> {
    for (const { uri } of this.documents()) {
      const source = sourceOf(uri);
      const changed =
        source?.kind === 'pairs' && this.stamps.get(uri.toString()) !== stampOf(pairsFileOf(source.target));
      if (changed || (source && !this.get(uri))) this.stale.fire(uri);
    }
    const judges = await Promise.all([...this.judges.values()].map(({ opened }) => opened.catch(() => undefined)));
    for (const judge of judges) judge?.refresh();
    const folders = new Set(this.all.map(({ target: { config, stage } }) => join(dirname(config), 'labels', stage)));
    const disk = [...folders]
      .flatMap((folder) => labelFiles(folder).map((file) => `${file} ${stampOf(file)}`))
      .join('\n');
    if (disk === this.disk) return;
    this.disk = disk;
    this.shown.fire(undefined);
  }

  dispose(): void {
    for (const timer of this.pending.values()) clearTimeout(timer);
    for (const handle of this.wanted.values()) handle.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async openJudge({ config, stage }: StageTarget): Promise<AnswerJudge> {
    const { AnswerJudge } = await core();
    const folder = dirname(config);
    return new AnswerJudge({ folder, stage, annotator: await annotatorOf(folder) });
  }

  private async read(source: Source): Promise<{ prompts: ReviewPrompt[]; target?: StageTarget; empty: string }> {
    if (source.kind === 'pairs') {
      const { target } = source;
      const { readPairs } = await core();
      const file = pairsFileOf(target);
      this.stamps.set(answersUri(target).toString(), stampOf(file));
      const { pairs } = readPairs(file);
      const empty = `${target.stage} has not written pairs of answers yet. Run it from the config.`;
      return { prompts: promptsOfPairs(target.stage, pairs), target, empty };
    }
    const { id, step } = source;
    const known = this.context.runs.get(id);
    if (!known) {
      const empty = this.context.runs.allLoaded ? `There is no run ${id} in this workspace any more.` : 'Reading …';
      return { prompts: [], empty };
    }
    if (!this.wanted.has(id)) this.wanted.set(id, this.context.runs.want(id));
    const { stage } = known.run;
    const prompts = promptsOfSamples(id, stage, known.samples, step);
    return { prompts, target: { config: configFileOf(known.info), stage }, empty: emptyWords(known, step) };
  }

  private documents(): vscode.TextDocument[] {
    return vscode.workspace.textDocuments.filter(({ uri }) => uri.scheme === REVIEW_SCHEME);
  }

  private refreshRun(id: string): void {
    if (this.pending.has(id)) return;
    const ours = (): vscode.Uri[] =>
      this.documents()
        .map(({ uri }) => uri)
        .filter((uri) => {
          const source = sourceOf(uri);
          return source?.kind === 'run' && source.id === id;
        });
    if (ours().length === 0) return;
    const timer = setTimeout(() => {
      this.pending.delete(id);
      for (const uri of ours()) this.stale.fire(uri);
    }, REFRESH_MS);
    this.pending.set(id, timer);
  }

  private tell(uri: vscode.Uri): void {
    const review = this.get(uri);
    if (review) this.shown.fire(review);
  }

  private close(uri: vscode.Uri): void {
    const source = uri.scheme === REVIEW_SCHEME ? sourceOf(uri) : undefined;
    if (!source) return;
    this.open.delete(uri.toString());
    if (source.kind !== 'run') return;
    const others = this.documents().some((document) => {
      const other = sourceOf(document.uri);
      return other?.kind === 'run' && other.id === source.id && document.uri.toString() !== uri.toString();
    });
    if (others) return;
    this.wanted.get(source.id)?.dispose();
    this.wanted.delete(source.id);
  }
}

/** The pairs of a stage. */
export function pairsFileOf({ config, stage }: StageTarget): string {
  return join(dirname(config), 'labels', stage, 'pairs.jsonl');
}

function labelFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => join(folder, name));
  } catch {
    // No folder yet: nothing was judged.
    return [];
  }
}

/** Tells whether a file changed. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.size} ${stat.mtimeMs}` : '';
}

function emptyWords({ run: { stage }, state }: KnownRun, step: number | undefined): string {
  if (step !== undefined) return `No samples at step ${step}.`;
  return isActive(state)
    ? `No samples yet.\n${stage} writes them while it runs; a training stage as often as sample_every says.`
    : 'This run wrote no samples.';
}

/** The address of a run's samples. The ending gives the document its language, also after a reload of the window. */
export function samplesUri({ run: { id, stage } }: Pick<KnownRun, 'run'>, step?: number): vscode.Uri {
  const name = step === undefined ? `${stage}.samples` : `${stage} step ${step}.samples`;
  const query = step === undefined ? '' : `step=${step}`;
  return vscode.Uri.from({ scheme: REVIEW_SCHEME, path: `/run/${id}/${name}`, query });
}

/** The address of the answers in a stage's pairs. */
export function answersUri({ config, stage }: StageTarget): vscode.Uri {
  return vscode.Uri.from({ scheme: REVIEW_SCHEME, path: `/pairs/${stage}/${stage}.samples`, query: config });
}

function sourceOf(uri: vscode.Uri): Source | undefined {
  const [, kind, name] = uri.path.split('/');
  if (kind === 'pairs' && name) return { kind, target: { config: uri.query, stage: name } };
  if (kind !== 'run' || !name) return undefined;
  const step = /^step=(\d+)$/.exec(uri.query)?.[1];
  return { kind, id: name, step: step === undefined ? undefined : Number(step) };
}

import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { sortDiagnostics } from '../../config/diagnostic';
import type { StageOutline } from '../../config/experiment';
import type { ParseResult } from '../../config/parse';
import { core } from '../loading';
import { outlineAfterError } from './outline';

/** A config document as the editor knows it: the last parse, and the stages of the last one without syntax errors. */
export interface KnownExperiment {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly parsed: ParseResult;
  readonly outline: readonly StageOutline[];
}

/** Milliseconds of rest in typing before a document is read again. */
const DEBOUNCE_MS = 150;

export const ALIGN_SELECTOR: vscode.DocumentSelector = [{ language: 'align', scheme: 'file' }];

/** The open config documents, parsed; and the config files of the workspace. */
export class Experiments implements vscode.Disposable {
  private readonly known = new Map<string, KnownExperiment>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly changed = new vscode.EventEmitter<KnownExperiment>();
  private readonly closed = new vscode.EventEmitter<vscode.Uri>();
  private readonly found = new vscode.EventEmitter<void>();
  private readonly files = new Set<string>();
  private readonly subscriptions: vscode.Disposable[] = [];

  /** A document was parsed, for the first time or again. */
  readonly onChange = this.changed.event;
  readonly onClose = this.closed.event;
  /** A config file was opened or found in the workspace. */
  readonly onFile = this.found.event;

  constructor(private readonly onProblem: (error: unknown) => void) {
    const { workspace } = vscode;
    this.subscriptions.push(
      this.changed,
      this.closed,
      this.found,
      workspace.onDidOpenTextDocument((document) => this.open(document)),
      workspace.onDidChangeTextDocument(({ document }) => this.schedule(document)),
      // Files that a config names may have come or gone.
      workspace.onDidSaveTextDocument(() => this.again()),
      vscode.window.onDidChangeWindowState(({ focused }) => focused && this.again()),
      workspace.onDidCloseTextDocument((document) => this.close(document)),
    );
    for (const document of workspace.textDocuments) this.open(document);
  }

  get(uri: vscode.Uri): KnownExperiment | undefined {
    return this.known.get(uri.toString());
  }

  /** The parse of the text as it is now, even in the middle of typing. */
  async current(document: vscode.TextDocument): Promise<KnownExperiment> {
    await core();
    const held = this.known.get(document.uri.toString());
    return held?.version === document.version ? held : await this.parse(document);
  }

  /** The open config documents that were parsed. */
  get all(): readonly KnownExperiment[] {
    return [...this.known.values()];
  }

  /** All open config documents: those that were not parsed yet are parsed first. */
  async read(): Promise<readonly KnownExperiment[]> {
    const open = vscode.workspace.textDocuments.filter(
      (document) => this.isConfig(document) && !this.get(document.uri),
    );
    await Promise.all(open.map((document) => this.current(document)));
    return this.all;
  }

  /** The config files that are known, as absolute paths. */
  get configFiles(): readonly string[] {
    return [...this.files];
  }

  /** Looks for config files in the workspace. */
  async discover(): Promise<void> {
    const pattern = '{**/align.yaml,**/align.yml,**/*.align.yaml,**/*.align.yml}';
    const uris = await vscode.workspace.findFiles(pattern, '**/{node_modules,.align,.git}/**', 100);
    for (const uri of uris) this.files.add(uri.fsPath);
    this.found.fire();
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private isConfig(document: vscode.TextDocument): boolean {
    return vscode.languages.match(ALIGN_SELECTOR, document) > 0;
  }

  private open(document: vscode.TextDocument): void {
    if (!this.isConfig(document)) return;
    void this.current(document).catch(this.onProblem);
    if (!this.files.has(document.uri.fsPath)) {
      this.files.add(document.uri.fsPath);
      this.found.fire();
    }
  }

  private schedule(document: vscode.TextDocument): void {
    if (!this.isConfig(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key);
        void this.current(document).catch(this.onProblem);
      }, DEBOUNCE_MS),
    );
  }

  private again(): void {
    for (const { document } of this.all) void this.parse(document).catch(this.onProblem);
  }

  private async parse(document: vscode.TextDocument): Promise<KnownExperiment> {
    const { checkFiles, folderTest, parseExperiment } = await core();
    const key = document.uri.toString();
    const file = document.uri.fsPath;
    const text = document.getText();
    const checked = parseExperiment(text, file, { isFolder: folderTest(dirname(file)) });
    const files = checked.experiment ? checkFiles(checked.experiment) : [];
    const parsed = { ...checked, diagnostics: sortDiagnostics([...checked.diagnostics, ...files]) };
    const outline = outlineAfterError(text, parsed, this.known.get(key)?.outline ?? []);
    const experiment = { document, version: document.version, parsed, outline };
    // It may have been closed while the core was loaded.
    if (document.isClosed) return experiment;
    this.known.set(key, experiment);
    this.changed.fire(experiment);
    return experiment;
  }

  private close(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (this.known.delete(key)) this.closed.fire(document.uri);
  }
}

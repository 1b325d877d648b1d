import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { hasErrors } from '../../config/diagnostic';
import type { EditorContext } from '../context';
import { ALIGN_SELECTOR } from './experiments';
import { lensesOf } from './lens-text';

/** At most four refreshes a second. */
const REFRESH_MS = 250;
/** "3 min ago" grows old without an event. */
const AGE_MS = 30_000;

/** The lenses over the stages of a config file: from memory, so that VS Code never waits for them. */
export function register(context: EditorContext): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  let shown = '';
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const now = titles(context);
      if (now === shown) return;
      shown = now;
      changed.fire();
    }, REFRESH_MS);
  };
  const age = setInterval(refresh, AGE_MS);
  const provider: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changed.event,
    // The first time the document may not have been read yet.
    provideCodeLenses: async (document) => {
      if (!context.experiments.get(document.uri)) await context.experiments.current(document);
      return lensesFor(context, document);
    },
  };
  return vscode.Disposable.from(
    changed,
    vscode.languages.registerCodeLensProvider(ALIGN_SELECTOR, provider),
    context.experiments.onChange(refresh),
    context.runs.onRuns(refresh),
    context.runs.onRows(refresh),
    context.staleness.onChange(refresh),
    context.labels.onFacts(refresh),
    new vscode.Disposable(() => {
      clearInterval(age);
      clearTimeout(timer);
    }),
  );
}

function lensesFor(context: EditorContext, document: vscode.TextDocument): vscode.CodeLens[] {
  const known = context.experiments.get(document.uri);
  if (!known) return [];
  const config = document.uri.fsPath;
  const now = Date.now();
  return known.outline.flatMap(({ name, type, range }) => {
    const runs = context.runs.of(config, name);
    const [last] = runs;
    const facts = {
      stage: name,
      last,
      loaded: context.runs.loaded(dirname(config)),
      broken: hasErrors(known.parsed.diagnostics),
      labels: context.labels.facts(config, name),
      report: type === 'evaluate' && runs.some(({ state }) => state === 'done'),
      ...context.staleness.of(config, name),
    };
    const place = new vscode.Range(
      range.start.line - 1,
      range.start.column - 1,
      range.start.line - 1,
      range.end.column - 1,
    );
    return lensesOf(facts, now).map(({ title, command, tooltip, on }) => {
      const target = on === 'run' && last ? last.run.id : { config, stage: name };
      return new vscode.CodeLens(place, { title, command, tooltip, arguments: [target] });
    });
  });
}

/** All that the lenses of the open documents say, to find out whether anything changed. */
function titles(context: EditorContext): string {
  return context.experiments.all
    .flatMap(({ document }) => lensesFor(context, document))
    .map((lens) => `${lens.range.start.line} ${lens.command?.title}`)
    .join('\n');
}

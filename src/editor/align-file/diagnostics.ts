import * as vscode from 'vscode';
import type { Diagnostic, Fix, Range } from '../../config/diagnostic';
import type { EditorContext } from '../context';
import { ALIGN_SELECTOR } from './experiments';

/** What is wrong in a config file, where it stands, with the mends as quick fixes. */
export function register(context: EditorContext): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection('align');
  const show = (document: vscode.TextDocument, diagnostics: readonly Diagnostic[]): void =>
    collection.set(
      document.uri,
      diagnostics.map((diagnostic) => toDiagnostic(document, diagnostic)),
    );
  for (const { document, parsed } of context.experiments.all) show(document, parsed.diagnostics);
  return vscode.Disposable.from(
    collection,
    context.experiments.onChange(({ document, parsed }) => show(document, parsed.diagnostics)),
    context.experiments.onClose((uri) => collection.delete(uri)),
    vscode.languages.registerCodeActionsProvider(
      ALIGN_SELECTOR,
      { provideCodeActions: (document, range) => quickFixes(context, document, range) },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
  );
}

/** A range of ours, which counts from 1, as one of VS Code's, kept inside the document. */
export function toRange(document: vscode.TextDocument, { start, end }: Range): vscode.Range {
  return document.validateRange(new vscode.Range(start.line - 1, start.column - 1, end.line - 1, end.column - 1));
}

function toDiagnostic(document: vscode.TextDocument, found: Diagnostic): vscode.Diagnostic {
  const severity = found.severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning;
  const message = found.hint ? `${found.message}\n${found.hint}` : found.message;
  const diagnostic = new vscode.Diagnostic(toRange(document, found.range), message, severity);
  diagnostic.source = 'align';
  diagnostic.code = found.code;
  return diagnostic;
}

async function quickFixes(
  context: EditorContext,
  document: vscode.TextDocument,
  at: vscode.Range,
): Promise<vscode.CodeAction[]> {
  const { parsed } = await context.experiments.current(document);
  return parsed.diagnostics
    .filter((found) => toRange(document, found.range).intersection(at) !== undefined)
    .flatMap((found) =>
      found.fixes.map((fix, index) => quickFix(document, found, fix, found.fixes.length === 1 && index === 0)),
    );
}

function quickFix(document: vscode.TextDocument, found: Diagnostic, fix: Fix, preferred: boolean): vscode.CodeAction {
  const action = new vscode.CodeAction(fix.title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [toDiagnostic(document, found)];
  action.isPreferred = preferred;
  action.edit = new vscode.WorkspaceEdit();
  for (const edit of fix.edits) action.edit.replace(document.uri, toRange(document, edit.range), edit.newText);
  return action;
}

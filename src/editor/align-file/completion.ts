import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import type { Completion, FolderEntry } from '../../config/complete';
import type { EditorContext } from '../context';
import { toRange } from './diagnostics';
import { ALIGN_SELECTOR } from './experiments';
import { core } from '../loading';

/** Of a folder with very many files the first are offered. */
const MOST_ENTRIES = 500;

/** Keys, values, stages and paths, from the schema. */
export function register(_context: EditorContext): vscode.Disposable {
  return vscode.languages.registerCompletionItemProvider(
    ALIGN_SELECTOR,
    {
      provideCompletionItems: async (document, position) => {
        const { complete } = await core();
        const folder = dirname(document.uri.fsPath);
        const found = complete(document.getText(), document.offsetAt(position), (path) =>
          entriesOf(resolve(folder, path)),
        );
        return found.map((completion, index) => toItem(document, completion, index));
      },
    },
    ':',
    ' ',
    '/',
    '[',
    '{',
  );
}

const KINDS: Readonly<Record<Completion['kind'], vscode.CompletionItemKind>> = {
  key: vscode.CompletionItemKind.Property,
  value: vscode.CompletionItemKind.Value,
  stage: vscode.CompletionItemKind.Reference,
  file: vscode.CompletionItemKind.File,
  folder: vscode.CompletionItemKind.Folder,
  snippet: vscode.CompletionItemKind.Snippet,
};

function toItem(document: vscode.TextDocument, completion: Completion, index: number): vscode.CompletionItem {
  const item = new vscode.CompletionItem(completion.label, KINDS[completion.kind]);
  item.insertText = completion.snippet ? new vscode.SnippetString(completion.insertText) : completion.insertText;
  item.range = toRange(document, completion.range);
  item.detail = completion.detail;
  item.documentation = new vscode.MarkdownString(completion.documentation);
  // Ours is the order in which one writes a stage, not the alphabet.
  item.sortText = String(index).padStart(4, '0');
  if (completion.again) item.command = { command: 'editor.action.triggerSuggest', title: 'Suggest' };
  return item;
}

function entriesOf(folder: string): FolderEntry[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .slice(0, MOST_ENTRIES)
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  } catch {
    return [];
  }
}

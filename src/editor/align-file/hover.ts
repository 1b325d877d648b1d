import * as vscode from 'vscode';
import type { EditorContext } from '../context';
import { toRange } from './diagnostics';
import { ALIGN_SELECTOR } from './experiments';
import { core } from '../loading';

/** What a key means, its default and unit, from the schema. */
export function register(_context: EditorContext): vscode.Disposable {
  return vscode.languages.registerHoverProvider(ALIGN_SELECTOR, {
    provideHover: async (document, position) => {
      const { hover } = await core();
      const found = hover(document.getText(), document.offsetAt(position));
      return found && new vscode.Hover(new vscode.MarkdownString(found.markdown), toRange(document, found.range));
    },
  });
}

import * as vscode from 'vscode';
import type { OpenReview, ReviewDocuments } from './documents';

/** What of our own lines is no name: rules, signs and the words between. */
const FRAME = /^── prompt | ─{3,}(?: tags?: )?|^─ (?:…[^\n]*)?| @ /g;

/** Dims the frame of review documents: of colours for comments, which grammars can name, some themes make the loudest. */
export function registerDecorations(reviews: ReviewDocuments): vscode.Disposable {
  const dimmed = vscode.window.createTextEditorDecorationType({
    color: new vscode.ThemeColor('descriptionForeground'),
  });
  const decorate = (editor: vscode.TextEditor): void => {
    const review = reviews.get(editor.document.uri);
    if (review) editor.setDecorations(dimmed, frameOf(review, editor.document));
  };
  return vscode.Disposable.from(
    dimmed,
    reviews.onShown((review) => {
      for (const editor of vscode.window.visibleTextEditors)
        if (!review || editor.document.uri.toString() === review.uri.toString()) decorate(editor);
    }),
    vscode.window.onDidChangeVisibleTextEditors((editors) => editors.forEach(decorate)),
  );
}

function frameOf({ built, heat }: OpenReview, document: vscode.TextDocument): vscode.Range[] {
  const lines = built.prompts.flatMap(({ line, answers }) => [
    line,
    // The note behind a text that was cut stands on the line after it.
    ...answers.flatMap(({ head, last }) => [head, last + 1]),
  ]);
  const begins = heat?.legend.steps[0]?.start ?? 0;
  const legend = document.lineAt(0).text === heat?.legend.text ? [new vscode.Range(0, 0, 0, begins)] : [];
  const frame = lines
    .filter((line) => line < document.lineCount)
    .flatMap((line) => {
      const { text } = document.lineAt(line);
      if (!text.startsWith('─')) return [];
      return [...text.matchAll(FRAME)].map(
        ({ index, 0: part }) => new vscode.Range(line, index, line, index + part.length),
      );
    });
  return [...legend, ...frame];
}

import * as vscode from 'vscode';
import { REVIEW_SELECTOR, type ReviewDocuments } from './documents';
import { answerName, figuresOf, promptText } from './text';

/** Between the figures of an answer; other blanks would be drawn as one. */
const BLANK = '\u00a0';
/** Columns of a head before its figures, so that those of short names stand below each other. */
const HEAD = 16;

/** Inlays, folding and outline of review documents. */
export function registerLanguage(reviews: ReviewDocuments): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  return vscode.Disposable.from(
    changed,
    reviews.onShown((review) => review && changed.fire()),
    vscode.languages.registerInlayHintsProvider(REVIEW_SELECTOR, {
      onDidChangeInlayHints: changed.event,
      provideInlayHints: (document, range) =>
        (reviews.get(document.uri)?.built.answers ?? [])
          .filter(({ head }) => head >= range.start.line && head <= range.end.line && head < document.lineCount)
          .map((answer) => {
            // One inlay with parts: several beside each other would run together.
            const head = document.lineAt(answer.head).range.end;
            const parts = figuresOf(answer).map(({ label, tooltip }, index) => {
              const gap = index === 0 ? Math.max(1, HEAD - head.character) : 3;
              const part = new vscode.InlayHintLabelPart(BLANK.repeat(gap) + label);
              part.tooltip = tooltip;
              return part;
            });
            const hint = new vscode.InlayHint(head, parts);
            hint.paddingLeft = true;
            return hint;
          }),
    }),
    vscode.languages.registerFoldingRangeProvider(REVIEW_SELECTOR, {
      onDidChangeFoldingRanges: changed.event,
      provideFoldingRanges: (document) =>
        (reviews.get(document.uri)?.built.prompts ?? []).flatMap(({ line, last, answers }) => [
          new vscode.FoldingRange(line, last, vscode.FoldingRangeKind.Region),
          ...answers.map((answer) => new vscode.FoldingRange(answer.head, answer.last)),
        ]),
    }),
    vscode.languages.registerDocumentSymbolProvider(
      REVIEW_SELECTOR,
      {
        provideDocumentSymbols: (document) =>
          (reviews.get(document.uri)?.built.prompts ?? [])
            .filter(({ last }) => last < document.lineCount)
            .map((block) => {
              const words = promptText(block.prompt).replace(/\s+/g, ' ').slice(0, 60);
              const symbol = new vscode.DocumentSymbol(
                words || `prompt ${block.name}`,
                `prompt ${block.name}`,
                vscode.SymbolKind.String,
                new vscode.Range(block.line, 0, block.last, document.lineAt(block.last).text.length),
                document.lineAt(block.line).range,
              );
              symbol.children = block.answers.map(
                (answer) =>
                  new vscode.DocumentSymbol(
                    answerName(answer),
                    figuresOf(answer)
                      .map(({ label }) => label)
                      .join('  '),
                    vscode.SymbolKind.Method,
                    new vscode.Range(answer.head, 0, answer.last, document.lineAt(answer.last).text.length),
                    document.lineAt(answer.head).range,
                  ),
              );
              return symbol;
            }),
      },
      { label: 'Prompts and answers' },
    ),
  );
}

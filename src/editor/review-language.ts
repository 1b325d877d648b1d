import * as vscode from 'vscode';
import { REVIEW_SELECTOR, type ReviewDocuments } from './review-documents';
import { answerName, figuresOf, promptText } from './review-text';

/** Between the figures of an answer; other blanks would be drawn as one. */
const GAP = '\u00a0'.repeat(3);

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
            const parts = figuresOf(answer).map(({ label, tooltip }, index) => {
              const part = new vscode.InlayHintLabelPart(index === 0 ? label : `${GAP}${label}`);
              part.tooltip = tooltip;
              return part;
            });
            const hint = new vscode.InlayHint(document.lineAt(answer.head).range.end, parts);
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

import * as vscode from 'vscode';
import type { ReviewDocuments } from './documents';
import type { PlacedAnswer, ReviewText } from './text';

/** What can be done with an answer by one key, as package.json binds them. */
const ACTIONS: readonly { key: string; icon: string; words: string; command: string }[] = [
  { key: 'J', icon: 'arrow-down', words: 'Next answer', command: 'nextAnswer' },
  { key: 'K', icon: 'arrow-up', words: 'Previous answer', command: 'previousAnswer' },
  { key: 'A', icon: 'thumbsup', words: 'Accept, or take that back', command: 'acceptAnswer' },
  { key: 'X', icon: 'thumbsdown', words: 'Reject, or take that back', command: 'rejectAnswer' },
  { key: 'E', icon: 'edit', words: 'Edit: write it as it should be', command: 'editAnswer' },
  { key: 'R', icon: 'comment', words: 'Remark: a comment at the cursor or on what is selected', command: 'addComment' },
  { key: 'C', icon: 'split-horizontal', words: 'Compare checkpoints side by side', command: 'compareAnswers' },
  { key: 'H', icon: 'flame', words: 'Heat of tokens: the next kind, or off', command: 'nextHeat' },
  { key: 'L', icon: 'tag', words: 'Send to labeling', command: 'sendAnswerToLabeling' },
  { key: 'H', icon: 'flame', words: 'Heat of tokens: KL, reward, off', command: 'nextHeat' },
];

/** From answer to answer by keyboard, and what else the keyboard can do there. */
export function registerMoves(reviews: ReviewDocuments): vscode.Disposable {
  const move = (by: 1 | -1) => (): void => {
    const editor = vscode.window.activeTextEditor;
    const review = editor && reviews.get(editor.document.uri);
    const answer = review && answerAfter(review.built, editor.selection.active.line, by);
    if (!editor || !answer) return;
    const place = new vscode.Position(answer.first, 0);
    editor.selection = new vscode.Selection(place, place);
    const range = new vscode.Range(answer.head, 0, answer.last, 0);
    editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand('alignment-lab.nextAnswer', move(1)),
    vscode.commands.registerCommand('alignment-lab.previousAnswer', move(-1)),
    vscode.commands.registerCommand('alignment-lab.answerActions', async () => {
      const items = ACTIONS.map(({ key, icon, words, command }) => ({
        label: `$(${icon}) ${words}`,
        description: key,
        command,
      }));
      const chosen = await vscode.window.showQuickPick(items, { title: 'Keys of a review document' });
      if (chosen) await vscode.commands.executeCommand(`alignment-lab.${chosen.command}`);
    }),
  );
}

/** The next answer after a line (from 0), or the one before it; the first and the last one have none beyond them. */
function answerAfter({ answers }: ReviewText, line: number, by: 1 | -1): PlacedAnswer | undefined {
  if (by > 0) return answers.find(({ first }) => first > line);
  return answers.filter(({ last }) => last < line).at(-1);
}

import * as vscode from 'vscode';

type Asker = 'showInputBox' | 'showQuickPick' | 'showWarningMessage' | 'showErrorMessage' | 'showInformationMessage';

/** What the user is asked, as the arguments of the call, and what they answer. */
export type Answers = Partial<Record<Asker, (...asked: unknown[]) => unknown>>;

/** Does something while these answers are given in place of the user. */
export async function withAnswers<T>(answers: Answers, work: () => PromiseLike<T>): Promise<T> {
  const { showInputBox, showQuickPick, showWarningMessage, showErrorMessage, showInformationMessage } = vscode.window;
  const given = Object.entries(answers).map(([name, answer]) => [
    name,
    async (...asked: unknown[]): Promise<unknown> => answer(...asked),
  ]);
  Object.assign(vscode.window, Object.fromEntries(given));
  try {
    return await work();
  } finally {
    Object.assign(vscode.window, {
      showInputBox,
      showQuickPick,
      showWarningMessage,
      showErrorMessage,
      showInformationMessage,
    });
  }
}

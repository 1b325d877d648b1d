import * as vscode from 'vscode';
import { REVIEW_SELECTOR, type ReviewDocuments } from './documents';
import type { Judgement } from './judge';

/** At most four refreshes a second. */
const REFRESH_MS = 250;

/** The lenses over each answer, from memory: before its labels were read they say that nothing was judged. */
export function registerLenses(reviews: ReviewDocuments): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed.fire();
    }, REFRESH_MS);
  };
  return vscode.Disposable.from(
    changed,
    reviews.onShown(refresh),
    new vscode.Disposable(() => clearTimeout(timer)),
    vscode.languages.registerCodeLensProvider(REVIEW_SELECTOR, {
      onDidChangeCodeLenses: changed.event,
      provideCodeLenses: (document) => {
        const review = reviews.get(document.uri);
        if (!review) return [];
        const judge = reviews.judgeNow(review.target);
        return review.built.answers
          .filter(({ head }) => head < document.lineCount)
          .flatMap((answer) => {
            const place = new vscode.Range(answer.head, 0, answer.head, 0);
            const alone = answer.block.answers.length < 2;
            return lensesOf(judge?.of(answer) ?? {}, alone).map(
              ({ title, command, tooltip }) =>
                new vscode.CodeLens(place, {
                  title,
                  tooltip,
                  command: `alignment-lab.${command}`,
                  arguments: [document.uri.toString(), answer.key],
                }),
            );
          });
      },
    }),
  );
}

interface AnswerLens {
  readonly title: string;
  readonly command: string;
  readonly tooltip: string;
}

/** The lenses over an answer; `alone` where the document has no other answer to its prompt, to make a pair of. */
export function lensesOf({ verdict, edit }: Judgement, alone: boolean): AnswerLens[] {
  const thumb = (name: 'up' | 'down', set: boolean, words: string, wish: string): AnswerLens => ({
    title: set ? `$(thumbs${name}-filled)\u00a0${words}` : `$(thumbs${name})`,
    command: name === 'up' ? 'acceptAnswer' : 'rejectAnswer',
    tooltip: set ? 'Take this back.' : wish,
  });
  const send: AnswerLens = {
    title: 'Send to labeling',
    command: 'sendAnswerToLabeling',
    tooltip: 'Add it and another answer as a pair to label (L).',
  };
  return [
    thumb('up', verdict === 'accept', 'accepted', 'A good answer. Stored as your label (A).'),
    thumb('down', verdict === 'reject', 'rejected', 'A bad answer. Stored as your label (X).'),
    {
      title: edit === undefined ? 'Edit' : '$(edit)\u00a0Edited',
      command: 'editAnswer',
      tooltip: 'Write it as it should be. The edit is a demonstration, and better than the answer (E).',
    },
    {
      title: 'Compare',
      command: 'compareAnswers',
      tooltip: 'Read the answers of several checkpoints to each prompt side by side and vote (C).',
    },
    ...(alone ? [] : [send]),
  ];
}

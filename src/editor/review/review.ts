import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../config/errors';
import { registerComments } from './comments';
import { compare, registerCompare } from '../compare/compare';
import { showError, type EditorContext } from '../context';
import { registerReports } from '../evaluation/reports';
import { core } from '../loading';
import { answersUri, ReviewDocuments, samplesUri, type OpenReview } from './documents';
import { registerDecorations } from './decorations';
import { registerHeat } from './heat';
import { openEdit, registerEdits } from './edit';
import type { Verdict } from './judge';
import { registerLanguage } from './language';
import { registerLenses } from './lenses';
import { registerMoves } from './moves';
import { answerAt, answerName, figuresOf, type PlacedAnswer } from './text';
import type { KnownRun } from '../runs/run-library';
import type { StageTarget } from '../runs/start';
import { asStage } from '../runs/targets';

/** Review documents: a run's samples or a stage's answers, to be read, judged, edited and commented. */
export function register(context: EditorContext): vscode.Disposable {
  const reviews = new ReviewDocuments(context);
  const command = (name: string, run: (...args: unknown[]) => Promise<unknown>): vscode.Disposable =>
    vscode.commands.registerCommand(`alignment-lab.${name}`, async (...args: unknown[]) => {
      try {
        return await run(...args);
      } catch (error) {
        // Not awaited: a notification waits for a click, a command must not.
        void showError(context, error);
        return undefined;
      }
    });
  const onAnswer = (name: string, run: (review: OpenReview, answer: PlacedAnswer) => Promise<unknown>) =>
    command(name, async (address, key) => {
      const found = answerOf(reviews, address, key);
      if (found) return run(found.review, found.answer);
      const title = 'Put the cursor into an answer of a review document first.';
      return void vscode.window.showInformationMessage(title);
    });
  const judge = (verdict: Verdict) => async (review: OpenReview, answer: PlacedAnswer) => {
    const given = await (await reviews.judge(review.target)).judge(answer, verdict);
    reviews.judged();
    return given;
  };
  return vscode.Disposable.from(
    reviews,
    registerLanguage(reviews),
    registerLenses(reviews),
    registerDecorations(reviews),
    registerHeat(reviews),
    registerEdits(reviews),
    registerComments(context, reviews),
    registerMoves(reviews),
    registerCompare(context),
    registerReports(context, reviews),
    onAnswer('acceptAnswer', judge('accept')),
    onAnswer('rejectAnswer', judge('reject')),
    onAnswer('editAnswer', ({ uri }, answer) => openEdit(uri, answer)),
    command('compareAnswers', (address, key) =>
      compare(context, answerOf(reviews, address, key) ?? firstAnswer(reviews)),
    ),
    onAnswer('sendAnswerToLabeling', ({ target }, answer) => send(context, target, answer)),
    command('openAnswers', async (argument) => {
      const target = asStage(argument) ?? (await pickGenerate(context, 'Review the answers of'));
      if (target) await show(answersUri(target));
    }),
  );
}

/** Opens the samples of a run, or of one step of it. */
export async function openSamples(run: KnownRun, step?: number): Promise<void> {
  await show(samplesUri(run, step));
}

async function show(uri: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

/** The answer that a lens names, else the one at the cursor. */
function answerOf(
  reviews: ReviewDocuments,
  address: unknown,
  key: unknown,
): { review: OpenReview; answer: PlacedAnswer } | undefined {
  if (typeof address === 'string' && typeof key === 'string') {
    const review = reviews.get(vscode.Uri.parse(address, true));
    const answer = review?.built.answers.find((each) => each.key === key);
    return review && answer && { review, answer };
  }
  const editor = vscode.window.activeTextEditor;
  const review = editor && reviews.get(editor.document.uri);
  const answer = review && answerAt(review.built, editor.selection.active.line);
  return review && answer && { review, answer };
}

/** The first answer of the document in front. */
function firstAnswer(reviews: ReviewDocuments): { review: OpenReview; answer: PlacedAnswer } | undefined {
  const editor = vscode.window.activeTextEditor;
  const review = editor && reviews.get(editor.document.uri);
  const answer = review?.built.answers[0];
  return review && answer && { review, answer };
}

/** Adds the answer with another one to its prompt to the pairs of a generate stage. */
async function send(context: EditorContext, from: StageTarget, answer: PlacedAnswer): Promise<void> {
  const others = answer.block.answers.filter(({ text }) => text.trim() !== answer.text.trim() && text.trim() !== '');
  if (answer.text.trim() === '' || others.length === 0)
    throw new UserError('There is nothing to compare this answer with.', {
      hint: 'A pair needs two different answers to the prompt, neither of them empty.',
    });
  const title = 'Send to labeling: against which answer';
  const items = others.map((other) => {
    const figures = figuresOf(other).map(({ label }) => label);
    const words = other.shown.replace(/\s+/g, ' ').slice(0, 100);
    return { label: answerName(other), description: figures.join('  '), detail: words, other };
  });
  const chosen = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { title });
  const target = chosen && (await labelingStage(context, from));
  if (!chosen || !target) return;
  const { sendPair } = await core();
  const added = sendPair(join(dirname(target.config), 'labels', target.stage), answer, chosen.other);
  await context.labels.refresh();
  const words = added ? `Sent to the pairs of ${target.stage}` : `${target.stage} has this pair already`;
  vscode.window.setStatusBarMessage(`$(check) ${words}`, 4000);
}

/** The generate stage whose pairs people label: the document's own, the only one of its config, or the chosen one. */
async function labelingStage(context: EditorContext, from: StageTarget): Promise<StageTarget | undefined> {
  const stages = (await context.labels.stages()).filter(({ config }) => config === from.config);
  const own = stages.find(({ stage }) => stage === from.stage);
  if (own) return own;
  if (stages.length === 0)
    throw new UserError('The config has no stage of type generate, whose pairs are labeled.', {
      hint: 'Add one, such as `collect: { type: generate, model: sft, prompts: … }`.',
      file: from.config,
    });
  return stages.length === 1 ? stages[0] : pick(stages, 'Send to labeling: to the pairs of');
}

async function pickGenerate(context: EditorContext, title: string): Promise<StageTarget | undefined> {
  const stages = await context.labels.stages();
  if (stages.length > 0) return stages.length === 1 ? stages[0] : pick(stages, title);
  void vscode.window.showInformationMessage('There is no stage of type generate in the configs of this workspace.');
  return undefined;
}

async function pick(stages: readonly StageTarget[], title: string): Promise<StageTarget | undefined> {
  const items = stages.map((target) => ({
    label: target.stage,
    description: vscode.workspace.asRelativePath(target.config),
    target,
  }));
  return (await vscode.window.showQuickPick(items, { title }))?.target;
}

import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { AnswerComment, CommentDraft } from '../../data/labels/comments';
import { quotedAt, taggedText, threadsOf, writtenText, type Quoted, type Thread } from './comments-threads';
import { showError, type EditorContext } from '../context';
import { core } from '../loading';
import { REVIEW_LANGUAGE, type OpenReview, type ReviewDocuments } from './documents';
import type { StageTarget } from '../runs/start';

/** Comments on spans of answers in review documents, kept in `labels/<stage>/comments.jsonl`. */
export function registerComments(context: EditorContext, reviews: ReviewDocuments): vscode.Disposable {
  const desk = new CommentsDesk(context, reviews);
  const command = (name: string, run: (argument: unknown) => Promise<void>): vscode.Disposable =>
    vscode.commands.registerCommand(`alignment-lab.${name}`, (argument: unknown) =>
      run(argument).catch((error: unknown) => void showError(context, error)),
    );
  const onNote = (name: string, run: (note: Note) => Promise<void>): vscode.Disposable =>
    command(name, async (argument) => {
      if (argument instanceof Note) await run(argument);
    });
  return vscode.Disposable.from(
    desk,
    command('addComment', (reply) => (isReply(reply) ? desk.add(reply) : startComment())),
    command('resolveComment', (thread) => desk.resolve(thread, true)),
    command('reopenComment', (thread) => desk.resolve(thread, false)),
    onNote('editComment', (note) => desk.edit(note, true)),
    onNote('cancelComment', (note) => desk.edit(note, false)),
    onNote('saveComment', (note) => desk.save(note)),
    onNote('deleteComment', (note) => desk.remove(note)),
  );
}

/** The editor's own command opens the field at the cursor. */
async function startComment(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.addComment');
}

function isReply(value: unknown): value is vscode.CommentReply {
  return typeof value === 'object' && value !== null && 'thread' in value && 'text' in value;
}

/** A comment as VS Code shows it. */
class Note implements vscode.Comment {
  body: string;
  mode = vscode.CommentMode.Preview;
  readonly author: vscode.CommentAuthorInformation;
  readonly label: string | undefined;
  readonly timestamp: Date;
  readonly contextValue: string;

  constructor(
    readonly row: AnswerComment,
    readonly target: StageTarget,
    own: boolean,
  ) {
    // A string is shown as it is: nothing in it is read as markdown.
    this.body = row.text;
    this.author = { name: row.annotator };
    this.label = row.tag === null ? undefined : `#${row.tag}`;
    this.timestamp = new Date(row.time);
    this.contextValue = own ? 'own' : 'other';
  }
}

class CommentsDesk implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController(
    'alignment-lab.comments',
    'Comments on answers',
  );
  /** The threads that are shown, by document and key. */
  private readonly shown = new Map<string, Map<string, vscode.CommentThread>>();
  private readonly files = new Map<string, { stamp: string; comments: readonly AnswerComment[] }>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly context: EditorContext,
    private readonly reviews: ReviewDocuments,
  ) {
    this.controller.options = {
      prompt: 'Comment on this answer',
      placeHolder: 'A comment; begin with a #tag if you like',
    };
    this.controller.commentingRangeProvider = {
      provideCommentingRanges: ({ uri, languageId }) =>
        languageId === REVIEW_LANGUAGE
          ? (reviews.get(uri)?.built.answers ?? []).map(({ first, last }) => new vscode.Range(first, 0, last, 0))
          : [],
    };
    this.subscriptions = [
      this.controller,
      reviews.onShown((review) => {
        for (const each of review ? [review] : reviews.all) void this.show(each);
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.close(uri)),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** A new comment, or an answer to one. */
  async add({ thread, text: written }: vscode.CommentReply): Promise<void> {
    const review = this.reviews.get(thread.uri);
    const { tag, text } = taggedText(written);
    if (!review || (text === '' && tag === null)) return;
    const before = notesOf(thread)[0]?.row;
    const quoted = before ?? quotedBy(review, thread);
    if (!quoted) return thread.dispose();
    const { target, quote, start } = quoted;
    const stored = await this.put(review.target, {
      target,
      quote,
      start,
      tag,
      text,
      resolved: before?.resolved ?? false,
    });
    // The thread that was opened for it becomes the shown one.
    const key = threadsOf(review.built, [stored])[0]?.key;
    if (key !== undefined && !before) {
      const threads = this.threadsIn(review.uri);
      if (threads.has(key)) thread.dispose();
      else threads.set(key, thread);
    }
    this.reviews.judged();
    await this.show(review);
    await backToText(review);
  }

  async resolve(thread: unknown, resolved: boolean): Promise<void> {
    const notes = notesOf(thread);
    for (const { row, target } of notes) await this.put(target, { ...row, resolved });
    this.reviews.judged();
  }

  async edit(note: Note, editing: boolean): Promise<void> {
    note.body = editing ? writtenText(note.row) : note.row.text;
    note.mode = editing ? vscode.CommentMode.Editing : vscode.CommentMode.Preview;
    for (const thread of this.all()) if (notesOf(thread).includes(note)) thread.comments = [...thread.comments];
  }

  async save(note: Note): Promise<void> {
    const { tag, text } = taggedText(note.body);
    if (text === '' && tag === null) return;
    await this.put(note.target, { ...note.row, tag, text });
    this.reviews.judged();
  }

  async remove({ row, target }: Note): Promise<void> {
    await this.put(target, { ...row, deleted: true });
    this.reviews.judged();
    const undo = 'Undo';
    const choice = await vscode.window.showInformationMessage('The comment was deleted.', undo);
    if (choice !== undo) return;
    await this.put(target, row);
    this.reviews.judged();
  }

  /** Shows the comments of a document where their quotes stand now. */
  private async show(review: OpenReview): Promise<void> {
    const comments = await this.read(review.target);
    if (this.reviews.get(review.uri) !== review) return;
    const document = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === review.uri.toString());
    // VS Code has not taken the new text yet; it tells when it has.
    if (!document || document.getText().length !== review.built.text.length) return;
    const annotator = this.reviews.judgeNow(review.target)?.annotator;
    const threads = this.threadsIn(review.uri);
    const wanted = threadsOf(review.built, comments);
    for (const [key, thread] of threads) {
      if (wanted.some((each) => each.key === key)) continue;
      thread.dispose();
      threads.delete(key);
    }
    for (const each of wanted) {
      const range = rangeOf(each);
      const thread = threads.get(each.key) ?? this.controller.createCommentThread(review.uri, range, []);
      if (!threads.has(each.key)) thread.collapsibleState = vscode.CommentThreadCollapsibleState.Collapsed;
      threads.set(each.key, thread);
      update(thread, each, range, review.target, annotator);
    }
  }

  private async put(target: StageTarget, draft: Omit<CommentDraft, 'annotator'>): Promise<AnswerComment> {
    const { appendComment } = await core();
    const { annotator, labelsFolder } = await this.reviews.judge(target);
    return appendComment(labelsFolder, { annotator, ...draft });
  }

  private async read({ config, stage }: StageTarget): Promise<readonly AnswerComment[]> {
    const { COMMENTS_FILE, readComments } = await core();
    const file = join(dirname(config), 'labels', stage, COMMENTS_FILE);
    const stat = statSync(file, { throwIfNoEntry: false });
    const stamp = stat ? `${stat.size} ${stat.mtimeMs}` : '';
    const known = this.files.get(file);
    if (known?.stamp === stamp) return known.comments;
    const { comments, faults } = stat ? readComments(file) : { comments: [], faults: [] };
    for (const { line, message } of faults) this.context.log.warn(`${file}:${line}: ${message}`);
    this.files.set(file, { stamp, comments });
    return comments;
  }

  private threadsIn(uri: vscode.Uri): Map<string, vscode.CommentThread> {
    const key = uri.toString();
    const threads = this.shown.get(key) ?? new Map<string, vscode.CommentThread>();
    this.shown.set(key, threads);
    return threads;
  }

  private all(): vscode.CommentThread[] {
    return [...this.shown.values()].flatMap((threads) => [...threads.values()]);
  }

  private close(uri: vscode.Uri): void {
    for (const thread of this.shown.get(uri.toString())?.values() ?? []) thread.dispose();
    this.shown.delete(uri.toString());
  }
}

function notesOf(thread: unknown): Note[] {
  if (typeof thread !== 'object' || thread === null || !('comments' in thread)) return [];
  return Array.isArray(thread.comments) ? thread.comments.filter((note): note is Note => note instanceof Note) : [];
}

/** What a new thread is about: the selection that it was opened on, else its lines. */
function quotedBy({ uri, built }: OpenReview, { range }: vscode.CommentThread): Quoted | undefined {
  if (!range) return undefined;
  const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  const selected = editor?.selections.find((selection) => !selection.isEmpty && selection.intersection(range));
  const { start, end } = selected ?? range;
  return quotedAt(built, start, end);
}

/** The keys go on in the text that was commented: a field that was sent leaves them nowhere. */
async function backToText({ uri }: OpenReview): Promise<void> {
  const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  if (editor) await vscode.window.showTextDocument(editor.document, { viewColumn: editor.viewColumn, preview: true });
}

function rangeOf({ start, end }: Thread): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

function update(
  thread: vscode.CommentThread,
  { comments, resolved, found }: Thread,
  range: vscode.Range,
  target: StageTarget,
  annotator: string | undefined,
): void {
  const rows = notesOf(thread).map(({ row }) => row);
  const tags = [...new Set(comments.flatMap(({ tag }) => (tag === null ? [] : [`#${tag}`])))];
  if (!thread.range?.isEqual(range)) thread.range = range;
  thread.contextValue = resolved ? 'resolved' : 'open';
  thread.state = resolved ? vscode.CommentThreadState.Resolved : vscode.CommentThreadState.Unresolved;
  const gone = found ? [] : [`no longer in the answer: “${comments[0].quote.slice(0, 60)}”`];
  thread.label = [resolved ? 'Resolved' : 'Comment', ...tags, ...gone].join(' · ');
  // A comment that is being edited is left alone while nothing changed.
  if (JSON.stringify(rows) === JSON.stringify(comments)) return;
  thread.comments = comments.map((row) => new Note(row, target, row.annotator === annotator));
}

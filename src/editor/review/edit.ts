import * as vscode from 'vscode';
import type { ReviewDocuments } from './documents';
import { answerName, type PlacedAnswer } from './text';
import type { StageTarget } from '../runs/start';

const EDIT_SCHEME = 'align-edit';

/** Edits of answers as files that can be saved: a save is a label. */
export function registerEdits(reviews: ReviewDocuments): vscode.Disposable {
  const files = new AnswerFiles(reviews);
  return vscode.Disposable.from(
    files,
    vscode.workspace.registerFileSystemProvider(EDIT_SCHEME, files, { isCaseSensitive: true }),
  );
}

/** Opens an answer to be edited. */
export async function openEdit(review: vscode.Uri, answer: PlacedAnswer): Promise<void> {
  const name = `Edit of ${answerName(answer)}`.replace(/[/\\?#%:*"<>|]/g, '-');
  const query = JSON.stringify([review.toString(), answer.key]);
  const uri = vscode.Uri.from({ scheme: EDIT_SCHEME, path: `/${name}.md`, query });
  // Beside the answer: on its left where a column is there, which leaves both as wide as they were.
  const column = vscode.window.activeTextEditor?.viewColumn ?? vscode.ViewColumn.One;
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), {
    viewColumn: column > vscode.ViewColumn.One ? column - 1 : vscode.ViewColumn.Beside,
    preview: true,
  });
}

class AnswerFiles implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  /** Times of the last saves: VS Code tells by them whether a file changed under its hands. */
  private readonly saved = new Map<string, number>();

  constructor(private readonly reviews: ReviewDocuments) {}

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const size = (await this.readFile(uri)).length;
    const mtime = this.saved.get(uri.toString()) ?? 0;
    return { type: vscode.FileType.File, ctime: 0, mtime, size };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const { answer, target } = await this.find(uri);
    const judge = await this.reviews.judge(target);
    return new TextEncoder().encode(judge.of(answer).edit ?? answer.text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const { answer, target } = await this.find(uri);
    const judge = await this.reviews.judge(target);
    const { edit } = await judge.edit(answer, new TextDecoder().decode(content));
    this.saved.set(uri.toString(), Date.now());
    this.reviews.judged();
    const words = edit === undefined ? 'Edit taken back: it is the answer’s own text' : 'Edit stored as your label';
    vscode.window.setStatusBarMessage(`$(check) ${words}`, 4000);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): void {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    this.changed.dispose();
  }

  private async find(uri: vscode.Uri): Promise<{ answer: PlacedAnswer; target: StageTarget }> {
    const [address, key] = addressOf(uri.query);
    if (address === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const review = vscode.Uri.parse(address, true);
    // After a reload of the window the document may not have been built yet.
    if (!this.reviews.get(review)) await vscode.workspace.openTextDocument(review);
    const open = this.reviews.get(review);
    const answer = open?.built.answers.find((each) => each.key === key);
    if (!open || !answer) throw vscode.FileSystemError.FileNotFound(uri);
    return { answer, target: open.target };
  }
}

function addressOf(query: string): [string, string] | [undefined, undefined] {
  try {
    const value: unknown = JSON.parse(query);
    if (Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string')
      return [value[0], value[1]];
  } catch {
    // Not an address of ours.
  }
  return [undefined, undefined];
}

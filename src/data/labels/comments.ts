import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../config/errors';
import { errorCode, fsyncFolder, isMissing, writeError, writeFully } from '../durable';
import { annotatorName } from './annotator';
import { readLenient, type RowFault } from './lenient-jsonl';
import { badRow, LABELS_VERSION, newerVersion } from './pairs';

/** The name of the comments' file within `labels/<stage>/`. */
export const COMMENTS_FILE = 'comments.jsonl';

const targetSchema = z.union([
  /** An answer of a run: `sample` is its row in samples.jsonl, from 0. */
  z.object({ run: z.string().min(1), sample: z.number().int().min(0) }),
  z.object({ pair: z.string().min(1), side: z.enum(['a', 'b']) }),
]);
export type CommentTarget = z.output<typeof targetSchema>;

const commentSchema = z.object({
  v: z.number().int().min(1),
  /** A later row with the same id takes the place of the earlier one: an edit, or the thread resolved. */
  id: z.string().min(1),
  target: targetSchema,
  /** The words that it is about, as the review document shows them, and where they began in the answer, from 0. */
  quote: z.string(),
  start: z.number().int().min(0),
  tag: z.string().nullable().default(null),
  text: z.string(),
  resolved: z.boolean().default(false),
  annotator: z.string().min(1),
  /** Milliseconds since 1970. */
  time: z.number(),
  /** The comment was taken away. */
  deleted: z.literal(true).optional(),
});
/** A comment on a span of an answer. Comments with the same target, quote and start are one thread. */
export type AnswerComment = z.output<typeof commentSchema>;

export interface CommentsContent {
  /** The comments that stand, by time, each in its last wording. */
  comments: AnswerComment[];
  /** Lines that could not be used. */
  faults: RowFault[];
}

/** Reads `comments.jsonl`. Bad lines are reported and left out; a missing file has no comments. */
export function readComments(file: string): CommentsContent {
  const { rows, faults } = readLenient(file);
  const last = new Map<string, AnswerComment>();
  for (const { line, value } of rows) {
    const newer = newerVersion(value.v);
    const parsed = commentSchema.safeParse(value);
    if (newer) faults.push({ file, line, ...newer });
    else if (parsed.success) last.set(parsed.data.id, parsed.data);
    else {
      const [{ path, message }] = parsed.error.issues;
      faults.push({
        file,
        line,
        ...badRow('comment', `${path.join('.')}: ${message.replace(/^Invalid input: /, '')}`),
      });
    }
  }
  const comments = [...last.values()].filter(({ deleted }) => !deleted).sort((one, other) => one.time - other.time);
  return { comments, faults: faults.sort((one, other) => one.line - other.line) };
}

export type CommentDraft = Omit<AnswerComment, 'v' | 'id' | 'time'> & { id?: string; time?: number };

const MOST_ATTEMPTS = 8;

/**
 * Appends a comment to `comments.jsonl` of `labels/<stage>/`, or, with the id of an earlier one, its new wording.
 * Returns once it is on the disk as a line of its own. Throws a UserError where it cannot be written.
 */
export function appendComment(folder: string, draft: CommentDraft): AnswerComment {
  const { id = randomUUID(), time = Date.now(), annotator, ...rest } = draft;
  const comment: AnswerComment = { v: LABELS_VERSION, id, ...rest, annotator: annotatorName(annotator), time };
  const file = join(folder, COMMENTS_FILE);
  const line = JSON.stringify(comment);
  try {
    const created = !fs.existsSync(file);
    fs.mkdirSync(folder, { recursive: true });
    // A row that another window's torn line swallowed is written again.
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const before = appendLine(file, line);
      if (created) fsyncFolder(folder);
      if (linesFrom(file, before).includes(line)) return comment;
    }
  } catch (error) {
    throw commentError(error, file);
  }
  throw new UserError('The comment was written but cannot be found in its file.', {
    hint: 'Another program rewrites this file. Close it, then comment again.',
    file,
    code: 'comment-not-stored',
  });
}

/** One write at the end of the file, on the disk when it returns. Gives the length of the file before it. */
function appendLine(file: string, line: string): number {
  // Windows of one clone append to it at the same time: `a` puts each row at the end.
  const fd = fs.openSync(file, 'a+');
  try {
    const { size } = fs.fstatSync(fd);
    const last = Buffer.alloc(1);
    const torn = size > 0 && fs.readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== '\n';
    writeFully(fd, Buffer.from(`${torn ? '\n' : ''}${line}\n`));
    fs.fsyncSync(fd);
    return size;
  } finally {
    fs.closeSync(fd);
  }
}

function linesFrom(file: string, offset: number): string[] {
  // A line may have grown in front of ours since; it is found behind the next line end.
  return fs.readFileSync(file).subarray(offset).toString('utf8').split('\n');
}

function commentError(error: unknown, file: string): unknown {
  const known = writeError(error, file, 'The comments before this one are stored.');
  const code = errorCode(error);
  if (known instanceof UserError || code === undefined || isMissing(error)) return known;
  return new UserError(`The comment could not be stored: the system says ${code}.`, {
    hint: 'Mend the folder, then comment again.',
    file,
    code: 'comment-not-stored',
    cause: error,
  });
}

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import type { RunDir } from './directory';
import { errorCode, fsyncFolder, namesIn, withRetry, writeError } from './files';

/** A whole checkpoint: a folder takes the name `step-…` only after all its bytes are on the disk. */
export interface Checkpoint {
  step: number;
  path: string;
}

const NAME = /^step-(\d{6,})$/;
/** Being written; worthless after a kill. */
const WRITING = '.writing-';
/** Whole, but its place is being taken by a new one of the same step. */
const REPLACED = /^\.replaced-[0-9a-f]{8}-(step-\d{6,})$/;
/** Given up; removed in peace, so that a kill leaves no half folder under a good name. */
const DELETED = '.deleted-';

/** `step-000400`. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

function hidden(prefix: string, name: string): string {
  return `${prefix}${randomBytes(4).toString('hex')}-${name}`;
}

/**
 * Writes a checkpoint: `write` fills an empty folder, which is then synced to the disk and given its name. A kill at
 * any moment leaves the former checkpoints whole and no half one. Throws a UserError where the disk is full.
 */
export async function saveCheckpoint(
  dir: RunDir,
  step: number,
  write: (folder: string) => Promise<void> | void,
): Promise<Checkpoint> {
  const name = checkpointName(step);
  const path = join(dir.checkpointsFolder, name);
  const temporary = join(dir.checkpointsFolder, hidden(WRITING, name));
  try {
    fs.mkdirSync(temporary, { recursive: true });
    await write(temporary);
    fsyncTree(temporary);
    place(temporary, path, dir.checkpointsFolder, name);
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true });
    throw writeError(error, path, 'The checkpoints before this one are whole.');
  }
  return { step, path };
}

function place(temporary: string, path: string, folder: string, name: string): void {
  if (!fs.existsSync(path)) {
    withRetry(() => fs.renameSync(temporary, path));
    fsyncFolder(folder);
    return;
  }
  const old = join(folder, hidden('.replaced-', name));
  withRetry(() => fs.renameSync(path, old));
  withRetry(() => fs.renameSync(temporary, path));
  fsyncFolder(folder);
  fs.rmSync(old, { recursive: true, force: true });
}

/** Waits until all files under `folder` and the folders themselves are on the disk. */
export function fsyncTree(folder: string): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) fsyncTree(path);
    else if (entry.isFile()) fsyncFile(path);
  }
  fsyncFolder(folder);
}

function fsyncFile(path: string): void {
  // Windows flushes through handles with write access only.
  const fd = fs.openSync(path, 'r+');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Replaces a folder such as `model/` by what `write` makes. Readers see no half folder; a kill between the two renames
 * leaves none under that name for the moment and `sweepCheckpoints` brings the old one back.
 */
export async function replaceFolder(path: string, write: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = join(path, '..');
  const name = path.slice(folder.length + 1);
  const temporary = join(folder, hidden(WRITING, name));
  try {
    fs.mkdirSync(temporary, { recursive: true });
    await write(temporary);
    fsyncTree(temporary);
    place(temporary, path, folder, name);
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true });
    throw writeError(error, path);
  }
}

/** Whole checkpoints, the oldest first. */
export function listCheckpoints(dir: RunDir): Checkpoint[] {
  return namesIn(dir.checkpointsFolder)
    .flatMap((name) => {
      const match = NAME.exec(name);
      return match ? [{ step: Number(match[1]), path: join(dir.checkpointsFolder, name) }] : [];
    })
    .sort((a, b) => a.step - b.step);
}

/** The newest whole checkpoint. */
export function latestCheckpoint(dir: RunDir): Checkpoint | undefined {
  return listCheckpoints(dir).at(-1);
}

/** The checkpoint of a step. */
export function findCheckpoint(dir: RunDir, step: number): Checkpoint | undefined {
  return listCheckpoints(dir).find((checkpoint) => checkpoint.step === step);
}

/** Where a process goes on with a run. */
export interface ResumePoint extends Checkpoint {
  /** A branch's own start, from its parent: the JSONL files of the branch begin empty there. */
  inherited: boolean;
}

/** The checkpoint from which a run goes on; undefined where it begins at its beginning. */
export function resumePoint(dir: RunDir): ResumePoint | undefined {
  const latest = latestCheckpoint(dir);
  return latest && { ...latest, inherited: dir.readRun().parent?.step === latest.step };
}

/**
 * Gives a new branch its parent's checkpoint as its own, so that the parent may drop it. Files are linked where the
 * file system can: checkpoints are never changed in place. Throws a UserError where the parent has none of this step.
 */
export function inheritCheckpoint(parent: RunDir, step: number, branch: RunDir): Checkpoint {
  const source = findCheckpoint(parent, step);
  if (source === undefined) {
    const steps = listCheckpoints(parent).map((checkpoint) => checkpoint.step);
    throw new UserError(`Run ${parent.id} has no checkpoint of step ${step}.`, {
      hint:
        steps.length > 0
          ? `It has those of steps ${steps.join(', ')}; keep_checkpoints says how many stay.`
          : 'A run writes one every checkpoint_every steps, and when it is stopped.',
      code: 'no-checkpoint',
    });
  }
  const path = join(branch.checkpointsFolder, checkpointName(step));
  const temporary = join(branch.checkpointsFolder, hidden(WRITING, checkpointName(step)));
  try {
    linkTree(source.path, temporary);
    fsyncTree(temporary);
    place(temporary, path, branch.checkpointsFolder, checkpointName(step));
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true });
    throw writeError(error, path);
  }
  return { step, path };
}

function linkTree(source: string, target: string): void {
  fs.mkdirSync(target, { recursive: true });
  for (const entry of fs.readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) linkTree(from, to);
    else if (entry.isFile()) {
      try {
        fs.linkSync(from, to);
      } catch {
        fs.copyFileSync(from, to);
      }
    }
  }
}

/** Removes all but the newest `keep` checkpoints and those of the steps in `protect` (the best). Returns the removed. */
export function pruneCheckpoints(dir: RunDir, keep: number, protect: readonly number[] = []): Checkpoint[] {
  const all = listCheckpoints(dir);
  const extra = all.slice(0, Math.max(0, all.length - Math.max(1, keep))).filter(({ step }) => !protect.includes(step));
  for (const { path, step } of extra) {
    const doomed = join(dir.checkpointsFolder, hidden(DELETED, checkpointName(step)));
    try {
      withRetry(() => fs.renameSync(path, doomed));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') continue;
      throw error;
    }
    fs.rmSync(doomed, { recursive: true, force: true });
  }
  return extra;
}

/** Clears what a killed process left. Only the holder of the run's lock may call it. */
export function sweepCheckpoints(dir: RunDir): void {
  sweep(dir.checkpointsFolder, REPLACED);
  sweep(dir.path, /^\.replaced-[0-9a-f]{8}-(.+)$/);
}

function sweep(folder: string, replaced: RegExp): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    const target = replaced.exec(name)?.[1];
    if (target !== undefined && !fs.existsSync(join(folder, target))) {
      withRetry(() => fs.renameSync(path, join(folder, target)));
    } else if (target !== undefined || name.startsWith(WRITING) || name.startsWith(DELETED)) {
      fs.rmSync(path, { recursive: true, force: true });
    }
  }
}

import * as fs from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { UserError } from '../config/errors';
import { runsFolderOf } from './create';
import { RunDir } from './directory';
import { namesIn } from './files';
import { byNewest, type RunFile, type RunState } from './format';
import { liveState } from './state';

/** A run as it is now. `state` is the live one: `died` where run.json still says `running`. */
export interface RunInfo {
  dir: RunDir;
  id: string;
  run: RunFile;
  state: RunState;
}

/** Reads one run; undefined where the folder holds none or a damaged one. */
export function readRunInfo(dir: RunDir, now: number = Date.now()): RunInfo | undefined {
  try {
    const run = dir.readRun();
    return { dir, id: dir.id, run, state: liveState(run, now) };
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** All readable runs of a config folder, the newest first. Damaged ones are left out. */
export function listRuns(folder: string): RunInfo[] {
  const runs = runsFolderOf(folder);
  return namesIn(runs)
    .flatMap((name) => (name.startsWith('.') ? [] : [readRunInfo(new RunDir(join(runs, name)))]))
    .filter((info) => info !== undefined)
    .sort(byNewest);
}

export interface RunFilter {
  /** The config file that the run must come from, as an absolute path. */
  configFile?: string;
}

function fits(info: RunInfo, filter: RunFilter): boolean {
  return (
    filter.configFile === undefined ||
    resolve(info.dir.folder, info.run.config_file) === resolve(info.dir.folder, filter.configFile)
  );
}

/** The newest run of a stage that ended well. Throws a UserError where there is none. */
export function latestDone(folder: string, stage: string, filter: RunFilter = {}): RunInfo {
  const runs = listRuns(folder).filter((info) => info.run.stage === stage && fits(info, filter));
  const done = runs.find((info) => info.state === 'done');
  if (done) return done;
  const last = runs[0];
  throw new UserError(`Stage "${stage}" has no finished run.`, {
    hint: last
      ? `Its last run, ${last.id}, is ${last.state}. Finish it, or run the stage again.`
      : `Run it first (align run CONFIG ${stage}), or with what stands on it: "Run with upstream" in the editor, --with-upstream on the command line.`,
    code: 'no-done-run',
  });
}

/** For each stage, the hash that its newest finished run recorded: what staleness compares with. */
export function doneHashes(folder: string): Map<string, { hash: string }> {
  const hashes = new Map<string, { hash: string }>();
  for (const { run, state } of listRuns(folder))
    if (state === 'done' && run.stage_hash && !hashes.has(run.stage)) hashes.set(run.stage, { hash: run.stage_hash });
  return hashes;
}

/**
 * Finds a run by its id, a unique prefix of it, its folder's path, or `<stage>@latest`.
 * Throws a UserError that lists the candidates where it is none or several.
 */
export function findRun(folder: string, reference: string, filter: RunFilter = {}): RunInfo {
  const byPath = runAtPath(reference);
  if (byPath) return byPath;
  const runs = listRuns(folder);
  const latest = /^(.+)@latest$/.exec(reference);
  if (latest) {
    const found = runs.find((info) => info.run.stage === latest[1] && fits(info, filter));
    if (found) return found;
    const stages = [...new Set(runs.map((info) => info.run.stage))].sort();
    throw new UserError(`Stage "${latest[1]}" has no run in ${folder}.`, {
      hint: stages.length > 0 ? `Stages with runs: ${stages.join(', ')}.` : 'No stage has been run there yet.',
      code: 'no-run',
    });
  }
  const exact = runs.find((info) => info.id === reference);
  if (exact) return exact;
  const candidates = reference === '' ? [] : runs.filter((info) => info.id.startsWith(reference));
  if (candidates.length === 1 && candidates[0]) return candidates[0];
  if (candidates.length > 1) {
    throw new UserError(`"${reference}" is the beginning of ${candidates.length} runs.`, {
      hint: `Write more of it: ${enumerate(candidates.map((info) => info.id))}.`,
      code: 'ambiguous-run',
    });
  }
  throw new UserError(`There is no run "${reference}" in ${folder}.`, {
    hint:
      runs.length > 0 ? `The newest: ${enumerate(runs.map((info) => info.id))}.` : 'No stage has been run there yet.',
    code: 'no-run',
  });
}

function enumerate(ids: readonly string[], most = 5): string {
  return ids.slice(0, most).join(', ') + (ids.length > most ? `, and ${ids.length - most} more` : '');
}

function runAtPath(reference: string): RunInfo | undefined {
  if (!isAbsolute(reference) && !/[\\/]/.test(reference) && reference !== '.') return undefined;
  const dir = new RunDir(reference);
  if (!fs.existsSync(dir.path)) return undefined;
  const run = dir.readRun();
  return { dir, id: dir.id, run, state: liveState(run) };
}

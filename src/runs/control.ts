import * as fs from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/errors';
import type { RunDir } from './directory';
import { createExclusive, isMissing, namesIn, readIfThere, withRetry, writeError } from './files';
import { CONTROL_VERBS, FORMAT_VERSION, isActive, type ControlRequest, type ControlVerb } from './format';
import { controlSchema } from './schema';

const NAME = /^(\d+)-([a-z]+)\.json$/;
/** On file systems without hard links a file may be there a moment before its content. */
const UNREADABLE_MS = 2_000;

/**
 * Asks the process of a run for something. The request lies in `control/` until the process takes it.
 * Counters follow the clock, so that a request is never before one that was taken already.
 */
export function post(dir: RunDir, verb: ControlVerb, args?: Record<string, unknown>): string {
  try {
    fs.mkdirSync(dir.controlFolder, { recursive: true });
  } catch (error) {
    throw writeError(error, dir.controlFolder);
  }
  const time = Date.now();
  const request: ControlRequest = { v: FORMAT_VERSION, verb, time, ...(args ? { args } : {}) };
  const highest = namesIn(dir.controlFolder).reduce((most, name) => Math.max(most, counterOf(name)), 0);
  for (let counter = Math.max(time, highest + 1); ; counter++) {
    const path = join(dir.controlFolder, `${counter}-${verb}.json`);
    if (createExclusive(path, JSON.stringify(request))) return path;
  }
}

/** As `post`, but throws a UserError where no process would take the request. */
export function request(dir: RunDir, verb: ControlVerb, args?: Record<string, unknown>): string {
  const state = dir.state();
  if (!isActive(state)) {
    throw new UserError(`Run ${dir.id} takes no requests: it is ${state}.`, {
      hint: state === 'done' ? 'It has ended.' : `Revive it with \`align resume ${dir.id}\`.`,
      code: 'run-inactive',
    });
  }
  return post(dir, verb, args);
}

function counterOf(name: string): number {
  const match = NAME.exec(name);
  return match ? Number(match[1]) : 0;
}

/** Something in `control/` that was no request. */
export interface Refused {
  name: string;
  reason: string;
}

/** The process's side: requests in the order in which they were posted, each once. */
export class ControlInbox {
  private readonly folder: string;

  constructor(
    dir: RunDir,
    private readonly onRefused: (refused: Refused) => void = () => undefined,
  ) {
    this.folder = dir.controlFolder;
  }

  /** Takes all requests. Cheap where there is none: one listing of an empty folder. */
  drain(): ControlRequest[] {
    const names = namesIn(this.folder).filter((name) => !name.startsWith('.'));
    names.sort((a, b) => counterOf(a) - counterOf(b) || (a < b ? -1 : 1));
    const requests: ControlRequest[] = [];
    for (const name of names) {
      const request = this.take(name);
      if (request) requests.push(request);
    }
    return requests;
  }

  /** Drops requests from before `time` (milliseconds since 1970): a former process was meant. Returns how many. */
  dropBefore(time: number): number {
    const old = namesIn(this.folder).filter((name) => NAME.test(name) && counterOf(name) < time);
    for (const name of old) this.remove(join(this.folder, name));
    return old.length;
  }

  private take(name: string): ControlRequest | undefined {
    const path = join(this.folder, name);
    const parsed = this.read(path, name);
    if (parsed === 'later') return undefined;
    this.remove(path);
    if (typeof parsed !== 'string') return parsed;
    this.onRefused({ name, reason: parsed });
    return undefined;
  }

  private read(path: string, name: string): ControlRequest | string {
    let text: string | undefined;
    try {
      text = readIfThere(path);
    } catch {
      return 'it cannot be read as a file';
    }
    if (text === undefined) return 'later';
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      const age = Date.now() - (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      return age < UNREADABLE_MS ? 'later' : 'it is no JSON';
    }
    const result = controlSchema.safeParse(value);
    if (!result.success) return `it is no request with one of the verbs ${CONTROL_VERBS.join(', ')}`;
    return NAME.exec(name)?.[2] === result.data.verb ? result.data : 'its name does not fit its verb';
  }

  private remove(path: string): void {
    try {
      withRetry(() => fs.rmSync(path, { recursive: true, force: true }));
    } catch (error) {
      if (!isMissing(error)) throw writeError(error, path);
    }
  }
}

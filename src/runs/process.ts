import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { errorCode } from './files';

/**
 * A process, told apart from a later one with the same id by `start`, an opaque word:
 * Linux: `<boot id>/<pid namespace>/<start in ticks since boot>`; macOS: start time by ps; Windows: by PowerShell;
 * null where none of these can be had, and then the id alone decides.
 */
export interface ProcessIdentity {
  pid: number;
  start: string | null;
  host: string;
}

export const identitySchema = z.looseObject({
  pid: z.number().int(),
  start: z.string().nullable(),
  host: z.string(),
});

/** `unknown`: the process lives on another host or in another container, where it cannot be seen from here. */
export type Liveness = 'alive' | 'dead' | 'unknown';

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

let scope: string | undefined;

/** Boot and pid namespace: process ids mean the same thing only within both. */
function linuxScope(): string {
  if (scope !== undefined) return scope;
  const boot = readOr('/proc/sys/kernel/random/boot_id')?.trim() ?? 'boot';
  let namespace = 'pid';
  try {
    namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? namespace;
  } catch {
    // Hardened systems hide it; the boot id is enough on most.
  }
  return (scope = `${boot}/${namespace}`);
}

/** State letter and start time of /proc/<pid>/stat (proc(5), fields 3 and 22). The name in field 2 may hold anything. */
function linuxStat(pid: number): { state: string; ticks: string } | undefined {
  const text = readOr(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], fields[19]];
  return state && ticks ? { state, ticks } : undefined;
}

function command(file: string, args: string[]): string | undefined {
  const result = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: 10_000,
    windowsHide: true,
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });
  const text = result.status === 0 ? result.stdout.trim() : '';
  return text === '' ? undefined : text;
}

/** The start word of a process; null where the system does not tell; undefined where it is gone or a zombie. */
function startOf(pid: number): string | null | undefined {
  if (!exists(pid)) return undefined;
  if (process.platform === 'linux') {
    const stat = linuxStat(pid);
    if (stat === undefined) return exists(pid) ? null : undefined;
    return stat.state === 'Z' || stat.state === 'X' ? undefined : `${linuxScope()}/${stat.ticks}`;
  }
  if (process.platform === 'win32') {
    const script = `(Get-Process -Id ${pid}).StartTime.ToUniversalTime().Ticks`;
    return command('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script]) ?? null;
  }
  const text = command('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
  if (text === undefined) return null;
  const [state = '', ...start] = text.split(/\s+/);
  return state.startsWith('Z') ? undefined : start.join(' ');
}

/** True where some process has this id, whether or not it is ours. */
function exists(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** The identity of a living process on this host; undefined where there is none. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { pid, start, host: hostname() };
}

let self: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return (self ??= identityOf(process.pid) ?? { pid: process.pid, start: null, host: hostname() });
}

/** Where start times cost a child process, a confirmed one is believed this long while the id stays taken. */
const CONFIRMED_MS = 60_000;
const confirmed = new Map<string, number>();

/** Whether the process of `identity` still runs. */
export function liveness(identity: ProcessIdentity): Liveness {
  if (identity.host !== hostname()) return 'unknown';
  if (identity.start === null) return exists(identity.pid) ? 'alive' : 'dead';
  if (process.platform === 'linux') {
    const slash = identity.start.lastIndexOf('/');
    // Another boot of this host, another container, or another machine with the same name.
    if (slash >= 0 && identity.start.slice(0, slash) !== linuxScope()) return 'unknown';
    return matches(identity) ? 'alive' : 'dead';
  }
  if (!exists(identity.pid)) return 'dead';
  const key = `${identity.pid} ${identity.start}`;
  const at = confirmed.get(key);
  if (at !== undefined && Date.now() - at < CONFIRMED_MS) return 'alive';
  if (!matches(identity)) return 'dead';
  confirmed.set(key, Date.now());
  return 'alive';
}

/** Where the system does not tell the start time of a living process, its id has to do. */
function matches(identity: ProcessIdentity): boolean {
  const start = startOf(identity.pid);
  return start === identity.start || start === null;
}

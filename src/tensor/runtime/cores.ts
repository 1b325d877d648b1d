import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadKoffi } from './library';

let cores: number | undefined;

/**
 * Physical cores that this process may run on, at least 1. Two threads of one core share its multipliers: a second one
 * adds next to nothing to matrix products. Where the system does not tell, it is the number of logical ones.
 */
export function physicalCores(): number {
  return (cores ??= Math.max(1, Math.min(availableParallelism(), countCores() ?? Infinity)));
}

function countCores(): number | undefined {
  try {
    if (process.platform === 'linux') return coresOfLinux();
    if (process.platform === 'darwin') return coresOfMac();
    if (process.platform === 'win32') return coresOfWindows();
  } catch {
    // A container without /sys, a system without sysctl: logical ones are counted.
  }
  return undefined;
}

/**
 * Cores behind the processors that the process is allowed to use.
 *
 * @param read the content of a file; throws where there is none
 */
export function coresOfLinux(read = (path: string) => readFileSync(path, 'utf8')): number | undefined {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status'))?.[1];
  if (allowed === undefined) return undefined;
  const siblings = processorsIn(allowed).map((cpu) =>
    read(join('/sys/devices/system/cpu', `cpu${cpu}`, 'topology', 'thread_siblings_list')).trim(),
  );
  return new Set(siblings).size;
}

/** The numbers in a list as the kernel writes it: `0-3,8`. */
function processorsIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function coresOfMac(): number | undefined {
  const said = Number(execFileSync('/usr/sbin/sysctl', ['-n', 'hw.physicalcpu'], { encoding: 'utf8', timeout: 2_000 }));
  return Number.isSafeInteger(said) && said > 0 ? said : undefined;
}

/** Bytes of a SYSTEM_LOGICAL_PROCESSOR_INFORMATION in a 64-bit process; at 8 stands what kind of thing it tells of. */
const WINDOWS_ENTRY = 32;
const WINDOWS_KIND = 8;
const WINDOWS_CORE = 0;

/** Fills the buffer; its length comes back in the list, also where the buffer is too small and 0 is returned. */
type AskWindows = (buffer: Buffer | null, length: [number]) => number;

function coresOfWindows(): number | undefined {
  const ask = loadKoffi()
    .load('kernel32.dll')
    .func('int GetLogicalProcessorInformation(void *buffer, _Inout_ uint32_t *length)') as AskWindows;
  const length: [number] = [0];
  ask(null, length);
  const buffer = Buffer.alloc(length[0]);
  if (buffer.length === 0 || !ask(buffer, length)) return undefined;
  let found = 0;
  for (let at = 0; at + WINDOWS_ENTRY <= length[0]; at += WINDOWS_ENTRY)
    if (buffer.readUInt32LE(at + WINDOWS_KIND) === WINDOWS_CORE) found++;
  return found > 0 ? found : undefined;
}

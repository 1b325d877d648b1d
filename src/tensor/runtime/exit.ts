import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import type { KoffiModule } from './library';

interface Closable {
  readonly running: number;
  close(): void;
}

const open = new Map<Closable, KoffiModule>();
let listening = false;
/** What nobody caught; Node prints it only after the exit listeners. */
let failure: unknown;

/**
 * Closes a runtime that is still open when the process ends. GPU buffers that outlive their device crash a process that
 * has done its work, and its exit code with it.
 */
export function closeAtExit(runtime: Closable, koffi: KoffiModule): void {
  open.set(runtime, koffi);
  if (listening) return;
  listening = true;
  process.on('uncaughtExceptionMonitor', (error) => (failure = error));
  process.on('exit', (code) => {
    for (const [left, calls] of [...open].reverse()) {
      if (left.running > 0) leave(calls, code); // another thread is on the device: nothing can be freed
      left.close();
    }
  });
}

/** The runtime was closed in time. */
export function closedInTime(runtime: Closable): void {
  open.delete(runtime);
}

/** Ends the process without running the destructors of its libraries. */
function leave(koffi: KoffiModule, code: number): void {
  if (failure !== undefined) writeSync(process.stderr.fd, `${inspect(failure)}\n`);
  const library = koffi.load(process.platform === 'win32' ? 'ucrtbase.dll' : null);
  const exit = library.func('_exit', 'void', ['int']) as (code: number) => void;
  exit(code);
}

import type * as parts from './core';

/** The part of the extension that reads configs and run directories and starts runs. */
export type Core = typeof parts;

let loading: Promise<Core> | undefined;

/**
 * The core, loaded once. The first call gives up its turn: VS Code hears first that the extension is active and which
 * features it has, and only then is code loaded and the schema built.
 */
export function core(): Promise<Core> {
  return (loading ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => import('./core')));
}

import { availableParallelism } from 'node:os';
import { UserError } from '../../config/errors';
import { NativeRuntime } from './native';
import type { Runtime, RuntimeOptions } from './types';

export type {
  Call,
  DType,
  Runtime,
  RuntimeOptions,
  Session,
  SessionOptions,
  Tensor,
  TypedArray,
  ValueInfo,
} from './types';

/**
 * Opens a runtime. Throws a UserError that says why where the asked backend or device is not to be had; without a wish,
 * a native library that does not load gives way to the binding, and `onWarning` hears of it.
 */
export function openRuntime(options: RuntimeOptions = {}): Runtime {
  const threads = options.threads ?? availableParallelism();
  if (!Number.isSafeInteger(threads) || threads < 1) throw new UserError(`A run cannot use ${threads} threads.`);
  const settings = { threads, spinning: options.spinning ?? true, library: options.library };
  return new NativeRuntime(settings);
}

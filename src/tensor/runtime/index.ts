import { UserError, messageOf } from '../../config/errors';
import { BindingRuntime } from './binding';
import { physicalCores } from './cores';
import { devices as allDevices, type DeviceReport } from './devices';
import { NativeRuntime } from './native';
import { WebGpuRuntime } from './webgpu';
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

export { physicalCores } from './cores';
export type { DeviceReport } from './devices';

/**
 * Opens a runtime. Throws a UserError that says why where the asked backend or device is not to be had; without a wish,
 * a native library that does not load gives way to the binding, and `onWarning` hears of it.
 */
export function openRuntime(options: RuntimeOptions = {}): Runtime {
  const { device = 'cpu', backend, library, onWarning } = options;
  const threads = options.threads ?? physicalCores();
  const spinning = options.spinning ?? true;
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new UserError(`A run cannot use ${threads} threads.`, { hint: 'Give a whole number of 1 or more.' });
  }
  if (device === 'webgpu') {
    if (backend === 'binding') throw new UserError('The binding backend runs on the cpu only.', { hint: NATIVE_HINT });
    return new WebGpuRuntime({ threads, spinning, library });
  }
  if (backend === 'binding') return new BindingRuntime(threads, spinning);
  try {
    return new NativeRuntime({ threads, spinning, library });
  } catch (error) {
    if (backend === 'native' || !(error instanceof UserError)) throw error;
    const runtime = new BindingRuntime(threads, spinning);
    onWarning?.(
      `${messageOf(error)} Using onnxruntime-node's own binding instead: it is slower and takes more memory.`,
    );
    return runtime;
  }
}

const NATIVE_HINT = 'Leave the backend out, or set it to native.';

/** Which devices this machine has, and why not where one is missing. */
export function devices(threads = physicalCores()): DeviceReport[] {
  return allDevices(threads);
}

import { UserError, messageOf } from '../../config/errors';
import { NativeRuntime } from './native';
import { WebGpuRuntime } from './webgpu';

/** A device and whether this machine can train on it. */
export interface DeviceReport {
  device: 'cpu' | 'webgpu';
  available: boolean;
  /** What it is, or why it is not there. */
  detail: string;
  /** What to do about it. */
  hint?: string;
}

/** Tries every device. Opens and closes a runtime on each, so it takes a moment. */
export function devices(threads: number): DeviceReport[] {
  const options = { threads, spinning: true };
  return [
    report('cpu', () => new NativeRuntime(options), `${threads} threads`),
    report('webgpu', () => new WebGpuRuntime(options), 'a GPU adapter answers'),
  ];
}

function report(device: 'cpu' | 'webgpu', open: () => NativeRuntime, what: string): DeviceReport {
  try {
    const runtime = open();
    runtime.close();
    return { device, available: true, detail: `${what}, ONNX Runtime ${runtime.version}` };
  } catch (error) {
    const detail = error instanceof UserError ? error.message : messageOf(error);
    const hint = error instanceof UserError ? error.hint : undefined;
    return { device, available: false, detail, ...(hint ? { hint } : {}) };
  }
}

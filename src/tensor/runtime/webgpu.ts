import { UserError, messageOf } from '../../config/errors';
import { arrayOver, bytesOf, checkArray, codeOf, sizeOf } from './dtype';
import { closeAtExit, closedInTime } from './exit';
import { identityModel } from './identity';
import type { Pointer } from './library';
import { NativeRuntime, NativeSession, NativeTensor, type NativeOptions } from './native';
import type { DType, Session, Tensor, TypedArray } from './types';

/**
 * The C API with WebGPU's execution provider. State tensors live in GPU buffers, runs update them in place, and
 * elements cross through Identity graphs. The device is one queue: runs come after one another.
 */
export class WebGpuRuntime extends NativeRuntime {
  override readonly device = 'webgpu';
  protected override readonly provider = 'WebGPU';
  protected override readonly oneAtATime = true;
  /** Carry elements of one type and rank across; made when first needed. */
  readonly #carriers = new Map<string, Session>();
  readonly #allocator: Pointer;

  /** Throws a UserError that says why where there is no GPU. */
  constructor(options: NativeOptions) {
    super(options);
    try {
      this.#allocator = this.#openDevice();
      closeAtExit(this, this.api.library.koffi);
    } catch (error) {
      this.close();
      throw explain(error);
    }
  }

  override stateTensor(dtype: DType, dims: readonly number[], data?: TypedArray): Tensor {
    this.checkOpen();
    const size = sizeOf(dims);
    if (data) checkArray(dtype, size, data, `A ${dtype} tensor of shape [${dims.join(', ')}]`);
    this.#carrier(dtype, dims.length); // refuses a type that the device does not know before memory is taken
    const { api } = this;
    const shape = BigInt64Array.from(dims, BigInt);
    const value = api.get<Pointer>('device tensor', (out) =>
      api.CreateTensorAsOrtValue(this.#allocator, shape, dims.length, codeOf(dtype), out),
    );
    const tensor = new NativeTensor(dtype, dims, null, this, api, value, [this]);
    this.upload(tensor, data ?? this.allocate(dtype, size));
    return tensor;
  }

  protected override dispose(): void {
    closedInTime(this);
    super.dispose();
  }

  protected override upload(tensor: Tensor, data: TypedArray): void {
    if (data.length === 0) return;
    const source = this.hostTensor(tensor.dtype, tensor.dims, data);
    const call = this.#carrier(tensor.dtype, tensor.dims.length).prepare({ x: source }, { y: tensor });
    try {
      call.run();
    } finally {
      call.release();
      source.release();
    }
  }

  protected override async download(tensor: Tensor): Promise<TypedArray> {
    const size = sizeOf(tensor.dims);
    const data = arrayOver(tensor.dtype, new ArrayBuffer(size * bytesOf(tensor.dtype)), 0, size);
    if (size === 0) return data;
    const target = this.hostTensor(tensor.dtype, tensor.dims, data);
    const call = this.#carrier(tensor.dtype, tensor.dims.length).prepare({ x: tensor }, { y: target });
    try {
      await call.runAsync();
    } finally {
      call.release();
      target.release();
    }
    return data;
  }

  #carrier(dtype: DType, rank: number): Session {
    const key = `${dtype} of rank ${rank}`;
    const known = this.#carriers.get(key);
    if (known) return known;
    const session = this.createSession(identityModel(dtype, rank), { label: `copy of ${key}` });
    this.#carriers.set(key, session);
    return session;
  }

  /** The allocator of device buffers belongs to a session; the carrier lives as long as the runtime. */
  #openDevice(): Pointer {
    const { api } = this;
    const session = this.#carrier('float32', 1);
    if (!(session instanceof NativeSession)) throw new Error('The carrier is not a native session.');
    const memory = api.get<Pointer>('WebGPU', (out) => api.CreateMemoryInfo('WebGPU_Buf', 0, 0, 0, out));
    try {
      const allocator = api.get<Pointer>('WebGPU', (out) => api.CreateAllocator(session.pointer, memory, out));
      this.handles.add(this, allocator, (pointer) => api.ReleaseAllocator(pointer), [session]);
      return allocator;
    } finally {
      api.ReleaseMemoryInfo(memory);
    }
  }
}

/** What stands between this machine and WebGPU, as an error that the user can mend. */
function explain(error: unknown): Error {
  const message = messageOf(error);
  if (/No supported adapters|adapter/i.test(message)) {
    return new UserError('The device webgpu is not available: ONNX Runtime found no GPU adapter.', {
      code: 'device-missing',
      hint: `${HINTS[process.platform] ?? 'Install the driver of the GPU.'} Or set device: cpu.`,
      cause: error,
    });
  }
  return new UserError(`The device webgpu is not available: ${message}.`, {
    code: 'device-missing',
    hint: 'Set device: cpu, which needs no driver.',
    cause: error,
  });
}

const HINTS: Partial<Record<NodeJS.Platform, string>> = {
  linux:
    'WebGPU needs a Vulkan driver here (Debian: mesa-vulkan-drivers or the GPU maker’s, and libvulkan1); VK_ICD_FILENAMES names the driver file where it is in an unusual place, and XDG_RUNTIME_DIR must be set.',
  win32: 'WebGPU needs a GPU driver with Direct3D 12 here.',
  darwin: 'WebGPU needs Metal here.',
};

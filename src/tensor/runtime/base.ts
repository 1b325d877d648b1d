import { arrayOver, bytesOf, checkArray, sizeOf } from './dtype';
import type { SessionOwner } from './session';
import { BaseTensor } from './tensor';
import type { DType, Runtime, Session, SessionOptions, Tensor, TypedArray } from './types';

/** What both backends' runtimes share: host tensors, views, and the life of the runtime. */
export abstract class BaseRuntime implements Runtime, SessionOwner {
  abstract readonly backend: 'native' | 'binding';
  abstract readonly device: 'cpu' | 'webgpu';
  abstract readonly version: string;
  abstract readonly threads: number;
  running = 0;
  #closed = false;

  checkOpen(): void {
    if (this.#closed) throw new Error('The runtime is closed.');
  }

  hostTensor(dtype: DType, dims: readonly number[], data?: TypedArray): Tensor {
    this.checkOpen();
    const size = sizeOf(dims);
    const array = data ?? this.allocate(dtype, size);
    checkArray(dtype, size, array, `A ${dtype} tensor of shape [${dims.join(', ')}]`);
    return this.makeTensor(dtype, dims, array);
  }

  view(tensor: Tensor, offsetElements: number, dims: readonly number[]): Tensor {
    const { data, dtype } = this.own(tensor, 'view');
    const size = sizeOf(dims);
    if (!data) throw new Error('view: the tensor lives on a device.');
    if (!Number.isSafeInteger(offsetElements) || offsetElements < 0 || offsetElements + size > data.length) {
      throw new Error(
        `view: ${size} elements from ${offsetElements} on lie outside the tensor [${tensor.dims.join(', ')}].`,
      );
    }
    return this.makeTensor(dtype, dims, data.subarray(offsetElements, offsetElements + size));
  }

  stateTensor(dtype: DType, dims: readonly number[], data?: TypedArray): Tensor {
    return this.hostTensor(dtype, dims, data);
  }

  write(tensor: Tensor, data: TypedArray): void {
    const { dtype, dims, data: target } = this.own(tensor, 'write');
    checkArray(dtype, sizeOf(dims), data, `write to the tensor [${dims.join(', ')}]`);
    if (target) new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes(data));
    else this.upload(tensor, data);
  }

  read(tensor: Tensor): TypedArray | Promise<TypedArray> {
    return this.own(tensor, 'read').data ?? this.download(tensor);
  }

  close(): void {
    if (this.#closed) return;
    if (this.running > 0) throw new Error('The runtime cannot be closed while a run is under way.');
    this.#closed = true;
    this.dispose();
  }

  abstract createSession(model: Uint8Array | string, options?: SessionOptions): Session;
  protected abstract makeTensor(dtype: DType, dims: readonly number[], data: TypedArray): Tensor;
  protected abstract dispose(): void;

  protected upload(_tensor: Tensor, _data: TypedArray): void {
    throw new Error('This runtime has no device.');
  }

  protected download(_tensor: Tensor): Promise<TypedArray> {
    throw new Error('This runtime has no device.');
  }

  /** An array of zeros. */
  protected allocate(dtype: DType, size: number): TypedArray {
    return arrayOver(dtype, new ArrayBuffer(size * bytesOf(dtype)), 0, size);
  }

  /** The tensor, checked to be alive and of this runtime. */
  protected own(tensor: Tensor, what: string): BaseTensor {
    this.checkOpen();
    if (!(tensor instanceof BaseTensor) || tensor.owner !== this) {
      throw new Error(`${what}: this is not a tensor of this runtime.`);
    }
    tensor.check(what);
    return tensor;
  }
}

const bytes = (data: TypedArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

import { bytesOf, sizeOf } from './dtype';
import type { DType, Tensor, TypedArray } from './types';

/** What both backends' tensors share: their state, and the checks that keep misuse away from native code. */
export abstract class BaseTensor implements Tensor {
  readonly dims: readonly number[];
  /** How many asynchronous runs use the tensor now. */
  running = 0;
  readonly #bytes: number;
  #released = false;

  constructor(
    readonly dtype: DType,
    dims: readonly number[],
    readonly data: TypedArray | null,
    readonly owner: object,
  ) {
    this.dims = Object.freeze([...dims]);
    this.#bytes = sizeOf(dims) * bytesOf(dtype);
  }

  get location(): 'host' | 'device' {
    return this.data ? 'host' : 'device';
  }

  get released(): boolean {
    return this.#released;
  }

  /** Throws when native code must not touch the tensor: after a release, or when its array's buffer was transferred or resized. */
  check(what: string): void {
    if (this.#released) throw new Error(`${what}: the tensor [${this.dims.join(', ')}] was released.`);
    if (this.data && this.data.byteLength !== this.#bytes) {
      throw new Error(
        `${what}: the memory of the tensor [${this.dims.join(', ')}] is gone; its buffer was transferred or resized.`,
      );
    }
  }

  release(): void {
    if (this.#released) throw new Error(`The tensor [${this.dims.join(', ')}] was released before.`);
    if (this.running > 0)
      throw new Error(`The tensor [${this.dims.join(', ')}] cannot be released while a run uses it.`);
    this.#released = true;
    this.dispose();
  }

  /** Frees the native side. Called once. */
  protected abstract dispose(): void;
}

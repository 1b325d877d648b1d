import type { Pointer } from './library';

/** Native objects that a runtime made and has not released. */
export class Handles {
  readonly #live = new Set<Handle>();
  /** A net only: an owner that was dropped without a release frees its object when it is collected. */
  readonly #net = new FinalizationRegistry<Handle>((handle) => handle.release());

  /** Registers `pointer` as owned by `owner`; `free` runs once. */
  add(owner: object, pointer: Pointer, free: (pointer: Pointer) => void): Handle {
    const handle = new Handle(pointer, free, this.#live, this.#net);
    this.#net.register(owner, handle, handle);
    return handle;
  }

  get count(): number {
    return this.#live.size;
  }

  /** Frees all that is left. */
  releaseAll(): void {
    for (const handle of [...this.#live]) handle.release();
  }
}

/** One native object, freed once. */
export class Handle {
  constructor(
    readonly pointer: Pointer,
    private readonly free: (pointer: Pointer) => void,
    private readonly live: Set<Handle>,
    private readonly net: FinalizationRegistry<Handle>,
  ) {
    live.add(this);
  }

  /** Frees the object; does nothing when it was freed. */
  release(): void {
    if (!this.live.delete(this)) return;
    this.net.unregister(this);
    this.free(this.pointer);
  }
}

import type { Pointer } from './library';

/** Native objects that a runtime made and has not released. */
export class Handles {
  readonly #live = new Set<Handle>();
  /** A net only: an owner that was dropped without a release frees its object when it is collected. */
  readonly #net = new FinalizationRegistry<Handle>((handle) => handle.release());

  /**
   * Registers `pointer` as owned by `owner`; `free` runs once and must not refer to the owner. `needs` are the owners
   * of native objects that have to outlive this one.
   */
  add(owner: object, pointer: Pointer, free: (pointer: Pointer) => void, needs: readonly object[] = []): Handle {
    const handle = new Handle(pointer, free, needs, this.#live, this.#net);
    this.#net.register(owner, handle, handle);
    return handle;
  }

  get count(): number {
    return this.#live.size;
  }

  /** Frees all that is left, the newest first: what was made from another object goes before it. */
  releaseAll(): void {
    for (const handle of [...this.#live].reverse()) handle.release();
  }
}

/** One native object, freed once. */
export class Handle {
  constructor(
    readonly pointer: Pointer,
    private readonly free: (pointer: Pointer) => void,
    /** Kept from collection as long as this object lives. */
    readonly needs: readonly object[],
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

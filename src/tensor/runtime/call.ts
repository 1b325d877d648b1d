import type { BaseSession } from './session';
import type { BaseTensor } from './tensor';
import type { Call } from './types';

/** The state of a prepared call: what it holds, and whether it may run. Subclasses make the native call. */
export abstract class BaseCall implements Call {
  readonly #tensors: readonly BaseTensor[];
  #state: 'ready' | 'running' | 'released' = 'ready';

  constructor(
    protected readonly session: BaseSession,
    tensors: Iterable<BaseTensor>,
  ) {
    this.#tensors = [...new Set(tensors)];
  }

  run(): void {
    this.#check();
    this.execute();
  }

  async runAsync(): Promise<void> {
    this.#check();
    this.#mark('running', 1);
    try {
      await this.executeAsync();
    } finally {
      this.#mark('ready', -1);
    }
  }

  release(): void {
    if (this.#state === 'running') throw new Error(`${this.session.label}: a call cannot be released while it runs.`);
    if (this.#state === 'released') throw new Error(`${this.session.label}: the call was released before.`);
    this.#state = 'released';
    this.dispose();
  }

  #check(): void {
    const { label } = this.session;
    if (this.#state === 'running') throw new Error(`${label}: the call is running already.`);
    if (this.#state === 'released') throw new Error(`${label}: the call was released.`);
    this.session.check();
    for (const tensor of this.#tensors) tensor.check(label);
  }

  #mark(state: 'ready' | 'running', change: 1 | -1): void {
    this.#state = state;
    this.session.running += change;
    for (const tensor of this.#tensors) tensor.running += change;
  }

  protected abstract execute(): void;
  protected abstract executeAsync(): Promise<void>;
  protected abstract dispose(): void;
}

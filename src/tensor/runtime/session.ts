import { checkSignature } from './signature';
import { BaseTensor } from './tensor';
import type { Call, Session, Tensor, ValueInfo } from './types';

/** What a session asks of the runtime that made it. */
export interface SessionOwner {
  /** Throws when the runtime is closed. */
  checkOpen(): void;
  running: number;
}

/** The state of a session and the checks of `prepare`, for both backends. */
export abstract class BaseSession implements Session {
  abstract readonly inputs: readonly ValueInfo[];
  abstract readonly outputs: readonly ValueInfo[];
  #running = 0;
  #released = false;

  constructor(
    readonly label: string,
    protected readonly owner: SessionOwner,
  ) {}

  /** How many asynchronous runs of this session are under way; the runtime counts them too. */
  get running(): number {
    return this.#running;
  }

  set running(count: number) {
    this.owner.running += count - this.#running;
    this.#running = count;
  }

  /** Throws when the session or its runtime is gone. */
  check(): void {
    this.owner.checkOpen();
    if (this.#released) throw new Error(`${this.label}: the session was released.`);
  }

  prepare(inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>): Call {
    this.check();
    const ins = this.#own(inputs, 'input');
    const outs = this.#own(outputs, 'output');
    checkSignature(this.label, this, ins, outs);
    return this.bind(ins, outs);
  }

  release(): void {
    if (this.#released) throw new Error(`${this.label}: the session was released before.`);
    if (this.#running > 0) throw new Error(`${this.label}: the session cannot be released while a call runs.`);
    this.#released = true;
    this.dispose();
  }

  abstract endProfiling(): string;
  protected abstract bind(inputs: ReadonlyMap<string, BaseTensor>, outputs: ReadonlyMap<string, BaseTensor>): Call;
  protected abstract dispose(): void;

  #own(tensors: Readonly<Record<string, Tensor>>, side: string): Map<string, BaseTensor> {
    const own = new Map<string, BaseTensor>();
    for (const [name, tensor] of Object.entries(tensors)) {
      if (!(tensor instanceof BaseTensor) || tensor.owner !== this.owner) {
        throw new Error(`${this.label}: the ${side} ${name} is not a tensor of this runtime.`);
      }
      tensor.check(`${this.label}: ${side} ${name}`);
      own.set(name, tensor);
    }
    return own;
  }
}

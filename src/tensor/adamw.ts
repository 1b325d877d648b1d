import { setImmediate } from 'node:timers/promises';
import { Graph } from './graph';
import { type AdamWSettings, type UpdateScalars, adamWUpdate, updateScalars } from './optimizer';
import { Program } from './program';
import type { Call, Runtime, Tensor } from './runtime';

/** One parameter, its gradient, and its running averages. */
interface Slot {
  weight: Tensor;
  gradient: Tensor;
  m: Tensor;
  v: Tensor;
}

/**
 * How many numbers are updated at a time on the CPU. The update passes over its tensors a dozen times; a part of this
 * size stays in the processor's cache, where a whole matrix would cross the memory bus at each pass.
 */
const PART = 1 << 18;
/** Milliseconds after which the event loop gets its turn. */
const TURN = 25;

/**
 * AdamW over tensors that it updates in place. Matrices decay; norms and biases do not. Each tensor is a program of its
 * own, so the gradients are complete, and their norm known, before the first number is written.
 */
export class AdamW {
  /** Steps taken. */
  steps = 0;
  readonly slots = new Map<string, Slot>();
  private readonly programs = new Map<string, Program>();
  private readonly scalars: Record<keyof UpdateScalars, Tensor>;
  private readonly views: Tensor[] = [];
  private calls: Call[] | undefined;

  constructor(
    private readonly runtime: Runtime,
    parameters: ReadonlyMap<string, Tensor>,
    private readonly settings: AdamWSettings,
  ) {
    for (const [name, weight] of parameters) {
      const like = (): Tensor => runtime.stateTensor('float32', weight.dims);
      this.slots.set(name, { weight, gradient: like(), m: like(), v: like() });
    }
    const scalar = (): Tensor => runtime.hostTensor('float32', []);
    this.scalars = {
      keep1: scalar(),
      take1: scalar(),
      keep2: scalar(),
      take2: scalar(),
      rate: scalar(),
      floor: scalar(),
      decay: scalar(),
    };
  }

  /** Applies the gradients, whose global norm is `norm`. Where that is not finite nothing is written: false. */
  async step(learningRate: number, norm: number): Promise<boolean> {
    if (!Number.isFinite(norm)) return false;
    const values = Object.entries(updateScalars(this.settings, this.steps + 1, learningRate, norm));
    for (const [name, value] of values)
      this.runtime.write(this.scalars[name as keyof UpdateScalars], Float32Array.of(value));
    this.calls ??= [...this.slots.values()].flatMap((slot) => this.prepare(slot));
    let turn = performance.now();
    for (const call of this.calls) {
      call.run();
      if (performance.now() - turn < TURN) continue;
      await setImmediate();
      turn = performance.now();
    }
    this.steps++;
    return true;
  }

  private program(rank: number, decays: boolean): Program {
    const key = `${rank} ${decays}`;
    let program = this.programs.get(key);
    if (!program) {
      const shape = Array.from({ length: rank }, (_, i) => `n${i}`);
      program = Program.compile(this.runtime, 'update', { ...adamWUpdate(new Graph(), shape, decays) });
      this.programs.set(key, program);
    }
    return program;
  }

  /** The calls that update one parameter: on the host part by part, on a device at once, for it has no views. */
  private prepare({ weight, gradient, m, v }: Slot): Call[] {
    const tensors = { w: weight, m, v, g: gradient };
    const decays = weight.dims.length > 1 && this.settings.weightDecay > 0;
    const call = (parts: typeof tensors): Call => {
      const { g: _, ...written } = parts;
      return this.program(parts.w.dims.length, decays).prepare({ ...parts, ...this.scalars }, written);
    };
    if (weight.location === 'device') return [call(tensors)];
    const size = weight.dims.reduce((a, b) => a * b, 1);
    return Array.from({ length: Math.ceil(size / PART) }, (_, i) => {
      const view = (tensor: Tensor): Tensor => {
        const part = this.runtime.view(tensor, i * PART, [Math.min(PART, size - i * PART)]);
        this.views.push(part);
        return part;
      };
      return call({ w: view(weight), m: view(m), v: view(v), g: view(gradient) });
    });
  }

  release(): void {
    for (const call of this.calls ?? []) call.release();
    for (const program of this.programs.values()) program.release();
    for (const { gradient, m, v } of this.slots.values()) for (const tensor of [gradient, m, v]) tensor.release();
    for (const tensor of [...this.views, ...Object.values(this.scalars)]) tensor.release();
  }
}

import { Graph, type Value } from '../../tensor/graph';
import { gradients } from '../../tensor/autodiff';
import { AdamW } from '../../tensor/adamw';
import { type AdamWSettings, globalNorm } from '../../tensor/optimizer';
import { add } from '../../tensor/ops';
import { Program } from '../../tensor/program';
import type { Call, DType, Runtime, SessionOptions, Tensor } from '../../tensor/runtime';

/** What a stage optimises: a scalar loss, and scalars to be summed over the micro-batches of a step. */
export interface Objective {
  loss: Value;
  sums: Readonly<Record<string, Value>>;
  /** Scalars of which the largest over the micro-batches counts. */
  peaks?: Readonly<Record<string, Value>>;
}
/** One input of a batch. */
export interface BatchArray {
  dims: readonly number[];
  data: Int32Array | Float32Array;
}
/** One micro-batch: the graph's batch inputs by name. Sizes may differ from call to call. */
export type MicroBatch = Readonly<Record<string, BatchArray>>;
export interface StepResult {
  /** Global norm of the gradients before clipping. */
  gradNorm: number;
  sums: Record<string, number>;
}

/** Prepared calls kept for sizes seen lately. */
const KEPT_CALLS = 48;

/** The calls of a program, one for each size of batch. */
class Batched {
  private readonly calls = new Map<string, { call: Call; batch: Record<string, Tensor> }>();
  constructor(
    private readonly runtime: Runtime,
    private readonly program: Program,
    private readonly fixed: Readonly<Record<string, Tensor>>,
    private readonly outputs: Readonly<Record<string, Tensor>>,
  ) {}

  async run(batch: MicroBatch): Promise<void> {
    const key = Object.entries(batch)
      .map(([name, { dims }]) => `${name}:${dims.join('x')}`)
      .join();
    let entry = this.calls.get(key);
    if (entry) this.calls.delete(key);
    else {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { dims, data }] of Object.entries(batch)) {
        const dtype: DType = data instanceof Int32Array ? 'int32' : 'float32';
        tensors[name] = this.runtime.hostTensor(dtype, dims);
      }
      entry = { call: this.program.prepare({ ...this.fixed, ...tensors }, this.outputs), batch: tensors };
      if (this.calls.size >= KEPT_CALLS) this.forget(this.calls.keys().next().value ?? '');
    }
    this.calls.set(key, entry);
    for (const [name, { data }] of Object.entries(batch)) this.runtime.write(entry.batch[name], data);
    await entry.call.runAsync();
  }

  private forget(key: string): void {
    const entry = this.calls.get(key);
    entry?.call.release();
    for (const tensor of Object.values(entry?.batch ?? {})) tensor.release();
    this.calls.delete(key);
  }

  release(): void {
    for (const key of [...this.calls.keys()]) this.forget(key);
  }
}

export interface LearnerOptions {
  /** What the objective reads beside the batch, by name: weights and tables. */
  inputs: Readonly<Record<string, Tensor>>;
  /** The names of those that learn; the others are held fixed. */
  trainable: readonly string[];
  objective: (graph: Graph) => Objective;
  optimizer: AdamWSettings;
  /** A learner of the same objective over tensors of the same shapes: what it compiled serves both. It is released last. */
  like?: Learner;
  /** For measurements: a profile, another level of optimisation. */
  session?: SessionOptions;
}

/** Without gradients; with gradients in place of the last ones; with gradients added to the last ones. */
type Kind = 'evaluate' | 'gradients' | 'accumulate';

interface Compiled {
  program: Program;
  /** The names of its outputs but for gradients. */
  numbers: readonly string[];
  peaks: readonly string[];
}

const gradientOf = (name: string): string => `gradient.${name}`;

/**
 * Everything that is compiled for a stage that trains: a pass without gradients, one that writes them, and for a batch in
 * parts one that adds them up; then the optimizer. All read and update the same tensors in place.
 */
export class Learner {
  readonly optimizer: AdamW;
  private readonly compiled: Map<Kind, Compiled>;
  private readonly programs = new Map<Kind, Batched>();
  private readonly results: Record<string, Tensor> = {};
  private peaks: readonly string[] = [];

  constructor(
    private readonly runtime: Runtime,
    private readonly options: LearnerOptions,
  ) {
    const parameters = new Map(
      options.trainable.map((name) => {
        const tensor = options.inputs[name];
        if (!tensor) throw new Error(`the model has no ${name}`);
        return [name, tensor];
      }),
    );
    this.optimizer = new AdamW(runtime, parameters, options.optimizer);
    this.compiled = options.like?.compiled ?? new Map<Kind, Compiled>();
  }

  private result(name: string): Tensor {
    return (this.results[name] ??= this.runtime.hostTensor('float32', []));
  }

  private program(kind: Kind): Batched {
    const known = this.programs.get(kind);
    if (known) return known;
    const { program, numbers, peaks } = this.compile(kind);
    this.peaks = peaks;
    const fixed = { ...this.options.inputs };
    const written: Record<string, Tensor> = {};
    if (kind !== 'evaluate')
      for (const [name, { gradient }] of this.optimizer.slots)
        fixed[gradientOf(name)] = written[gradientOf(name)] = gradient;
    for (const name of numbers) written[name] = this.result(name);
    const batched = new Batched(this.runtime, program, fixed, written);
    this.programs.set(kind, batched);
    return batched;
  }

  private compile(kind: Kind): Compiled {
    const known = this.compiled.get(kind);
    if (known) return known;
    const graph = new Graph();
    const { loss, sums, peaks = {} } = this.options.objective(graph);
    const outputs: Record<string, Value> = {};
    const numbers: Record<string, Value> = {};
    if (kind !== 'evaluate') {
      const names = [...this.optimizer.slots.keys()];
      const found = gradients(
        loss,
        names.map((name) => graph.input(name, 'float32', this.options.inputs[name].dims)),
      );
      const totals = names.map((name, i) => {
        const key = gradientOf(name);
        const total = kind === 'gradients' ? found[i] : add(graph.input(key, 'float32', found[i].shape), found[i]);
        outputs[key] = total;
        return total;
      });
      numbers.grad_norm = globalNorm(totals);
    }
    // the runtime works backwards from the last output: the numbers first, so that logits need not outlive them
    Object.assign(numbers, sums, peaks, { loss });
    const program = Program.compile(this.runtime, kind, { ...outputs, ...numbers }, this.options.session);
    const compiled = { program, numbers: Object.keys(numbers), peaks: Object.keys(peaks) };
    this.compiled.set(kind, compiled);
    return compiled;
  }

  private take(total: Record<string, number>): void {
    for (const [name, tensor] of Object.entries(this.results)) {
      if (name === 'grad_norm') continue;
      const [value] = tensor.data as Float32Array;
      total[name] = this.peaks.includes(name) ? Math.max(total[name] ?? -Infinity, value) : (total[name] ?? 0) + value;
    }
  }

  /**
   * One optimizer step over all micro-batches together. Nothing is written where the norm of the gradients is not
   * finite; the caller sees it in `gradNorm`.
   */
  async step(batch: readonly MicroBatch[], learningRate: number): Promise<StepResult> {
    const sums: Record<string, number> = {};
    for (const [i, part] of batch.entries()) {
      await this.program(i === 0 ? 'gradients' : 'accumulate').run(part);
      this.take(sums);
    }
    const gradNorm = (this.result('grad_norm').data as Float32Array)[0];
    await this.optimizer.step(learningRate, gradNorm);
    return { gradNorm, sums };
  }

  /** The sums of one batch without learning. */
  async evaluate(batch: MicroBatch): Promise<Record<string, number>> {
    await this.program('evaluate').run(batch);
    const sums: Record<string, number> = {};
    this.take(sums);
    return sums;
  }

  release(): void {
    for (const program of this.programs.values()) program.release();
    if (!this.options.like) for (const { program } of this.compiled.values()) program.release();
    this.optimizer.release();
    for (const tensor of Object.values(this.results)) tensor.release();
  }
}

import { Graph, type Value } from '../tensor/graph';
import { gradients } from '../tensor/autodiff';
import { type AdamWSettings, adamW, stepScalars } from '../tensor/optimizer';
import { add } from '../tensor/ops';
import { Program } from '../tensor/program';
import type { Call, DType, Runtime, SessionOptions, Tensor } from '../tensor/runtime';
import { type LlamaWeights, declareWeights } from '../models/llama';
import type { ModelWeights } from '../models/weights';

/** What a stage optimises: a scalar loss, and scalars to be summed over the micro-batches of a step. */
export interface Objective {
  loss: Value;
  sums: Readonly<Record<string, Value>>;
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

/** A program with its calls, one for each size of batch. */
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
    this.program.release();
  }
}

export interface LearnerOptions {
  /** The names of the parameters that learn; the others are held fixed. */
  trainable: readonly string[];
  objective: (graph: Graph, weights: LlamaWeights) => Objective;
  optimizer: AdamWSettings;
  /** For measurements: a profile, another level of optimisation. */
  session?: SessionOptions;
}

type Kind = 'evaluate' | 'step' | 'accumulate' | 'apply';
/** A program on its way: what it computes, what it always reads, and where it writes. */
interface Built {
  outputs: Record<string, Value>;
  fixed: Record<string, Tensor>;
  written: Record<string, Tensor>;
}

/**
 * Everything that is compiled for a stage that trains: one step over a whole batch; for a batch in parts, a pass that
 * adds up gradients and one that applies them; and a pass without gradients. All update the same tensors in place.
 */
export class Learner {
  /** Optimizer steps taken. */
  steps = 0;
  readonly moments = new Map<string, { m: Tensor; v: Tensor }>();
  private readonly programs = new Map<Kind, Batched>();
  private accumulators: Record<string, Tensor> | undefined;
  private readonly scalars: Record<string, Tensor>;
  private readonly results: Record<string, Tensor> = {};

  constructor(
    private readonly runtime: Runtime,
    private readonly weights: ModelWeights,
    private readonly options: LearnerOptions,
  ) {
    for (const name of options.trainable) {
      const { dims } = this.parameter(name);
      this.moments.set(name, { m: runtime.stateTensor('float32', dims), v: runtime.stateTensor('float32', dims) });
    }
    const scalar = (): Tensor => runtime.hostTensor('float32', []);
    this.scalars = { learning_rate: scalar(), bias_correction1: scalar(), bias_correction2: scalar() };
  }

  private parameter(name: string): Tensor {
    const tensor = this.weights.parameters.get(name);
    if (!tensor) throw new Error(`the model has no ${name}`);
    return tensor;
  }

  private result(name: string): Tensor {
    return (this.results[name] ??= this.runtime.hostTensor('float32', []));
  }
  private resultsOf(names: readonly string[]): Record<string, Tensor> {
    return Object.fromEntries(names.map((name) => [name, this.result(name)]));
  }

  /** Where `w.…`, `m.…`, `v.…` are written: over the tensors they are read from. */
  private stateOutputs(): Record<string, Tensor> {
    const state: Record<string, Tensor> = {};
    for (const [name, { m, v }] of this.moments)
      Object.assign(state, { [`w.${name}`]: this.parameter(name), [`m.${name}`]: m, [`v.${name}`]: v });
    return state;
  }
  private stateInputs(): Record<string, Tensor> {
    const state: Record<string, Tensor> = { ...this.scalars };
    for (const [name, { m, v }] of this.moments) Object.assign(state, { [`m.${name}`]: m, [`v.${name}`]: v });
    return state;
  }

  private program(kind: Kind): Batched {
    const known = this.programs.get(kind);
    if (known) return known;
    const graph = new Graph();
    const w = declareWeights(graph, this.weights.config, this.weights.positions);
    const built: Built = { outputs: {}, fixed: { ...this.weights.inputs }, written: {} };
    if (kind === 'apply') {
      Object.assign(built.fixed, this.sums());
      this.update(built, graph, w, (name) => graph.input(`sum.${name}`, 'float32', w.get(name).shape));
    } else {
      const { loss, sums } = this.options.objective(graph, w);
      Object.assign(built.outputs, sums, { loss });
      Object.assign(built.written, this.resultsOf([...Object.keys(sums), 'loss']));
      if (kind !== 'evaluate') this.learn(kind, built, graph, w, loss);
    }
    const program = Program.compile(this.runtime, kind, built.outputs, this.options.session);
    const batched = new Batched(this.runtime, program, built.fixed, built.written);
    this.programs.set(kind, batched);
    return batched;
  }

  /** The gradients of the loss: applied at once, or added to the sums. */
  private learn(kind: 'step' | 'accumulate', built: Built, graph: Graph, w: LlamaWeights, loss: Value): void {
    const { trainable } = this.options;
    const found = gradients(
      loss,
      trainable.map((name) => w.get(name)),
    );
    if (kind === 'step') return this.update(built, graph, w, (_, i) => found[i]);
    const sums = this.sums();
    trainable.forEach((name, i) => {
      const key = `sum.${name}`;
      built.outputs[key] = add(graph.input(key, 'float32', found[i].shape), found[i]);
    });
    Object.assign(built.fixed, sums);
    Object.assign(built.written, sums);
  }

  /** The optimizer's step, from each parameter's gradient. */
  private update(built: Built, graph: Graph, w: LlamaWeights, gradient: (name: string, i: number) => Value): void {
    const trained = this.options.trainable.map((name, i) => {
      const weight = w.get(name);
      return { name, weight, gradient: gradient(name, i), decays: weight.rank > 1 };
    });
    const { norm, updates } = adamW(graph, trained, this.options.optimizer, stepScalars(graph));
    Object.assign(built.outputs, updates, { grad_norm: norm });
    Object.assign(built.fixed, this.stateInputs());
    Object.assign(built.written, this.stateOutputs(), this.resultsOf(['grad_norm']));
  }

  /** Where gradients of a step in parts add up. */
  private sums(): Record<string, Tensor> {
    return (this.accumulators ??= Object.fromEntries(
      this.options.trainable.map((name) => [
        `sum.${name}`,
        this.runtime.stateTensor('float32', this.parameter(name).dims),
      ]),
    ));
  }

  /** Zeros, on the host without an array of them. */
  private clear(tensor: Tensor): void {
    if (tensor.data instanceof Float32Array) tensor.data.fill(0);
    else this.runtime.write(tensor, new Float32Array(tensor.dims.reduce((a, b) => a * b, 1)));
  }

  private take(total: Record<string, number>): void {
    for (const [name, tensor] of Object.entries(this.results)) {
      if (name !== 'grad_norm') total[name] = (total[name] ?? 0) + (tensor.data as Float32Array)[0];
    }
  }

  /**
   * One optimizer step over all micro-batches together. Nothing is written where the norm of the gradients is not
   * finite; the caller sees it in `gradNorm`.
   */
  async step(batch: readonly MicroBatch[], learningRate: number): Promise<StepResult> {
    const { beta1, beta2 } = this.options.optimizer;
    const t = this.steps + 1;
    const feed = { learning_rate: learningRate, bias_correction1: 1 - beta1 ** t, bias_correction2: 1 - beta2 ** t };
    for (const [name, value] of Object.entries(feed)) this.runtime.write(this.scalars[name], Float32Array.of(value));
    const sums: Record<string, number> = {};
    if (batch.length === 1) {
      await this.program('step').run(batch[0]);
      this.take(sums);
    } else {
      for (const tensor of Object.values(this.sums())) this.clear(tensor);
      for (const part of batch) {
        await this.program('accumulate').run(part);
        this.take(sums);
      }
      await this.program('apply').run({});
    }
    const gradNorm = (this.result('grad_norm').data as Float32Array)[0];
    if (Number.isFinite(gradNorm)) this.steps = t;
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
    for (const { m, v } of this.moments.values()) {
      m.release();
      v.release();
    }
    for (const tensor of [
      ...Object.values(this.scalars),
      ...Object.values(this.results),
      ...Object.values(this.accumulators ?? {}),
    ])
      tensor.release();
  }
}

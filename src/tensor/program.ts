import { type Bindings, evaluate, showShape } from './dims';
import { Emitter, outputName } from './emit';
import type { Value } from './graph';
import type { Call, Runtime, Session, SessionOptions, Tensor, TypedArray } from './runtime';

export interface ProgramOptions extends SessionOptions {
  /**
   * The values of inputs that stay as they are as long as the program. They become part of it instead of inputs, copied,
   * and its kernels lay them out as they like them best, once.
   */
  constants?: ReadonlyMap<string, TypedArray>;
}

/** A compiled graph: named inputs, named outputs, one session for all sizes of its symbolic dimensions. */
export class Program {
  private constructor(
    private readonly runtime: Runtime,
    readonly session: Session,
    readonly inputs: ReadonlyMap<string, Value>,
    readonly outputs: ReadonlyMap<string, Value>,
    private readonly shapeInputs: ReadonlyMap<string, readonly (number | string)[]>,
  ) {}

  static compile(
    runtime: Runtime,
    label: string,
    outputs: Readonly<Record<string, Value>>,
    { constants, ...options }: ProgramOptions = {},
  ): Program {
    const { model, inputs, shapeInputs } = new Emitter(runtime.device).emit(label, outputs, constants);
    const session = runtime.createSession(model, { label, ...options });
    return new Program(
      runtime,
      session,
      new Map(inputs.map((v) => [v.label, v])),
      new Map(Object.entries(outputs)),
      shapeInputs,
    );
  }

  /** The values of the symbolic dimensions that these tensors imply. */
  bindings(inputs: Readonly<Record<string, Tensor>>): Bindings {
    const bindings: Record<string, number> = {};
    for (const [name, value] of this.inputs) {
      const tensor = inputs[name];
      if (!tensor) throw new Error(`${this.session.label}: no tensor for input ${name}`);
      value.shape.forEach((dim, i) => {
        if (typeof dim === 'string' && !dim.includes('*')) bindings[dim] ??= tensor.dims[i];
      });
    }
    for (const [name, value] of this.inputs) {
      const { dims } = inputs[name];
      if (dims.length !== value.rank || value.shape.some((dim, i) => evaluate(dim, bindings) !== dims[i]))
        throw new Error(`${this.session.label}: input ${String(value)} got ${showShape(dims)}`);
    }
    return bindings;
  }

  /**
   * Binds tensors by name; inputs that the program does not read are left out. The same tensor as input and output is
   * updated in place.
   */
  prepare(inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>): Call {
    const bindings = this.bindings(inputs);
    const feeds: Record<string, Tensor> = {};
    for (const name of this.inputs.keys()) feeds[name] = inputs[name];
    const shapes = [...this.shapeInputs].map(([name, shape]) => {
      const numbers = BigInt64Array.from(shape, (dim) => BigInt(evaluate(dim, bindings)));
      return (feeds[name] = this.runtime.hostTensor('int64', [shape.length], numbers));
    });
    const results = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [outputName(name), tensor]));
    const call = this.session.prepare(feeds, results);
    return {
      run: () => call.run(),
      runAsync: () => call.runAsync(),
      release: () => {
        call.release();
        for (const shape of shapes) shape.release();
      },
    };
  }

  /**
   * One call whose batch lives no longer than it: `batch` becomes tensors beside `fixed`, and of the outputs (float32)
   * one is read.
   */
  async once(
    fixed: Readonly<Record<string, Tensor>>,
    batch: Readonly<Record<string, { dims: readonly number[]; data: Int32Array | Float32Array }>>,
    output: string,
  ): Promise<Float32Array> {
    const { runtime } = this;
    const inputs = { ...fixed };
    const own: Tensor[] = [];
    const take = (dtype: 'int32' | 'float32', dims: readonly number[], data?: Int32Array | Float32Array): Tensor => {
      const tensor = runtime.hostTensor(dtype, dims, data);
      own.push(tensor);
      return tensor;
    };
    try {
      for (const [name, { dims, data }] of Object.entries(batch))
        inputs[name] = take(data instanceof Int32Array ? 'int32' : 'float32', dims, data);
      const result = take('float32', this.outputDims(output, this.bindings(inputs)));
      const call = this.prepare(inputs, { [output]: result });
      try {
        await call.runAsync();
      } finally {
        call.release();
      }
      return (await runtime.read(result)) as Float32Array;
    } finally {
      for (const tensor of own) tensor.release();
    }
  }

  /** The size of an output under the sizes of the given inputs. */
  outputDims(name: string, bindings: Bindings): number[] {
    const value = this.outputs.get(name);
    if (!value) throw new Error(`${this.session.label} has no output ${name}`);
    return value.shape.map((dim) => evaluate(dim, bindings));
  }

  release(): void {
    this.session.release();
  }
}

import type { Random } from '../data/random';
import type { Graph, Value } from '../tensor/graph';
import { add, linear, mul, reshape, tanh } from '../tensor/ops';
import type { Runtime, Tensor } from '../tensor/runtime';
import type { Head } from './generate';

/**
 * Factor of the head's output. Under Adam every weight moves by the learning rate whatever its gradient, so values that
 * start at 0 move this much faster than under the policy's rate alone; small policies want rates that are too small for
 * a fresh head.
 */
const GAIN = 10;

/**
 * V of a hidden state: 10·(w·tanh(W h + b) + c), from hidden [rows, hidden] to [rows]. The last layer starts at 0, so
 * that all values do, until `begin` says better.
 */
export class ValueHead implements Head {
  readonly tensors: ReadonlyMap<string, Tensor>;

  constructor(
    private readonly runtime: Runtime,
    hiddenSize: number,
    random: Random,
  ) {
    const matrix = Float32Array.from({ length: hiddenSize ** 2 }, () => random.normal() / Math.sqrt(hiddenSize));
    const zeros = (dims: readonly number[]): Tensor =>
      runtime.stateTensor('float32', dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
    this.tensors = new Map([
      ['value.dense.weight', runtime.stateTensor('float32', [hiddenSize, hiddenSize], matrix)],
      ['value.dense.bias', zeros([hiddenSize])],
      ['value.out.weight', zeros([1, hiddenSize])],
      ['value.out.bias', zeros([1])],
    ]);
  }

  get inputs(): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(this.tensors);
  }

  readonly read = (graph: Graph, hidden: Value): Value => {
    const size = hidden.dim(1);
    const weight = (name: string, shape: readonly (typeof size)[]): Value =>
      graph.input(`value.${name}`, 'float32', shape);
    const inner = tanh(add(linear(hidden, weight('dense.weight', [size, size])), weight('dense.bias', [size])));
    const out = add(linear(inner, weight('out.weight', [1, size])), weight('out.bias', [1]));
    return reshape(mul(out, GAIN), [hidden.dim(0)]);
  };

  /** Makes the values of a fresh head, which are 0, this number. */
  begin(value: number): void {
    const bias = this.tensors.get('value.out.bias');
    if (bias) this.runtime.write(bias, Float32Array.of(value / GAIN));
  }

  release(): void {
    for (const tensor of this.tensors.values()) tensor.release();
  }
}

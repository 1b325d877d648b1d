import { type Dim, type Shape, sameShape, showShape } from './dims';
import type { Emitter } from './emit';

export type DType = 'float32' | 'int32' | 'int64' | 'bool';
export type Attributes = Readonly<Record<string, number | string | boolean | readonly (number | string)[]>>;
export interface Type {
  readonly dtype: DType;
  readonly shape: Shape;
}

/**
 * One primitive: its shape rule, its ONNX emission and its vector-Jacobian product, in one place.
 *
 * `vjp` gets the gradient of each output (undefined where none flows) and returns the gradient of each input (undefined
 * where none flows). With `lazy`, `dy` may have ones where the output is longer (its value is the same all along); other
 * operations get it at full size.
 */
export interface Op {
  readonly name: string;
  readonly types: (inputs: readonly Value[], attributes: Attributes) => readonly Type[];
  readonly emit: (emitter: Emitter, node: Node) => void;
  readonly vjp?: (dys: readonly (Value | undefined)[], node: Node) => readonly (Value | undefined)[];
  readonly lazy?: boolean;
  /**
   * The first output once more, for the gradients of what it goes into: where it is cheaper to compute it again than to
   * keep it from the forward pass to the backward pass.
   */
  readonly again?: (node: Node) => Value;
}

export interface Node {
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

/** One tensor of a graph: an output of a node. */
export class Value {
  constructor(
    readonly graph: Graph,
    readonly node: Node,
    readonly index: number,
    readonly dtype: DType,
    readonly shape: Shape,
    public label: string,
  ) {}

  toString(): string {
    return `${this.label} ${this.dtype} ${showShape(this.shape)}`;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The dimension at an axis, counted from the end where negative. */
  dim(axis: number): Dim {
    const dim = this.shape[axis < 0 ? axis + this.rank : axis];
    if (dim === undefined) throw new ShapeError('dim', [this], `no axis ${axis}`);
    return dim;
  }
}

/** A shape rule was broken; the message names the operation, its operands and their shapes. */
export class ShapeError extends Error {
  constructor(op: string, operands: readonly Value[], problem: string) {
    super(`${op}(${operands.map(String).join(', ')}): ${problem}`);
    this.name = 'ShapeError';
  }
}

/**
 * A graph under construction. Equal operations on equal inputs are one node (common subexpressions are shared as they
 * are built), and what no output needs is never emitted.
 */
export class Graph {
  readonly inputs = new Map<string, Value>();
  readonly constants = new Map<Node, Float32Array | Int32Array>();
  private readonly known = new Map<string, Node>();
  private count = 0;

  /** A tensor that the caller gives at every call: a batch, a weight, a scalar such as the learning rate. */
  input(name: string, dtype: DType, shape: Shape): Value {
    const existing = this.inputs.get(name);
    if (existing) {
      if (existing.dtype !== dtype || !sameShape(existing.shape, shape))
        throw new ShapeError('input', [existing], `was declared before; now ${dtype} ${showShape(shape)}`);
      return existing;
    }
    const value = this.add(INPUT, [], { name }, [{ dtype, shape }]).outputs[0];
    value.label = name;
    this.inputs.set(name, value);
    return value;
  }

  /** A tensor stored in the graph. */
  constant(
    data: Float32Array | Int32Array | readonly number[],
    shape: readonly number[],
    dtype: 'float32' | 'int32' = 'float32',
  ): Value {
    const array = dtype === 'float32' ? Float32Array.from(data) : Int32Array.from(data);
    const size = shape.reduce((a, b) => a * b, 1);
    if (array.length !== size) throw new Error(`a constant of shape ${showShape(shape)} has ${array.length} values`);
    const node = this.add(CONSTANT, [], { key: size <= 64 ? array.join() : `#${this.count}` }, [{ dtype, shape }]);
    this.constants.set(node, array);
    return node.outputs[0];
  }

  scalar(x: number): Value {
    return this.constant([x], []);
  }

  apply(op: Op, inputs: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    for (const input of inputs)
      if (input.graph !== this) throw new ShapeError(op.name, inputs, 'operands are of different graphs');
    return this.add(op, inputs, attributes, op.types(inputs, attributes)).outputs;
  }

  private add(op: Op, inputs: readonly Value[], attributes: Attributes, types: readonly Type[]): Node {
    const key = `${op.name}|${inputs.map((v) => `${v.node.id}.${v.index}`).join()}|${JSON.stringify(attributes)}|${types.map((t) => t.dtype + t.shape.join()).join(';')}`;
    const existing = this.known.get(key);
    if (existing) return existing;
    const outputs: Value[] = [];
    const node: Node = { id: this.count++, op, inputs, attributes, outputs };
    types.forEach((type, i) => outputs.push(new Value(this, node, i, type.dtype, type.shape, `${op.name}#${node.id}`)));
    this.known.set(key, node);
    return node;
  }
}

/** Leaves are known to the emitter by these operations; they emit nothing of their own. */
export const INPUT: Op = { name: 'input', types: () => [], emit: () => undefined };
export const CONSTANT: Op = { name: 'constant', types: () => [], emit: (emitter, node) => emitter.initializer(node) };

/** The number that a constant scalar holds, for rewrites. */
export function scalarOf(value: Value): number | undefined {
  const data = value.node.op === CONSTANT ? value.graph.constants.get(value.node) : undefined;
  return data?.length === 1 && value.rank === 0 ? data[0] : undefined;
}

/** The nodes that the given values need, inputs before users. */
export function topological(values: readonly Value[]): Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  for (const value of values) {
    stack.push({ node: value.node, next: 0 });
    while (stack.length) {
      const top = stack[stack.length - 1];
      if (done.has(top.node)) {
        stack.pop();
      } else if (top.next < top.node.inputs.length) {
        const input = top.node.inputs[top.next++].node;
        if (!done.has(input)) stack.push({ node: input, next: 0 });
      } else {
        done.add(top.node);
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

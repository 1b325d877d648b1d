import { type Shape, isStatic, productOf } from './dims';
import { type Node, type Value, INPUT, topological } from './graph';
import type { TypedArray } from './runtime';
import { type OnnxAttribute, type OnnxNode, type OnnxTensor, type OnnxValue, encodeModel } from './onnx';

export type Target = 'cpu' | 'webgpu';
type Attrs = Readonly<Record<string, OnnxAttribute>>;
const MICROSOFT = 'com.microsoft';

/** Outputs may bear the names of inputs (what is updated in place does); in ONNX they may not. */
export const outputName = (name: string): string => `out:${name}`;

export interface Emitted {
  model: Uint8Array;
  inputs: readonly Value[];
  /** Shapes that depend on symbolic dimensions: int64 inputs that the program fills in, by name. */
  shapeInputs: ReadonlyMap<string, Shape>;
}

/**
 * Writes a graph as an ONNX model. All that differs between devices is here: which kernels a device has, and how an
 * operation is spelled where it lacks one.
 */
export class Emitter {
  private readonly names = new Map<Value, string>();
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxTensor>();
  private readonly shapes = new Map<string, Shape>();
  private readonly values: OnnxValue[] = [];
  private count = 0;

  constructor(readonly target: Target) {}

  /** `constants`: the values of inputs that stay as they are; they become part of the model. */
  emit(
    name: string,
    outputs: Readonly<Record<string, Value>>,
    constants: ReadonlyMap<string, TypedArray> = new Map(),
  ): Emitted {
    const order = topological(Object.values(outputs));
    const inputs: Value[] = [];
    for (const input of order.filter((node) => node.op === INPUT).map((node) => node.outputs[0])) {
      this.names.set(input, input.label);
      const data = constants.get(input.label);
      if (data && isStatic(input.shape)) this.store({ dtype: input.dtype, dims: input.shape, data }, input.label);
      else inputs.push(input);
    }
    // an output is named where it is made; copies are for what has a name already
    for (const [output, value] of Object.entries(outputs))
      if (!this.names.has(value)) this.names.set(value, outputName(output));
    for (const node of order) if (node.op !== INPUT) node.op.emit(this, node);
    for (const [output, value] of Object.entries(outputs))
      if (this.name(value) !== outputName(output)) this.push('Identity', [this.name(value)], [outputName(output)]);
    const model = encodeModel({
      name,
      nodes: this.nodes,
      initializers: [...this.initializers.values()],
      inputs: [
        ...inputs.map((v) => ({ name: v.label, dtype: v.dtype, shape: v.shape })),
        ...[...this.shapes].map(([key, shape]) => ({ name: key, dtype: 'int64' as const, shape: [shape.length] })),
      ],
      outputs: Object.entries(outputs).map(([output, v]) => ({
        name: outputName(output),
        dtype: v.dtype,
        shape: v.shape,
      })),
      values: this.values,
    });
    return { model, inputs, shapeInputs: this.shapes };
  }

  name(value: Value): string {
    let name = this.names.get(value);
    if (name === undefined) this.names.set(value, (name = this.fresh()));
    return name;
  }
  fresh(): string {
    return `t${this.count++}`;
  }
  push(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attrs = {},
    domain = '',
  ): void {
    this.nodes.push({ opType, inputs, outputs, attributes, domain });
  }
  /** Emits a node with one new output and returns its name. */
  raw(opType: string, inputs: readonly string[], attributes: Attrs = {}, domain = ''): string {
    const output = this.fresh();
    this.push(opType, inputs, [output], attributes, domain);
    return output;
  }
  node(opType: string, node: Node, attributes: Attrs = {}, domain = ''): void {
    this.push(
      opType,
      node.inputs.map((v) => this.name(v)),
      node.outputs.map((v) => this.name(v)),
      attributes,
      domain,
    );
  }
  private store(tensor: Omit<OnnxTensor, 'name'>, name = `c${this.count++}`): string {
    this.initializers.set(name, { ...tensor, name });
    return name;
  }
  /** A constant vector of int64, as axes and shapes are given. */
  vector(numbers: readonly number[]): string {
    const name = `i64_${numbers.join('_').replaceAll('-', 'm')}`;
    return this.initializers.has(name)
      ? name
      : this.store({ dtype: 'int64', dims: [numbers.length], data: BigInt64Array.from(numbers, BigInt) }, name);
  }
  initializer(node: Node): void {
    const [value] = node.outputs;
    const data = value.graph.constants.get(node);
    if (!data || !isStatic(value.shape)) throw new Error('a constant without data');
    this.store({ dtype: value.dtype, dims: value.shape, data }, this.name(value));
  }
  alias(node: Node): void {
    const [from] = node.inputs;
    const [to] = node.outputs;
    if (this.names.has(to)) this.push('Identity', [this.name(from)], [this.name(to)]);
    else this.names.set(to, this.name(from));
  }

  /** A target shape: constant where it can be, else an input that the program fills in when dimensions are known. */
  private shapeOf(shape: Shape, inferable: boolean, from?: Shape): string {
    if (isStatic(shape)) return this.vector(shape);
    if (inferable) {
      const copied = shape.map((dim, i) => (typeof dim === 'string' && from?.[i] === dim ? 0 : dim));
      if (copied.filter((dim) => typeof dim === 'string').length <= 1)
        return this.vector(copied.map((dim) => (typeof dim === 'string' ? -1 : dim)));
    }
    const name = `shape:${shape.join(',')}`;
    this.shapes.set(name, shape);
    return name;
  }
  private declare(value: Value): void {
    if (!isStatic(value.shape)) this.values.push({ name: this.name(value), dtype: value.dtype, shape: value.shape });
  }

  reshape(node: Node): void {
    const [to] = node.outputs;
    const [from] = node.inputs;
    this.push('Reshape', [this.name(from), this.shapeOf(to.shape, true, from.shape)], [this.name(to)]);
    this.declare(to);
  }
  expand(node: Node): void {
    const [to] = node.outputs;
    this.push('Expand', [this.name(node.inputs[0]), this.shapeOf(to.shape, false)], [this.name(to)]);
    this.declare(to);
  }
  reduce(
    opType: string,
    node: Node,
    axes = node.attributes.axes as readonly number[],
    keepdims = node.attributes.keepdims as boolean,
  ): void {
    if (axes.length === 0) return this.push('Identity', [this.name(node.inputs[0])], [this.name(node.outputs[0])]);
    this.push(opType, [this.name(node.inputs[0]), this.vector(axes)], [this.name(node.outputs[0])], {
      keepdims: Number(keepdims),
    });
  }
  slice(node: Node): void {
    const { axis, start, end } = node.attributes as { axis: number; start: number; end: number };
    const bounds = [[start], [end], [axis]].map((v) => this.vector(v));
    this.push('Slice', [this.name(node.inputs[0]), ...bounds], [this.name(node.outputs[0])]);
  }
  cast(node: Node): void {
    const element = { float32: 1, int32: 6, int64: 7, bool: 9 }[node.outputs[0].dtype];
    this.node('Cast', node, { to: element });
  }

  private transposed(value: Value): string {
    const perm = value.shape.map((_, i) => i);
    perm.push(...perm.splice(-2).reverse());
    return this.raw('Transpose', [this.name(value)], { perm });
  }
  matmul(node: Node): void {
    const { transA, transB, alpha } = node.attributes as { transA: boolean; transB: boolean; alpha: number };
    const [a, b] = node.inputs;
    const output = this.name(node.outputs[0]);
    const flags = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
    if (a.rank === 2) return this.push('Gemm', [this.name(a), this.name(b)], [output], flags);
    if (this.target === 'cpu')
      return this.push('FusedMatMul', [this.name(a), this.name(b)], [output], flags, MICROSOFT);
    const operands = [transA ? this.transposed(a) : this.name(a), transB ? this.transposed(b) : this.name(b)];
    if (alpha === 1) return this.push('MatMul', operands, [output]);
    const factor = this.store({ dtype: 'float32', dims: [], data: Float32Array.of(alpha) });
    this.push('Mul', [this.raw('MatMul', operands), factor], [output]);
  }

  attend(node: Node): void {
    const [scores, v] = node.inputs.map((value) => this.name(value));
    const [output, p] = node.outputs.map((value) => this.name(value));
    this.push('Softmax', [scores], [p], { axis: -1 });
    this.push('MatMul', [p, v], [output]);
  }
  swiglu(node: Node): void {
    const [gate, up] = node.inputs.map((value) => this.name(value));
    const silu =
      this.target === 'cpu'
        ? this.raw('QuickGelu', [gate], { alpha: { float: 1 } }, MICROSOFT)
        : this.raw('Mul', [gate, this.raw('Sigmoid', [gate])]);
    this.push('Mul', [silu, up], [this.name(node.outputs[0])]);
  }
  rmsNorm(node: Node): void {
    const [x, weight] = node.inputs.map((v) => this.name(v));
    const [y, inverse] = node.outputs.map((v) => this.name(v));
    const epsilon = node.attributes.epsilon as number;
    if (this.target === 'cpu') {
      const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
      return this.push('SimplifiedLayerNormalization', [x, weight], [y, inverse], attributes);
    }
    // the fused kernel of WebGPU leaves its second output empty
    const squares = this.raw('ReduceMean', [this.raw('Mul', [x, x]), this.vector([node.inputs[0].rank - 1])], {
      keepdims: 1,
    });
    const floor = this.store({ dtype: 'float32', dims: [], data: Float32Array.of(epsilon) });
    this.push('Reciprocal', [this.raw('Sqrt', [this.raw('Add', [squares, floor])])], [inverse]);
    this.push('Mul', [this.raw('Mul', [x, inverse]), weight], [y]);
  }
  rotary(node: Node): void {
    this.node('RotaryEmbedding', node, {}, MICROSOFT);
  }
  cachedAttention(node: Node): void {
    const { heads, kvHeads, rotary, packed } = node.attributes as Record<string, number | boolean>;
    const [first, ...others] = node.inputs.map((value) => this.name(value));
    this.push(
      'GroupQueryAttention',
      packed ? [first, '', '', ...others] : [first, ...others],
      node.outputs.map((value) => this.name(value)),
      { num_heads: Number(heads), kv_num_heads: Number(kvHeads), do_rotary: Number(rotary) },
      MICROSOFT,
    );
  }
  selectRows(node: Node): void {
    const [x, index] = node.inputs.map((v) => this.name(v));
    this.push('Gather', [x, index], [this.name(node.outputs[0])], { axis: 0 });
  }
  /** Rows go back to where they came from; the others get the row of zeros that is put behind the last one. */
  unselectRows(node: Node): void {
    const [dy, inverse] = node.inputs;
    const width = dy.shape.slice(1);
    const size = productOf(width);
    if (!isStatic(width) || typeof size !== 'number') throw new Error('selected rows must have a known width');
    const zero = this.store({
      dtype: 'float32',
      dims: [1, ...width],
      data: new Float32Array(size),
    });
    this.push(
      'Gather',
      [this.raw('Concat', [this.name(dy), zero], { axis: 0 }), this.name(inverse)],
      [this.name(node.outputs[0])],
      { axis: 0 },
    );
  }
}

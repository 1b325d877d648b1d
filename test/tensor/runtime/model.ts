/** A small writer of ONNX files, for tests of the runtime alone. */
const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
type Type = keyof typeof TYPES;
type Attribute = number | string | readonly number[];

export interface Value {
  name: string;
  type: Type;
  dims?: readonly (number | string)[];
}
export interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, Attribute>;
  domain?: string;
}
export interface Graph {
  inputs: Value[];
  outputs: Value[];
  nodes: Node[];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}
const int = (field: number, value: number) => Buffer.concat([varint(field << 3), varint(value)]);
const block = (field: number, bytes: Buffer | string) =>
  Buffer.concat([varint((field << 3) | 2), varint(Buffer.byteLength(bytes)), Buffer.from(bytes)]);

function attribute(name: string, value: Attribute): Buffer {
  if (typeof value === 'string') return Buffer.concat([block(1, name), block(4, value), int(20, 3)]);
  if (typeof value === 'number') return Buffer.concat([block(1, name), int(3, value), int(20, 2)]);
  return Buffer.concat([block(1, name), ...value.map((item) => int(8, item)), int(20, 7)]);
}

function value({ name, type, dims }: Value): Buffer {
  const dimension = (dim: number | string) => block(1, typeof dim === 'string' ? block(2, dim) : int(1, dim));
  const shape = dims ? block(2, Buffer.concat(dims.map(dimension))) : Buffer.alloc(0);
  return Buffer.concat([block(1, name), block(2, block(1, Buffer.concat([int(1, TYPES[type]), shape])))]);
}

function node({ op, inputs, outputs, attributes = {}, domain }: Node): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => block(1, name)),
    ...outputs.map((name) => block(2, name)),
    block(4, op),
    ...Object.entries(attributes).map(([name, of]) => block(5, attribute(name, of))),
    domain ? block(7, domain) : Buffer.alloc(0),
  ]);
}

/** The bytes of a model of opset 21 with com.microsoft's operators. */
export function model(graph: Graph): Uint8Array {
  const body = Buffer.concat([
    ...graph.nodes.map((of) => block(1, node(of))),
    block(2, 'graph'),
    ...graph.inputs.map((of) => block(11, value(of))),
    ...graph.outputs.map((of) => block(12, value(of))),
  ]);
  const opset = (domain: string, version: number) => block(8, Buffer.concat([block(1, domain), int(2, version)]));
  return Buffer.concat([int(1, 10), block(7, body), opset('', 21), opset('com.microsoft', 1)]);
}

/** y = op(x...) with every value of one type and shape. */
export function elementwise(op: string, type: Type, dims: (number | string)[], inputs = ['x']): Uint8Array {
  return model({
    inputs: inputs.map((name) => ({ name, type, dims })),
    outputs: [{ name: 'y', type, dims }],
    nodes: [{ op, inputs, outputs: ['y'] }],
  });
}

/** A few chained products [n, n], long enough for a run to take a while. */
export function chain(n: number, length: number): Uint8Array {
  const nodes: Node[] = Array.from({ length }, (_, i) => ({
    op: 'MatMul',
    inputs: [i === 0 ? 'x' : `h${i}`, 'w'],
    outputs: [i === length - 1 ? 'y' : `h${i + 1}`],
  }));
  const dims = [n, n];
  return model({
    inputs: [
      { name: 'x', type: 'float32', dims },
      { name: 'w', type: 'float32', dims },
    ],
    outputs: [{ name: 'y', type: 'float32', dims }],
    nodes,
  });
}

import protobuf from 'protobufjs/light.js';
import type { Dim } from './dims';
import type { DType } from './graph';
import type { TypedArray } from './runtime';

/** The part of the ONNX format (onnx.proto, IR version 10) that the compiler writes. */
const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producer: { type: 'string', id: 2 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: { rule: 'repeated', type: 'Opset', id: 8 },
      },
    },
    Opset: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'Tensor', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfo', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfo', id: 12 },
        valueInfo: { rule: 'repeated', type: 'ValueInfo', id: 13 },
      },
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'Attribute', id: 5 },
        domain: { type: 'string', id: 7 },
      },
    },
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        ints: { rule: 'repeated', type: 'int64', id: 8 },
        type: { type: 'int32', id: 20 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'TensorShape', id: 2 } } },
    TensorShape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    Dimension: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
});
const Model = root.lookupType('Model');

const ELEMENT: Record<DType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };
const enum AttributeType {
  Float = 1,
  Int = 2,
  String = 3,
  Ints = 7,
}

/** A number with a fraction, or one wrapped as `{ float }`, is a float attribute; other numbers are integers. */
export type OnnxAttribute = number | { readonly float: number } | string | readonly number[];
export interface OnnxNode {
  opType: string;
  domain: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, OnnxAttribute>>;
}
export interface OnnxTensor {
  name: string;
  dtype: DType;
  dims: readonly number[];
  data: TypedArray;
}
export interface OnnxValue {
  name: string;
  dtype: DType;
  shape: readonly Dim[];
}

function attribute(name: string, value: OnnxAttribute): object {
  if (typeof value === 'number') return { name, i: value, type: AttributeType.Int };
  if (typeof value === 'string') return { name, s: Buffer.from(value), type: AttributeType.String };
  if ('float' in value) return { name, f: value.float, type: AttributeType.Float };
  return { name, ints: value, type: AttributeType.Ints };
}

const valueInfo = ({ name, dtype, shape }: OnnxValue): object => ({
  name,
  type: {
    tensorType: {
      elemType: ELEMENT[dtype],
      shape: { dim: shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
    },
  },
});

/** Serialises a model. Its nodes stand in execution order. */
export function encodeModel(graph: {
  name: string;
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
  values: readonly OnnxValue[];
}): Uint8Array {
  const message = {
    irVersion: 10,
    producer: 'alignment-lab',
    opsetImport: [
      { domain: '', version: 21 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: graph.name,
      node: graph.nodes.map((n, i) => ({
        input: n.inputs,
        output: n.outputs,
        name: `${n.opType}_${i}`,
        opType: n.opType,
        domain: n.domain,
        attribute: Object.entries(n.attributes).map(([key, value]) => attribute(key, value)),
      })),
      initializer: graph.initializers.map((t) => ({
        name: t.name,
        dims: t.dims,
        dataType: ELEMENT[t.dtype],
        rawData: new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength),
      })),
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
      valueInfo: graph.values.map(valueInfo),
    },
  };
  return Model.encode(message).finish();
}

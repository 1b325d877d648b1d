import type { BaseTensor } from './tensor';
import type { ValueInfo } from './types';

const shapeText = (dims: readonly (number | string)[]): string =>
  `[${dims.map((d) => (d === '' ? '?' : d)).join(', ')}]`;

/**
 * Throws unless the tensors fit the model: every input given, no unknown name, the element types and ranks of the
 * model, fixed dimensions equal and each symbolic one with a single value. `label` names the session in the message.
 */
export function checkSignature(
  label: string,
  infos: { inputs: readonly ValueInfo[]; outputs: readonly ValueInfo[] },
  inputs: ReadonlyMap<string, BaseTensor>,
  outputs: ReadonlyMap<string, BaseTensor>,
): void {
  const symbols = new Map<string, { size: number; where: string }>();
  for (const info of infos.inputs) {
    if (!inputs.has(info.name)) throw new Error(`${label}: the input ${info.name} is missing.`);
  }
  if (outputs.size === 0) throw new Error(`${label}: a call needs at least one output.`);
  checkSide(label, 'input', infos.inputs, inputs, symbols);
  checkSide(label, 'output', infos.outputs, outputs, symbols);
}

function checkSide(
  label: string,
  side: 'input' | 'output',
  infos: readonly ValueInfo[],
  tensors: ReadonlyMap<string, BaseTensor>,
  symbols: Map<string, { size: number; where: string }>,
): void {
  const known = new Map(infos.map((info) => [info.name, info]));
  for (const [name, tensor] of tensors) {
    const info = known.get(name);
    if (!info) {
      const some = infos.slice(0, 8).map((i) => i.name);
      throw new Error(
        `${label}: there is no ${side} ${name}; it has ${some.join(', ')}${infos.length > 8 ? ', …' : ''}.`,
      );
    }
    if (tensor.dtype !== info.dtype) {
      throw new Error(`${label}: the ${side} ${name} is ${info.dtype ?? 'of an unknown type'}, not ${tensor.dtype}.`);
    }
    if (info.dims) checkDims(label, `${side} ${name}`, info.dims, tensor.dims, symbols);
  }
}

function checkDims(
  label: string,
  where: string,
  expected: readonly (number | string)[],
  dims: readonly number[],
  symbols: Map<string, { size: number; where: string }>,
): void {
  const refuse = (why: string): never => {
    throw new Error(`${label}: the ${where} has shape ${shapeText(expected)}, the tensor ${shapeText(dims)}${why}.`);
  };
  if (expected.length !== dims.length) refuse('');
  expected.forEach((dim, axis) => {
    const size = dims[axis] ?? 0;
    if (typeof dim === 'number') {
      if (dim !== size) refuse('');
    } else if (dim !== '') {
      const bound = symbols.get(dim);
      if (!bound) symbols.set(dim, { size, where });
      else if (bound.size !== size) refuse(`; ${dim} is ${bound.size} in the ${bound.where}`);
    }
  });
}

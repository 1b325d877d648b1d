import { sameShape } from './dims';
import { type Node, type Value, ShapeError, topological } from './graph';
import { add, expand } from './ops';

/**
 * Reverse-mode differentiation: the gradients of a scalar with respect to the given values, each of the value's own
 * shape. A value on which the scalar does not depend is an error, for it would never learn. `seed` is the gradient of
 * the scalar itself, 1 unless said otherwise.
 */
export function gradients(of: Value, wrt: readonly Value[], seed: Value = of.graph.scalar(1)): Value[] {
  if (of.rank !== 0) throw new ShapeError('gradients', [of], 'only a scalar has gradients here');
  const order = topological([of]);
  const sought = new Set(wrt.map((value) => value.node));
  const leads = new Set<Node>();
  for (const node of order) if (sought.has(node) || node.inputs.some((input) => leads.has(input.node))) leads.add(node);

  const flowing = new Map<Value, Value>([[of, seed]]);
  const whole = (dy: Value, value: Value): Value => (sameShape(dy.shape, value.shape) ? dy : expand(dy, value.shape));
  for (const node of order.reverse()) {
    if (!leads.has(node) || (sought.has(node) && node.inputs.length === 0)) continue;
    const dys = node.outputs.map((output) => flowing.get(output));
    if (dys.every((dy) => dy === undefined) || !node.op.vjp) continue;
    const full = node.op.lazy ? dys : dys.map((dy, i) => dy && whole(dy, node.outputs[i]));
    const parts = node.op.vjp(full, { ...node, inputs: node.inputs.map(recomputed) });
    node.inputs.forEach((input, i) => {
      const part = parts[i];
      if (!part || !leads.has(input.node)) return;
      const before = flowing.get(input);
      flowing.set(input, before ? add(before, part) : part);
    });
  }
  return wrt.map((value) => {
    const gradient = flowing.get(value);
    if (!gradient) throw new Error(`${of.label} does not depend on ${value.label}`);
    return whole(gradient, value);
  });
}

/** A value as the backward pass reads it. */
const recomputed = (value: Value): Value => (value.index === 0 && value.node.op.again?.(value.node)) || value;

/**
 * Dimensions of a tensor: a number, or a product of names such as `batch*seq` whose values are known only when a call
 * is prepared. Names stand sorted and a factor stands first, so equal dimensions are equal strings.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];
export type Bindings = Readonly<Record<string, number>>;

function parts(dim: Dim): { factor: number; names: string[] } {
  if (typeof dim === 'number') return { factor: dim, names: [] };
  let factor = 1;
  const names: string[] = [];
  for (const part of dim.split('*')) {
    if (/^\d+$/.test(part)) factor *= Number(part);
    else names.push(part);
  }
  return { factor, names };
}

function format(factor: number, names: string[]): Dim {
  if (names.length === 0 || factor === 0) return factor;
  const product = names.sort().join('*');
  return factor === 1 ? product : `${factor}*${product}`;
}

export function productOf(dims: readonly Dim[]): Dim {
  let factor = 1;
  const names: string[] = [];
  for (const dim of dims) {
    const part = parts(dim);
    factor *= part.factor;
    names.push(...part.names);
  }
  return format(factor, names);
}

/** The number behind a dimension under the given values; an unbound name is an error. */
export function evaluate(dim: Dim, bindings: Bindings): number {
  if (typeof dim === 'number') return dim;
  const { factor, names } = parts(dim);
  return names.reduce((product, name) => {
    const value = bindings[name];
    if (value === undefined) throw new Error(`dimension ${name} has no value`);
    return product * value;
  }, factor);
}

export const isStatic = (shape: Shape): shape is readonly number[] => shape.every((dim) => typeof dim === 'number');
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** The shape of an element-wise result by NumPy's rule, or undefined where the two do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

import type { Runtime, Tensor } from '../tensor/runtime';
import { UserError } from '../config/errors';
import type { Random } from '../data/random';
import type { LlamaConfig } from './hf-config';
import { jointShapes, parameterShapes } from './parameters';
import { ropeTables } from './rope';

/** The weights of one model as tensors that every session takes as inputs: trained in place, read by all, never copied. */
export class ModelWeights {
  private constructor(
    private readonly runtime: Runtime,
    readonly config: LlamaConfig,
    /** How many positions the rotary tables reach. */
    readonly positions: number,
    readonly parameters: ReadonlyMap<string, Tensor>,
    private readonly tables: Readonly<Record<string, Tensor>>,
    /** Host tensors over several parameters that lie side by side. */
    private readonly joints: Readonly<Record<string, Tensor>>,
  ) {}

  /** `source` gives each parameter's values, float32, by its Hugging Face name. */
  static load(
    runtime: Runtime,
    config: LlamaConfig,
    positions: number,
    source: (name: string) => Float32Array,
  ): ModelWeights {
    const values = new Map<string, Float32Array>();
    const joints: Record<string, Tensor> = {};
    // only host memory can be seen both as a whole and in parts
    for (const { name, shape, parts } of runtime.device === 'cpu' ? jointShapes(config) : []) {
      const whole = new Float32Array(shape.reduce((a, b) => a * b, 1));
      let next = 0;
      for (const part of parts) {
        const given = source(part);
        whole.set(given, next);
        values.set(part, whole.subarray(next, (next += given.length)));
      }
      joints[name] = runtime.hostTensor('float32', shape, whole);
    }
    const parameters = new Map(
      parameterShapes(config).map(({ name, shape }) => [
        name,
        runtime.stateTensor('float32', shape, values.get(name) ?? source(name)),
      ]),
    );
    const { cos, sin } = ropeTables(config, positions);
    const dims = [positions, config.headDim / 2];
    const tables = {
      'rope.cos': runtime.stateTensor('float32', dims, cos),
      'rope.sin': runtime.stateTensor('float32', dims, sin),
    };
    return new ModelWeights(runtime, config, positions, parameters, tables, joints);
  }

  /** Fresh weights as transformers draws them: matrices normal with `initializerRange`, norms 1, biases 0. */
  static initialize(runtime: Runtime, config: LlamaConfig, positions: number, random: Random): ModelWeights {
    const shapes = new Map(parameterShapes(config).map(({ name, shape }) => [name, shape]));
    return ModelWeights.load(runtime, config, positions, (name) => {
      const shape = shapes.get(name) ?? [];
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      if (shape.length === 1) return data.fill(name.endsWith('.bias') ? 0 : 1);
      const stream = random.split(name);
      for (let i = 0; i < data.length; i++) data[i] = stream.normal() * config.initializerRange;
      return data;
    });
  }

  /** What a program takes: parameters, alone and joint, and tables by name. */
  get inputs(): Readonly<Record<string, Tensor>> {
    return { ...Object.fromEntries(this.parameters), ...this.tables, ...this.joints };
  }

  /** Whether the joint matrices of `jointShapes` are among the inputs. */
  get joint(): boolean {
    return Object.keys(this.joints).length > 0;
  }

  /** A parameter's values; on the CPU the live array itself. */
  async read(name: string): Promise<Float32Array> {
    const tensor = this.parameters.get(name);
    if (!tensor) throw new Error(`the model has no ${name}`);
    return (await this.runtime.read(tensor)) as Float32Array;
  }

  /** Overwrites a parameter, which all sessions see. */
  write(name: string, data: Float32Array): void {
    const tensor = this.parameters.get(name);
    if (!tensor) throw new Error(`the model has no ${name}`);
    this.runtime.write(tensor, data);
  }

  release(): void {
    for (const tensor of Object.values(this.inputs)) tensor.release();
  }
}

/** `embeddings` is input and output; else a name or a part of it between dots, `*` standing for anything. */
function matcher(pattern: string): (name: string) => boolean {
  if (pattern === 'embeddings') return (name) => name === 'model.embed_tokens.weight' || name === 'lm_head.weight';
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const expression = new RegExp(`(^|\\.)${escaped}($|\\.)`);
  return (name) => expression.test(name);
}

/**
 * The parameters that learn when those that match a pattern are frozen. Throws a UserError for a pattern that matches
 * nothing and where nothing is left.
 */
export function trainableOf(names: readonly string[], frozen: readonly string[]): string[] {
  const code = 'freeze';
  const matchers = frozen.map(matcher);
  const idle = frozen.find((_, i) => !names.some(matchers[i]));
  if (idle !== undefined) {
    const shown = names.filter((_, i) => i % Math.ceil(names.length / 4) === 1).slice(0, 3);
    throw new UserError(`\`freeze\` names "${idle}", but the model has no such parameters.`, {
      hint: `Its parameters have names such as ${shown.join(', ')}.`,
      code,
    });
  }
  const left = names.filter((name) => !matchers.some((matches) => matches(name)));
  if (left.length === 0)
    throw new UserError('`freeze` covers all parameters: nothing would learn.', { hint: 'Name fewer.', code });
  return left;
}

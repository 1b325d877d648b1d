import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeCheckpoint } from '../../models/checkpoint';
import { readSafetensors, writeSafetensors } from '../../models/safetensors';
import type { Tokenizer } from '../../models/tokenizer';
import type { ModelWeights } from '../../models/weights';
import type { AdamW } from '../../tensor/adamw';
import type { Runtime, Tensor } from '../../tensor/runtime';
import type { TaskFiles } from '../task';

export interface ModelStateParts {
  runtime: Runtime;
  weights: ModelWeights;
  optimizer: AdamW;
  tokenizer: Tokenizer;
  chatTemplate?: string;
  /** What learns beside the model and is no part of its folder, such as a value head; saved with the optimizer. */
  extra?: ReadonlyMap<string, Tensor>;
}

const OPTIMIZER = 'optimizer.safetensors';
const EXTRA = 'extra.safetensors';

/** A model in training as files: its Hugging Face folder, and beside it what only training needs. */
export class ModelState implements TaskFiles {
  constructor(private readonly parts: ModelStateParts) {}

  private async values(tensors: Iterable<readonly [string, Tensor]>): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    for (const [name, tensor] of tensors) values.set(name, (await this.parts.runtime.read(tensor)) as Float32Array);
    return values;
  }

  async saveModel(folder: string): Promise<void> {
    const { weights, tokenizer, chatTemplate } = this.parts;
    const values = await this.values(weights.parameters);
    writeCheckpoint(folder, {
      config: weights.config,
      tensor: (name) => values.get(name) ?? new Float32Array(),
      tokenizerFrom: tokenizer.folder,
      chatTemplate,
      eosTokenIds: tokenizer.eosIds,
    });
  }

  async loadModel(folder: string): Promise<void> {
    await this.load(join(folder, 'model.safetensors'), this.parts.weights.parameters);
  }

  private get moments(): [string, Tensor][] {
    return [...this.parts.optimizer.slots].flatMap(([name, { m, v }]): [string, Tensor][] => [
      [`m.${name}`, m],
      [`v.${name}`, v],
    ]);
  }

  async saveTraining(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    await this.save(join(folder, OPTIMIZER), this.moments);
    if (this.parts.extra) await this.save(join(folder, EXTRA), this.parts.extra);
  }

  async loadTraining(folder: string): Promise<void> {
    await this.load(join(folder, OPTIMIZER), this.moments);
    if (this.parts.extra) await this.load(join(folder, EXTRA), this.parts.extra);
  }

  private async save(file: string, tensors: Iterable<readonly [string, Tensor]>): Promise<void> {
    const all = [...tensors];
    const values = await this.values(all);
    writeSafetensors(
      file,
      all.map(([name, { dims }]) => ({
        name,
        dtype: 'F32',
        shape: dims,
        data: values.get(name) ?? new Float32Array(),
      })),
    );
  }

  private async load(file: string, tensors: Iterable<readonly [string, Tensor]>): Promise<void> {
    const stored = readSafetensors(file);
    try {
      for (const [name, tensor] of tensors) this.parts.runtime.write(tensor, stored.get(name).float32());
    } finally {
      stored.close();
    }
  }
}

import type { ResolvedStage } from '../../config/experiment';
import type { PpoConfig } from '../../config/schema/experiment';
import type { Random } from '../../data/random';
import { ValueHead } from '../../models/value-head';
import { openCheckpoint } from '../../models/checkpoint';
import { loadTokenizer } from '../../models/tokenizer';
import { ModelWeights, trainableOf } from '../../models/weights';
import { Graph } from '../../tensor/graph';
import { Program } from '../../tensor/program';
import type { Runtime, Tensor } from '../../tensor/runtime';
import { answerBatches } from './answer-batch';
import type { StageContext } from '../context';
import { Learner } from '../training/learner';
import { answerHidden } from './policy-graph';
import { valueObjective } from '../ppo';
import type { Rollout } from './rollout';
import { sameTokens } from './policy-inputs';
import { optimizerOf } from '../settings';
import { loadWeights, missingModel, positionsFor } from '../training/texts';

/**
 * Where a critic begins: as the reward model where there is one that can read the policy's tokens, since it knows what
 * scores (of an ensemble of models as the first), else as the policy, which is told. It may be of another size than the
 * policy. `longest`: tokens of the longest prompt with its answer. Throws a UserError for a folder that is no reward model.
 */
export function criticWeights(
  stage: ResolvedStage,
  config: PpoConfig,
  context: StageContext,
  longest: number,
): ModelWeights {
  const { runtime, modelFolder, folderOf } = context;
  if (modelFolder === null) throw missingModel(stage);
  const asPolicy = (): ModelWeights => loadWeights(runtime, modelFolder, config.max_length);
  const reward = stage.sources.reward.find((source) => source.kind === 'model');
  if (!reward) return asPolicy();
  const folder = folderOf('critic', reward.model);
  const checkpoint = openCheckpoint(folder, 'reward');
  try {
    const { maxPositions, vocabSize } = checkpoint.config;
    const policy = loadTokenizer(modelFolder);
    const unfit = !sameTokens(loadTokenizer(folder), policy)
      ? 'it has another tokenizer'
      : vocabSize < policy.vocabSize
        ? `it knows ${vocabSize} of ${policy.vocabSize} tokens`
        : maxPositions < longest
          ? `it reads ${maxPositions} tokens, prompts with their answers have up to ${longest}`
          : undefined;
    if (unfit === undefined)
      return ModelWeights.load(runtime, checkpoint.config, positionsFor(config.max_length, maxPositions), (name) =>
        checkpoint.read(name),
      );
    if (!context.resuming)
      context.warn(`The value model begins as the policy and not as the reward model in ${folder}: ${unfit}.`);
    return asPolicy();
  } finally {
    checkpoint.close();
  }
}

/** A critic of its own: a trunk beside the policy's, with a value head, learnt by a learner of its own. */
export class ValueModel {
  readonly learner: Learner;
  private readonly head: ValueHead;
  private readonly inputs: Readonly<Record<string, Tensor>>;
  private program: Program | undefined;

  constructor(
    private readonly runtime: Runtime,
    private readonly weights: ModelWeights,
    private readonly config: PpoConfig,
    random: Random,
  ) {
    this.head = new ValueHead(runtime, weights.config.hiddenSize, random);
    this.inputs = { ...weights.inputs, ...this.head.inputs };
    this.learner = new Learner(runtime, {
      inputs: this.inputs,
      // what only the output projection reads never learns here
      trainable: [
        ...trainableOf([...weights.parameters.keys()], config.freeze).filter((name) => name !== 'lm_head.weight'),
        ...this.head.tensors.keys(),
      ],
      objective: valueObjective(weights, config, this.head),
      optimizer: optimizerOf(config),
    });
  }

  /** Everything that a checkpoint keeps of it. */
  get tensors(): ReadonlyMap<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of [...this.weights.parameters, ...this.head.tensors])
      tensors.set(`critic.${name}`, tensor);
    for (const [name, { m, v }] of this.learner.optimizer.slots)
      tensors.set(`critic.m.${name}`, m).set(`critic.v.${name}`, v);
    return tensors;
  }

  /** Makes the values of a fresh head this number. */
  begin(value: number): void {
    this.head.begin(value);
  }

  /** V before each answer token, one forward pass over prompts and answers. */
  async values(rollouts: readonly Rollout[]): Promise<Float32Array[]> {
    const results = rollouts.map(({ ids }) => new Float32Array(ids.length));
    const flat = results.flatMap((values, answer) => Array.from(values, (_, t) => ({ answer, t })));
    let next = 0;
    const batches = answerBatches(
      rollouts.map(({ prompt, ids }) => ({
        ids: [...prompt.ids, ...ids],
        from: prompt.ids.length,
        tokens: { number: Array.from(ids, () => next++) },
        weight: 0,
      })),
      {
        config: this.weights.config,
        positions: this.weights.positions,
        device: this.runtime.device,
        rows: this.config.micro_batch_size,
      },
    );
    for (const batch of batches) {
      this.program ??= this.compile();
      const values = await this.program.once(this.inputs, batch, 'values');
      batch.labels.data.forEach((label, i) => {
        if (label < 0) return;
        const { answer, t } = flat[batch.number.data[i]];
        results[answer][t] = values[i];
      });
    }
    return results;
  }

  private compile(): Program {
    const graph = new Graph();
    const values = this.head.read(graph, answerHidden(graph, this.weights));
    return Program.compile(this.runtime, 'values', { values });
  }

  release(): void {
    this.program?.release();
    this.learner.release();
    this.head.release();
    this.weights.release();
  }
}

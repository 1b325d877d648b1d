import { Graph, type Value } from '../tensor/graph';
import { gatherRows, linear } from '../tensor/ops';
import { Program } from '../tensor/program';
import type { Runtime, Tensor } from '../tensor/runtime';
import { SCORE_HEAD } from './checkpoint';
import type { LlamaConfig } from './hf-config';
import { declareBatch, declareWeights, llamaHidden } from './llama';
import { packSequences } from './sequences';

/** The scores of hidden states [rows, hidden] by each head: [rows, heads]. */
export const headScores = (graph: Graph, hidden: Value, heads: number): Value =>
  linear(hidden, graph.input(SCORE_HEAD, 'float32', [heads, hidden.dim(1)]));

/** What a reward model consists of as tensors of the runtime: shared with what trains them. */
export interface RewardTensors {
  config: LlamaConfig;
  positions: number;
  heads: number;
  /** Weights, tables and the heads, `score.weight` [heads, hidden]. */
  inputs: Readonly<Record<string, Tensor>>;
}

/** Most tokens scored in one pass. */
const MOST_TOKENS = 8192;

/** r = w·h at the last token of each sequence, for every head; one forward pass a batch, without logits. */
export class RewardScorer {
  private readonly program: Program;

  constructor(
    private readonly runtime: Runtime,
    private readonly tensors: RewardTensors,
  ) {
    const graph = new Graph();
    const { config, positions, heads } = tensors;
    const hidden = llamaHidden(config, declareWeights(graph, config, positions), declareBatch(graph));
    const last = gatherRows(hidden, graph.input('ends', 'int32', ['sequences']));
    this.program = Program.compile(runtime, 'reward', { scores: headScores(graph, last, heads) });
  }

  /**
   * The scores of sequences of tokens, [heads] each. What stands beside a sequence changes nothing.
   * @throws RangeError (ours) where one is empty or longer than the model's positions
   */
  async score(sequences: readonly Int32Array[]): Promise<Float32Array[]> {
    const { positions } = this.tensors;
    const bad = sequences.find(({ length }) => length === 0 || length > positions);
    if (bad) throw new RangeError(`a sequence has ${bad.length} tokens, the model takes 1 to ${positions}`);
    const results = new Array<Float32Array>(sequences.length);
    // sequences of like length share a pass
    const order = [...sequences.keys()].sort((a, b) => sequences[a].length - sequences[b].length || a - b);
    for (let at = 0; at < order.length;) {
      const part: number[] = [];
      for (let tokens = 0; at < order.length; at++) {
        tokens += sequences[order[at]].length;
        if (part.length > 0 && tokens > MOST_TOKENS) break;
        part.push(order[at]);
      }
      const scores = await this.pass(part.map((i) => sequences[i]));
      part.forEach((i, p) => (results[i] = scores[p]));
    }
    return results;
  }

  private async pass(sequences: readonly Int32Array[]): Promise<Float32Array[]> {
    const { runtime } = this;
    const { positions, heads, inputs } = this.tensors;
    const { dims, ends, ...grids } = packSequences(sequences, positions);
    const batch: Record<string, Tensor> = { ends: runtime.hostTensor('int32', [ends.length], ends) };
    for (const [name, data] of Object.entries(grids)) batch[name] = runtime.hostTensor('int32', dims, data);
    const output = runtime.hostTensor('float32', [sequences.length, heads]);
    const call = this.program.prepare({ ...inputs, ...batch }, { scores: output });
    try {
      await call.runAsync();
      const values = (await runtime.read(output)) as Float32Array;
      return sequences.map((_, i) => values.slice(i * heads, (i + 1) * heads));
    } finally {
      call.release();
      for (const tensor of [...Object.values(batch), output]) tensor.release();
    }
  }

  release(): void {
    this.program.release();
  }
}

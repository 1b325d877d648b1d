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
  /** Heads of each trunk. */
  heads: number;
  /** Of each trunk, all of one shape: weights, tables and its heads, `score.weight` [heads, hidden]. */
  trunks: readonly Readonly<Record<string, Tensor>>[];
}

/** Most tokens scored in one pass. */
const MOST_TOKENS = 8192;

/** r = w·h at the last token of each sequence, for every head of every trunk; a forward pass a trunk, without logits. */
export class RewardScorer {
  private readonly program: Program;

  constructor(
    runtime: Runtime,
    private readonly tensors: RewardTensors,
  ) {
    const graph = new Graph();
    const { config, positions, heads } = tensors;
    const hidden = llamaHidden(config, declareWeights(graph, config, positions), declareBatch(graph));
    const last = gatherRows(hidden, graph.input('ends', 'int32', ['ends']));
    this.program = Program.compile(runtime, 'reward', { scores: headScores(graph, last, heads) });
  }

  /**
   * The scores of sequences of tokens, [trunks · heads] each. What stands beside a sequence changes nothing.
   * @throws RangeError (ours) where one is empty or longer than the model's positions
   */
  async score(sequences: readonly Int32Array[]): Promise<Float32Array[]> {
    const scores = await this.scoreAt(
      sequences,
      sequences.map(({ length }) => [length - 1]),
    );
    return scores.map(([last]) => last);
  }

  /**
   * The scores of beginnings of sequences: of each one those that end with the tokens at its `places`, [trunks · heads]
   * each. A causal model knows them all from one pass.
   * @throws RangeError (ours) where a sequence is empty or longer than the model's positions, or a place lies outside
   */
  async scoreAt(sequences: readonly Int32Array[], places: readonly (readonly number[])[]): Promise<Float32Array[][]> {
    const { positions } = this.tensors;
    const bad = sequences.find(({ length }) => length === 0 || length > positions);
    if (bad) throw new RangeError(`a sequence has ${bad.length} tokens, the model takes 1 to ${positions}`);
    if (sequences.some(({ length }, i) => !places[i].every((place) => place >= 0 && place < length)))
      throw new RangeError('a place lies outside its sequence');
    const results = new Array<Float32Array[]>(sequences.length);
    // sequences of like length share a pass
    const order = [...sequences.keys()].sort((a, b) => sequences[a].length - sequences[b].length || a - b);
    for (let at = 0; at < order.length;) {
      const part: number[] = [];
      for (let tokens = 0; at < order.length; at++) {
        tokens += sequences[order[at]].length;
        if (part.length > 0 && tokens > MOST_TOKENS) break;
        part.push(order[at]);
      }
      const scores = await this.pass(
        part.map((i) => sequences[i]),
        part.map((i) => places[i]),
      );
      part.forEach((i, p) => (results[i] = scores[p]));
    }
    return results;
  }

  private async pass(
    sequences: readonly Int32Array[],
    places: readonly (readonly number[])[],
  ): Promise<Float32Array[][]> {
    const { positions, heads, trunks } = this.tensors;
    const { dims, ends, ...grids } = packSequences(sequences, positions);
    const read = places.flatMap((own, i) => own.map((place) => ends[i] - (sequences[i].length - 1) + place));
    if (read.length === 0) return places.map(() => []);
    const batch = {
      ids: { dims, data: grids.ids },
      positions: { dims, data: grids.positions },
      segments: { dims, data: grids.segments },
      ends: { dims: [read.length], data: Int32Array.from(read) },
    };
    const columns: Float32Array[] = [];
    for (const trunk of trunks) columns.push(await this.program.once(trunk, batch, 'scores'));
    let next = 0;
    return places.map((own) =>
      own.map(() => {
        const from = heads * next++;
        return Float32Array.from(columns.flatMap((scores) => [...scores.subarray(from, from + heads)]));
      }),
    );
  }

  release(): void {
    this.program.release();
  }
}

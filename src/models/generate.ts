import type { Random } from '../data/random';
import { Graph, type Value } from '../tensor/graph';
import { argmax, gatherRows, max, mul, reshape, softmax } from '../tensor/ops';
import { Program } from '../tensor/program';
import type { Call, Runtime, Tensor, TypedArray } from '../tensor/runtime';
import { declareWeights, llamaDecode, llamaLogits } from './llama';
import { type SamplingOptions, pickFiltered, pickFrom, plain } from './sampling';
import type { ModelWeights } from './weights';

export interface GenerateOptions extends SamplingOptions {
  maxNewTokens: number;
  /** Tokens that end an answer. */
  stopIds: readonly number[];
  /** Texts that end an answer, found in what `decode` makes of its last tokens. */
  stopStrings?: readonly string[];
  decode?: (ids: readonly number[]) => string;
  /** Whether log-probabilities are wanted, true unless said otherwise; greedy answers come faster without. */
  logProbs?: boolean;
  /** Called for every token as it comes. */
  onToken?: (prompt: number, id: number) => void;
  signal?: AbortSignal;
}
export interface Prompt {
  ids: readonly number[];
  /** This prompt's own stream, so that its answer does not depend on its neighbours. */
  random: Random;
}
export interface Generation {
  /** The answer's tokens, with the one that ended it. */
  ids: number[];
  /** log π of each token under the distribution that it was drawn from; empty where they were not wanted. */
  logProbs: number[];
  /** What the head read before each token, V_t; empty without a head. */
  values: number[];
  finish: 'stop' | 'length';
}

/**
 * A number read from the final hidden state beside the logits, such as a value: hidden [rows, hidden] → [rows]. So what a
 * critic thinks of each prefix costs no pass of its own.
 */
export interface Head {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly read: (graph: Graph, hidden: Value) => Value;
}
export interface GeneratorOptions {
  /** Most rows at a time. */
  rows: number;
  /** How long the caches are from the start, in tokens; they grow where more is needed. */
  length?: number;
  head?: Head;
  /**
   * Whether the weights stay as they are while this generator lives. Its programs then hold a copy of them, packed once
   * instead of at each token: a quarter faster and more, for as much memory again.
   */
  fixed?: boolean;
}

/** The next token by the graph (greedy), by drawing from its softmax, or by rules that need the logits. */
type Mode = 'greedy' | 'greedy without log-probabilities' | 'sample' | 'logits';

interface Row {
  prompt: number;
  /** Tokens in the cache. */
  length: number;
  /** The newest token, not yet in the cache. */
  next: number;
}

/** Everything bound for one size of batch at one place of the caches. */
interface Bound {
  call: Call;
  ids: Int32Array;
  positions: Int32Array;
  lastIndex: Int32Array;
  total: Int32Array;
  last: Int32Array;
  output: Float32Array | BigInt64Array;
  peak: Float32Array | null;
  values: Float32Array | null;
  release: () => void;
}

const LENGTH_STEP = 64;
/** A program is one message of at most 2 GiB, and there are two copies of it while it is made. */
const MOST_HELD_BYTES = 1 << 30;
/** Characters of the answer's end in which a stop string is looked for, beyond its own length. */
const STOP_TOKENS = 32;

/**
 * Writes answers to many prompts at once. Keys and values of each row stay in caches that the runtime updates in place;
 * an ended row's place goes to the next prompt, or to the last row, so that no work goes into rows that ended.
 */
export class Generator {
  private readonly programs = new Map<Mode, Program>();
  private readonly bound = new Map<string, Bound>();
  private readonly scale: Tensor;
  private caches: Record<string, Tensor> = {};
  private length = 0;
  private rows = 0;
  /** Only host memory can be viewed and moved; on a device prompts run in waves. */
  private readonly movable: boolean;

  constructor(
    private readonly runtime: Runtime,
    private readonly weights: ModelWeights,
    private readonly options: GeneratorOptions,
  ) {
    this.movable = runtime.device === 'cpu';
    this.scale = runtime.hostTensor('float32', []);
  }

  /** Answers in the order of the prompts. Prompt and answer together must fit the model's positions. */
  async generate(prompts: readonly Prompt[], options: GenerateOptions): Promise<Generation[]> {
    const results = prompts.map((): Generation => ({ ids: [], logProbs: [], values: [], finish: 'length' }));
    const needed = prompts.reduce((most, { ids }) => Math.max(most, ids.length), 1) + options.maxNewTokens;
    if (needed > this.weights.positions)
      throw new RangeError(`prompt and answer need ${needed} positions, the model has ${this.weights.positions}`);
    const longest = Math.max(needed, this.options.length ?? 0);
    if (prompts.some(({ ids }) => ids.length === 0)) throw new RangeError('a prompt needs at least one token');
    this.reserve(longest, this.movable ? this.options.rows : 0);
    const { temperature } = options;
    const greedy = options.logProbs === false ? 'greedy without log-probabilities' : 'greedy';
    const mode: Mode = !plain(options) ? 'logits' : temperature === 0 ? greedy : 'sample';
    this.runtime.write(this.scale, Float32Array.of(temperature > 0 ? 1 / temperature : 1));

    const take = (row: Row, bound: Bound, place: number): void => {
      const result = results[row.prompt];
      const { id, logProb } = this.pick(mode, bound, place, prompts[row.prompt], result, options);
      result.ids.push(id);
      if (options.logProbs ?? true) result.logProbs.push(logProb);
      if (bound.values) result.values.push(bound.values[place]);
      row.next = id;
      if (options.stopIds.includes(id) || endsByText(result.ids, options)) result.finish = 'stop';
      options.onToken?.(row.prompt, id);
    };
    const ended = ({ prompt }: Row): boolean =>
      results[prompt].finish === 'stop' || results[prompt].ids.length >= options.maxNewTokens;
    /** Reads prompts into the cache rows from `at` on, and takes each row's first token. */
    const prefill = async (rows: readonly Row[], at: number): Promise<void> => {
      const width = rows.reduce((most, { prompt }) => Math.max(most, prompts[prompt].ids.length), 1);
      const bound = this.bind(mode, rows.length, width, at);
      bound.ids.fill(0);
      rows.forEach((row, i) => {
        bound.ids.set(prompts[row.prompt].ids, i * width);
        for (let t = 0; t < width; t++) bound.positions[i * width + t] = t;
        row.length = prompts[row.prompt].ids.length;
        bound.lastIndex[i] = row.length - 1;
        bound.last[i] = i * width + row.length - 1;
      });
      bound.total[0] = width;
      await bound.call.runAsync();
      rows.forEach((row, i) => take(row, bound, i));
      if (rows.length > 1 || width > 1) this.unbind(mode, rows.length, width, at);
    };

    const waiting = prompts.map((_, prompt): Row => ({ prompt, length: 0, next: 0 }));
    let active: Row[] = [];
    for (;;) {
      options.signal?.throwIfAborted();
      if (this.movable) await this.compact(active, waiting, ended, prefill);
      else if (active.every(ended)) active = [];
      if (active.length === 0) {
        if (waiting.length === 0) return results;
        active = waiting.splice(0, this.options.rows);
        if (!this.movable) this.reserve(longest, active.length);
        await prefill(active, 0);
        continue;
      }
      const bound = this.bind(mode, active.length, 1, 0);
      active.forEach((row, i) => {
        bound.ids[i] = row.next;
        bound.positions[i] = row.length;
        bound.lastIndex[i] = row.length++;
        bound.last[i] = i;
      });
      bound.total[0] = active.reduce((most, { length }) => Math.max(most, length), 0);
      // the fewer tokens a call computes, the less there is to gain from leaving the event loop
      bound.call.run();
      active.forEach((row, i) => ended(row) || take(row, bound, i));
    }
  }

  /** Ended rows give way to waiting prompts, then to the last row. */
  private async compact(
    active: Row[],
    waiting: Row[],
    ended: (row: Row) => boolean,
    prefill: (rows: readonly Row[], at: number) => Promise<void>,
  ): Promise<void> {
    for (let i = 0; i < active.length;) {
      if (!ended(active[i])) i++;
      else if (waiting.length) {
        active[i] = waiting.shift() ?? active[i];
        await prefill([active[i]], i);
      } else {
        const last = active.pop();
        if (!last || i === active.length) continue;
        this.move(active.length, i);
        active[i] = last;
      }
    }
  }

  /** Copies a row's keys and values to another row. */
  private move(from: number, to: number): void {
    for (const cache of Object.values(this.caches)) {
      const size = cache.dims.slice(1).reduce((a, b) => a * b, 1);
      (cache.data as Float32Array).copyWithin(to * size, from * size, (from + 1) * size);
    }
  }

  private pick(
    mode: Mode,
    bound: Bound,
    place: number,
    prompt: Prompt,
    result: Generation,
    options: GenerateOptions,
  ): { id: number; logProb: number } {
    if (bound.output instanceof BigInt64Array)
      return { id: Number(bound.output[place]), logProb: Math.log(bound.peak?.[place] ?? NaN) };
    const { vocabSize } = this.weights.config;
    const row = bound.output.subarray(place * vocabSize, (place + 1) * vocabSize);
    if (mode === 'logits') return pickFiltered(row, [...prompt.ids, ...result.ids], options, prompt.random);
    const id = pickFrom(row, prompt.random);
    return { id, logProb: Math.log(row[id]) };
  }

  private program(mode: Mode): Program {
    const known = this.programs.get(mode);
    if (known) return known;
    const graph = new Graph();
    const { config, positions } = this.weights;
    const w = declareWeights(graph, config, positions);
    const { hidden, cache } = llamaDecode(
      graph,
      config,
      w,
      graph.input('ids', 'int32', ['batch', 'seq']),
      this.weights,
    );
    const last = gatherRows(hidden, graph.input('last', 'int32', ['batch']));
    const logits = llamaLogits(config, w, last);
    const outputs: Record<string, Value> = { ...cache.updated };
    if (this.options.head) outputs.head = this.options.head.read(graph, last);
    if (mode === 'logits') outputs.output = logits;
    else if (mode === 'sample')
      outputs.output = softmax(mul(logits, graph.input('inverse_temperature', 'float32', [])));
    else outputs.output = argmax(logits);
    if (mode === 'greedy') outputs.peak = reshape(max(softmax(logits), [-1]), ['batch']);
    const program = Program.compile(this.runtime, `generate ${mode}`, outputs, { constants: this.constants() });
    this.programs.set(mode, program);
    return program;
  }

  /** What the programs hold themselves. On a device the weights are where its kernels want them. */
  private constants(): ReadonlyMap<string, TypedArray> | undefined {
    const inputs = Object.entries(this.weights.inputs);
    const bytes = inputs.reduce((sum, [, { data }]) => sum + (data?.byteLength ?? 0), 0);
    if (!this.options.fixed || bytes > MOST_HELD_BYTES) return undefined;
    return new Map(inputs.flatMap(([name, { data }]) => (data ? [[name, data]] : [])));
  }

  /** Caches at least `length` long; on a device for exactly so many rows, for it has no views. */
  private reserve(length: number, rows: number): void {
    if (rows === 0 || (length <= this.length && rows === this.rows)) return;
    this.forget();
    const { config, positions } = this.weights;
    this.rows = rows;
    this.length = Math.max(this.length, Math.min(positions, Math.ceil(length / LENGTH_STEP) * LENGTH_STEP));
    const dims = [rows, config.kvHeads, this.length, config.headDim];
    for (let i = 0; i < config.layers; i++) {
      for (const kind of ['key', 'value']) this.caches[`${kind}.${i}`] = this.runtime.stateTensor('float32', dims);
    }
  }

  private bind(mode: Mode, rows: number, width: number, at: number): Bound {
    const key = `${mode} ${rows} ${width} ${at}`;
    const known = this.bound.get(key);
    if (known) return known;
    const { runtime, weights } = this;
    const { vocabSize } = weights.config;
    const owned: Tensor[] = [];
    const own = (tensor: Tensor): Tensor => {
      owned.push(tensor);
      return tensor;
    };
    const caches = Object.entries(this.caches).map(([name, cache]) => {
      if (rows === cache.dims[0]) return [name, cache] as const;
      const size = cache.dims.slice(1).reduce((a, b) => a * b, 1);
      return [name, own(runtime.view(cache, at * size, [rows, ...cache.dims.slice(1)]))] as const;
    });
    const int = (dims: number[]): Tensor => own(runtime.hostTensor('int32', dims));
    const inputs = {
      ids: int([rows, width]),
      positions: int([rows, width]),
      last_index: int([rows]),
      total: int([]),
      last: int([rows]),
      inverse_temperature: this.scale,
    };
    const output = own(
      mode.startsWith('greedy')
        ? runtime.hostTensor('int64', [rows])
        : runtime.hostTensor('float32', [rows, vocabSize]),
    );
    const peak = mode === 'greedy' ? own(runtime.hostTensor('float32', [rows])) : null;
    const { head } = this.options;
    const values = head ? own(runtime.hostTensor('float32', [rows])) : null;
    const cached = Object.fromEntries(caches);
    const call = this.program(mode).prepare(
      { ...weights.inputs, ...head?.inputs, ...cached, ...inputs },
      { ...cached, output, ...(peak ? { peak } : {}), ...(values ? { head: values } : {}) },
    );
    const bound: Bound = {
      call,
      ids: inputs.ids.data as Int32Array,
      positions: inputs.positions.data as Int32Array,
      lastIndex: inputs.last_index.data as Int32Array,
      total: inputs.total.data as Int32Array,
      last: inputs.last.data as Int32Array,
      output: output.data as Float32Array | BigInt64Array,
      peak: peak ? (peak.data as Float32Array) : null,
      values: values ? (values.data as Float32Array) : null,
      release: () => {
        call.release();
        for (const tensor of owned) tensor.release();
      },
    };
    this.bound.set(key, bound);
    return bound;
  }

  private unbind(mode: Mode, rows: number, width: number, at: number): void {
    const key = `${mode} ${rows} ${width} ${at}`;
    this.bound.get(key)?.release();
    this.bound.delete(key);
  }

  private forget(): void {
    for (const bound of this.bound.values()) bound.release();
    this.bound.clear();
    for (const cache of Object.values(this.caches)) cache.release();
    this.caches = {};
  }

  release(): void {
    this.forget();
    for (const program of this.programs.values()) program.release();
    this.scale.release();
  }
}

function endsByText(ids: readonly number[], { stopStrings, decode }: GenerateOptions): boolean {
  if (!stopStrings?.length || !decode) return false;
  const longest = stopStrings.reduce((most, text) => Math.max(most, text.length), 0);
  const end = decode(ids.slice(-(longest + STOP_TOKENS)));
  return stopStrings.some((text) => end.includes(text));
}

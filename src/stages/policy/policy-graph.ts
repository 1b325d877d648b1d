import type { Graph, Value } from '../../tensor/graph';
import { entropyOf, scoreTokens } from '../../tensor/nn';
import { exp, maximum, minimum, mul, reshape, selectRows, sub, sum } from '../../tensor/ops';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from '../../models/llama';
import type { ModelWeights } from '../../models/weights';
import { MOST_LOG_RATIO } from './advantages';

/** What the graph of an update knows of each answer token, [n] each (see `answerBatches`). */
export interface AnswerTokens {
  /** The final hidden state before the token, [n, hidden]. */
  hidden: Value;
  /** log π(token) under the weights of now, at the temperature of sampling. */
  logProbs: Value;
  /** Of the distribution that the token was drawn from, in nats; with a gradient. */
  entropy: Value;
  /** log π − log π_old, cut to ±20. */
  logRatio: Value;
  /** ρ = π / π_old */
  ratio: Value;
  /** A number of each token that the batch gives. */
  given: (name: string) => Value;
  /** Σ x / (answer tokens of the optimizer step): the mean over them once all micro-batches are summed. */
  mean: (x: Value) => Value;
}

/** The hidden states that predict answer tokens, [n, hidden]: only they are read on. */
export function answerHidden(graph: Graph, { config, positions }: Pick<ModelWeights, 'config' | 'positions'>): Value {
  const hidden = llamaHidden(config, declareWeights(graph, config, positions), declareBatch(graph));
  return selectRows(hidden, graph.input('places', 'int32', ['n']), graph.input('inverse', 'int32', ['batch*seq']));
}

/** The policy over the answer tokens of a micro-batch. */
export function answerTokens(
  graph: Graph,
  weights: Pick<ModelWeights, 'config' | 'positions'>,
  temperature: number,
): AnswerTokens {
  const hidden = answerHidden(graph, weights);
  const { config, positions } = weights;
  const logits = mul(llamaLogits(config, declareWeights(graph, config, positions), hidden), 1 / temperature);
  const given = (name: string): Value => graph.input(name, 'float32', ['n']);
  const column = (x: Value): Value => reshape(x, ['n']);
  const logProbs = column(scoreTokens(logits, graph.input('labels', 'int32', ['n'])).logProbs);
  const logRatio = cut(sub(logProbs, given('old')), MOST_LOG_RATIO);
  return {
    hidden,
    logProbs,
    entropy: column(entropyOf(logits)),
    logRatio,
    ratio: exp(logRatio),
    given,
    mean: (x) => sum(mul(x, given('share'))),
  };
}

/** Sums that every update tells, by the names that `UpdateSums` has. */
export function updateSums({ logProbs, logRatio, ratio, entropy, given, mean }: AnswerTokens): Record<string, Value> {
  return {
    log_ratio_square: mean(mul(logRatio, logRatio)),
    ratio: mean(ratio),
    entropy: mean(entropy),
    // of KL(π ‖ π_ref) under the weights of now: the old answers count by their ratio
    kl_now: mean(mul(ratio, sub(logProbs, given('reference')))),
  };
}

const cut = (x: Value, most: number): Value => between(x, -most, most);
/** x held between two bounds; no gradient flows where it is not between them. */
export const between = (x: Value, low: Value | number, high: Value | number): Value => minimum(maximum(x, low), high);

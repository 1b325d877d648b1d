import type { DpoConfig } from '../config/schema/experiment';
import { declareBatch, declareWeights, llamaHidden, llamaLogits } from '../models/llama';
import type { ModelWeights } from '../models/weights';
import type { Graph, Value } from '../tensor/graph';
import { scoreTokens } from '../tensor/nn';
import {
  add,
  cast,
  expand,
  less,
  linear,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  scatterAdd,
  selectRows,
  slice,
  softplus,
  sub,
  sum,
} from '../tensor/ops';
import type { Objective } from './training/learner';

export type DpoSettings = Pick<DpoConfig, 'loss' | 'beta' | 'label_smoothing' | 'nll_coef'>;

/** log σ(x) */
const logSigmoid = (x: Value): Value => neg(softplus(neg(x)));
const square = (x: Value): Value => mul(x, x);

/**
 * What a pair costs that says y_w ≻ y_l, as a function of h = log π(y_w|x)/π_ref(y_w|x) − log π(y_l|x)/π_ref(y_l|x); h is
 * [pairs]. With ε, the share of labels thought to be wrong:
 *
 *   sigmoid  −log σ(βh)                                            Rafailov et al. 2023, eq. 7
 *            −(1−ε) log σ(βh) − ε log σ(−βh)                       cDPO, Mitchell 2023
 *   robust   [−(1−ε) log σ(βh) + ε log σ(−βh)] / (1−2ε)            Chowdhury et al. 2024, eq. 12
 *   hinge    max(0, 1 − βh)                                        Zhao et al. 2023 (SLiC)
 *   ipo      (h − 1/(2β))², the two terms of h being token means   Azar et al. 2023, eq. 17, with TRL's normalisation
 */
export function pairLoss(h: Value, { loss, beta, label_smoothing: epsilon }: DpoSettings): Value {
  const right = neg(logSigmoid(mul(h, beta)));
  const wrong = neg(logSigmoid(mul(h, -beta)));
  switch (loss) {
    case 'sigmoid':
      return epsilon > 0 ? add(mul(right, 1 - epsilon), mul(wrong, epsilon)) : right;
    case 'robust':
      return mul(sub(mul(right, 1 - epsilon), mul(wrong, epsilon)), 1 / (1 - 2 * epsilon));
    case 'hinge':
      return maximum(sub(1, mul(h, beta)), 0);
    case 'ipo':
      return square(sub(h, 1 / (2 * beta)));
  }
}

/** The loss where policy and reference are the same: h is 0 for every pair. */
export function startLoss({ loss, beta }: DpoSettings): number {
  return { sigmoid: Math.LN2, robust: Math.LN2, hinge: 1, ipo: 1 / (4 * beta ** 2) }[loss];
}

/**
 * Direct preference optimisation (Rafailov et al. 2023): over pairs (x, y_w, y_l),
 *
 *   L = −E[ log σ( β ( log π(y_w|x)/π_ref(y_w|x) − log π(y_l|x)/π_ref(y_l|x) ) ) ]
 *
 * Where annotators disagree, y_w is better with probability p only: the loss is the mean over both orders,
 * p·ℓ(h) + (1−p)·ℓ(−h). `nll_coef` adds −log π of the better answer, a mean over its tokens (Pang et al. 2024).
 * Batches are those of `pairBatches`.
 */
export function dpoObjective({ config, positions }: Pick<ModelWeights, 'config' | 'positions'>, settings: DpoSettings) {
  const { beta, loss: kind, nll_coef } = settings;
  return (graph: Graph): Objective => {
    const tokens = answerTokens(graph, { config, positions });
    const ofPair = (name: string): Value => graph.input(name, 'float32', ['pairs']);
    const [logPiW, logPiL] = sums(graph, tokens.logProbs);
    const chosen = sub(logPiW, ofPair('reference_chosen'));
    const rejected = sub(logPiL, ofPair('reference_rejected'));
    const h =
      kind === 'ipo'
        ? sub(mul(chosen, ofPair('per_token_chosen')), mul(rejected, ofPair('per_token_rejected')))
        : sub(chosen, rejected);

    const p = ofPair('p');
    const share = ofPair('share');
    const expected = (x: Value): Value => sum(mul(x, share));
    const preference = expected(add(mul(p, pairLoss(h, settings)), mul(sub(1, p), pairLoss(neg(h), settings))));
    const nll = nll_coef > 0 ? neg(sum(mul(tokens.logProbs, ofToken(graph, 'imitated')))) : undefined;

    const [rewardW, rewardL] = [mul(chosen, beta), mul(rejected, beta)];
    return {
      loss: nll ? add(preference, mul(nll, nll_coef)) : preference,
      sums: {
        ...(nll ? { nll_loss: nll } : {}),
        'rewards/chosen': expected(rewardW),
        'rewards/rejected': expected(rewardL),
        right: sum(mul(cast(less(rewardL, rewardW), 'float32'), ofPair('untied'))),
        'rewards/margins': expected(sub(rewardW, rewardL)),
        'logps/chosen': expected(logPiW),
        'logps/rejected': expected(logPiL),
        ...tokens.metrics,
      },
    };
  };
}

const ofToken = (graph: Graph, name: string): Value => graph.input(name, 'float32', ['n']);

/** log π of the answers' tokens [n], and means over them. Only the places before them reach the output projection. */
function answerTokens(graph: Graph, { config, positions }: Pick<ModelWeights, 'config' | 'positions'>) {
  const weights = declareWeights(graph, config, positions);
  const hidden = selectRows(
    llamaHidden(config, weights, declareBatch(graph)),
    graph.input('places', 'int32', ['n']),
    graph.input('inverse', 'int32', ['batch*seq']),
  );
  const { logProbs, entropy, correct } = scoreTokens(
    llamaLogits(config, weights, hidden),
    graph.input('labels', 'int32', ['n']),
  );
  // the mean logit of a token without another pass over all of them: h·W̄, W̄ being the mean row
  const meanRow = mean(weights.get(config.tied ? 'model.embed_tokens.weight' : 'lm_head.weight'), [0], true);
  const logit = linear(hidden, meanRow);
  const over = (name: string, x: Value): Value => sum(mul(reshape(x, ['n']), ofToken(graph, name)));
  return {
    logProbs: reshape(logProbs, ['n']),
    metrics: {
      'logits/chosen': over('chosen_tokens', logit),
      'logits/rejected': over('rejected_tokens', logit),
      entropy: over('answer_tokens', entropy),
      mean_token_accuracy: over('chosen_tokens', correct),
    },
  };
}

/** log π(y|x) = Σ_t log π(y_t|x, y_<t) of chosen and of rejected answers, [pairs] each. */
function sums(graph: Graph, logProbs: Value): Value[] {
  const none = expand(graph.scalar(0), ['2*pairs']);
  const both = reshape(scatterAdd(none, graph.input('answer', 'int32', ['n']), logProbs, 0), [2, 'pairs']);
  return [0, 1].map((side) => reshape(slice(both, 0, side, side + 1), ['pairs']));
}

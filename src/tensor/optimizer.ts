import { type Graph, type Value } from './graph';
import { add, div, less, minimum, mul, sqrt, sub, sumSquare, where } from './ops';

export interface Trained {
  name: string;
  weight: Value;
  gradient: Value;
  /** Matrices decay; norms and biases do not. */
  decays: boolean;
}
export interface AdamWSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Gradients are scaled so that their global norm is at most this; 0 leaves them. */
  maxGradNorm: number;
}
/** Numbers that the host gives at every step, so that one compiled step serves the whole schedule. */
export interface StepScalars {
  learningRate: Value;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ */
  correction1: Value;
  correction2: Value;
}

export const stepScalars = (graph: Graph): StepScalars => ({
  learningRate: graph.input('learning_rate', 'float32', []),
  correction1: graph.input('bias_correction1', 'float32', []),
  correction2: graph.input('bias_correction2', 'float32', []),
});

/** √Σ‖g‖² over all gradients. */
export const globalNorm = (gradients: readonly Value[]): Value =>
  sqrt(gradients.map((g) => sumSquare(g)).reduce((total, next) => add(total, next)));

/** What is not below this is infinite or not a number. */
const LARGEST = 3.4e38;

/**
 * One step of AdamW (Loshchilov & Hutter 2019, algorithm 2) with the gradients clipped by their global norm as PyTorch
 * does it. Where the norm is not finite nothing is written: each new value is then the old one, so an update in place
 * never spoils the state.
 *
 * Returns the norm before clipping, and the new tensors by the names `w.…`, `m.…`, `v.…`; the old ones are the graph's
 * inputs of the same names (the weights as given).
 */
export function adamW(
  graph: Graph,
  trained: readonly Trained[],
  settings: AdamWSettings,
  step: StepScalars,
): { norm: Value; updates: Record<string, Value> } {
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = settings;
  const norm = globalNorm(trained.map(({ gradient }) => gradient));
  const finite = less(norm, LARGEST);
  const scale = maxGradNorm > 0 ? minimum(div(maxGradNorm, add(norm, 1e-6)), 1) : graph.scalar(1);
  // with g = 0, β = 1 and η = 0 the rules below reproduce the old state bit for bit
  const gate = (value: Value | number, neutral: number): Value => where(finite, value, neutral);
  const [keep1, keep2] = [gate(beta1, 1), gate(beta2, 1)];
  const [take1, take2] = [mul(scale, 1 - beta1), mul(scale, Math.sqrt(1 - beta2))];
  const root2 = sqrt(step.correction2);
  const rate = gate(div(mul(step.learningRate, root2), step.correction1), 0);
  const floor = mul(root2, epsilon);
  const decay = gate(sub(1, mul(step.learningRate, weightDecay)), 1);

  const updates: Record<string, Value> = {};
  for (const { name, weight, gradient, decays } of trained) {
    const g = where(finite, gradient, 0);
    const scaled = mul(g, where(finite, take2, 0));
    const m = add(mul(graph.input(`m.${name}`, 'float32', weight.shape), keep1), mul(g, where(finite, take1, 0)));
    const v = add(mul(graph.input(`v.${name}`, 'float32', weight.shape), keep2), mul(scaled, scaled));
    const kept = decays && weightDecay > 0 ? mul(weight, decay) : weight;
    updates[`w.${name}`] = sub(kept, mul(div(m, add(sqrt(v), floor)), rate));
    updates[`m.${name}`] = m;
    updates[`v.${name}`] = v;
  }
  return { norm, updates };
}

export type Schedule = 'constant' | 'linear' | 'cosine';
/**
 * The learning rate of a step (the first is 0), as transformers' schedulers give it: linear warm-up, then constant,
 * linear to 0 or half a cosine to 0. `warmup` below 1 is a share of all steps.
 */
export function learningRateAt(
  step: number,
  total: number,
  { schedule, warmup, learningRate }: { schedule: Schedule; warmup: number; learningRate: number },
): number {
  const warm = warmup < 1 ? Math.ceil(warmup * total) : warmup;
  if (step < warm) return (learningRate * step) / Math.max(1, warm);
  if (schedule === 'constant') return learningRate;
  const progress = (step - warm) / Math.max(1, total - warm);
  if (schedule === 'linear') return learningRate * Math.max(0, 1 - progress);
  return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}

import type { Shape } from './dims';
import type { Graph, Value } from './graph';
import { add, div, mul, sqrt, sub, sumSquare } from './ops';

export interface AdamWSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Gradients are scaled so that their global norm is at most this; 0 leaves them. */
  maxGradNorm: number;
}

/** √Σ‖g‖² over all gradients. */
export const globalNorm = (gradients: readonly Value[]): Value =>
  sqrt(gradients.map((g) => sumSquare(g)).reduce((total, next) => add(total, next)));

/** Numbers of a step that the host gives, so that one compiled update serves all tensors and the whole schedule. */
export type UpdateScalars = Record<'keep1' | 'take1' | 'keep2' | 'take2' | 'rate' | 'floor' | 'decay', number>;

/**
 * The scalars of step t ≥ 1 of AdamW (Loshchilov & Hutter 2019, algorithm 2), the gradients clipped by their global
 * norm as PyTorch does it: with s = min(1, maxGradNorm / (norm + 10⁻⁶)), g = s·gradient.
 */
export function updateScalars(settings: AdamWSettings, t: number, learningRate: number, norm: number): UpdateScalars {
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = settings;
  const scale = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
  const root2 = Math.sqrt(1 - beta2 ** t);
  return {
    keep1: beta1,
    take1: scale * (1 - beta1),
    keep2: beta2,
    take2: scale * Math.sqrt(1 - beta2),
    rate: (learningRate * root2) / (1 - beta1 ** t),
    floor: epsilon * root2,
    decay: 1 - learningRate * weightDecay,
  };
}

/**
 * One tensor's update, or that of a part of it:
 * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← (1−ηλ)w − η·m̂/(√v̂ + ε), with the corrections of m̂ and v̂ in the scalars.
 */
export function adamWUpdate(graph: Graph, shape: Shape, decays: boolean): { w: Value; m: Value; v: Value } {
  const [w, m0, v0, g] = ['w', 'm', 'v', 'g'].map((name) => graph.input(name, 'float32', shape));
  const scalar = (name: keyof UpdateScalars): Value => graph.input(name, 'float32', []);
  const scaled = mul(g, scalar('take2'));
  const m = add(mul(m0, scalar('keep1')), mul(g, scalar('take1')));
  const v = add(mul(v0, scalar('keep2')), mul(scaled, scaled));
  const kept = decays ? mul(w, scalar('decay')) : w;
  return { w: sub(kept, mul(div(m, add(sqrt(v), scalar('floor'))), scalar('rate'))), m, v };
}

export type Schedule = 'constant' | 'linear' | 'cosine';
export interface ScheduleSettings {
  schedule: Schedule;
  /** Steps from 0 up to the learning rate; below 1 a share of all steps. */
  warmup: number;
  learningRate: number;
}
/**
 * The learning rate of a step (the first is 0), as transformers' schedulers give it: linear warm-up, then constant,
 * linear to 0 or half a cosine to 0.
 */
export function learningRateAt(
  step: number,
  total: number,
  { schedule, warmup, learningRate }: ScheduleSettings,
): number {
  const warm = warmup < 1 ? Math.ceil(warmup * total) : warmup;
  if (step < warm) return (learningRate * step) / Math.max(1, warm);
  if (schedule === 'constant') return learningRate;
  const progress = (step - warm) / Math.max(1, total - warm);
  if (schedule === 'linear') return learningRate * Math.max(0, 1 - progress);
  return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}

import type { LlamaConfig } from './hf-config';

/**
 * The inverse frequencies of rotary embeddings, [headDim / 2], radians a position. Scaling kinds: linear divides all of
 * them by `factor`; llama3 divides the long wavelengths, keeps the short ones and blends between (Llama 3.1's rule).
 * Each step is rounded to float32, because PyTorch computes in it and positions multiply any difference.
 */
export function ropeFrequencies(config: Pick<LlamaConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>): Float32Array {
  const f = Math.fround;
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = f(1 / f(ropeTheta ** f((2 * i) / headDim)));
    if (scaling.kind === 'none') return frequency;
    if (scaling.kind === 'linear') return f(frequency / scaling.factor);
    const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions: original } = scaling;
    const wavelength = f(f(2 * Math.PI) / frequency);
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return f(frequency / factor);
    const smooth = f(f(f(original / wavelength) - low) / f(high - low));
    return f(f(f(f(1 - smooth) * frequency) / factor) + f(smooth * frequency));
  });
}

/**
 * Cosines and sines for positions 0 … positions − 1, each [positions, headDim / 2] row by row (dimension i of a head is
 * rotated with dimension i + headDim / 2).
 */
export function ropeTables(
  config: Pick<LlamaConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(config);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * frequencies[i]);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

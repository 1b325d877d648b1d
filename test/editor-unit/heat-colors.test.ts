import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

type Rgb = readonly [number, number, number];

const color = z.string().regex(/^#[0-9a-f]{8}$/);
const defaults = z.object({ dark: color, light: color, highContrast: color, highContrastLight: color });
const contributed = z
  .object({
    contributes: z.object({ colors: z.array(z.object({ id: z.string(), description: z.string(), defaults })) }),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'))).contributes.colors;

/** Background and text of editors in VS Code's own themes, and the contrast that text must keep (WCAG 2.1: AA, AAA). */
const THEMES = {
  dark: { paper: '#1f1f1f', ink: '#cccccc', contrast: 4.5 },
  light: { paper: '#ffffff', ink: '#3b3b3b', contrast: 4.5 },
  highContrast: { paper: '#000000', ink: '#ffffff', contrast: 7 },
  highContrastLight: { paper: '#ffffff', ink: '#292929', contrast: 7 },
} as const;
type Theme = keyof typeof THEMES;

const channels = (hex: string): number[] => [1, 3, 5, 7].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
const linear = (x: number): number => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
const linearOf = (hex: string): Rgb => {
  const [r, g, b] = channels(hex);
  return [linear(r), linear(g), linear(b)];
};
const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (one: Rgb, other: Rgb): number => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

/** The five backgrounds of a scale as they look on a theme's paper, in linear RGB. */
function backgrounds(scale: 'kl' | 'reward', theme: Theme): Rgb[] {
  return [1, 2, 3, 4, 5].map((step) => {
    const entry = contributed.find(({ id }) => id === `alignmentLab.heat.${scale}${step}`);
    if (!entry) throw new Error(`no color for ${scale} ${step}`);
    const [r, g, b, alpha] = channels(entry.defaults[theme]);
    const paper = channels(THEMES[theme].paper);
    const [x, y, z] = [r, g, b].map((value, i) => linear(value * alpha + paper[i] * (1 - alpha)));
    return [x, y, z];
  });
}

/** What of a colour full dichromats see (Machado, Oliveira and Fernandes 2009, severity 1), in linear RGB. */
const SIGHTS: Record<string, readonly Rgb[]> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(matrix: readonly Rgb[], [r, g, b]: Rgb): Rgb {
  const [x, y, z] = matrix.map((row) => Math.min(1, Math.max(0, row[0] * r + row[1] * g + row[2] * b)));
  return [x, y, z];
}

/** CIE L*a*b* under D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const distance = (one: Rgb, other: Rgb): number => Math.hypot(...lab(one).map((x, i) => x - lab(other)[i]));

/** Two patches beside each other differ plainly from about 5 on (just noticeable: 2.3). */
const PLAIN = 5;

describe.each(Object.keys(THEMES) as Theme[])('the colours of heat in a %s theme', (theme) => {
  const { paper, ink, contrast: least } = THEMES[theme];

  it.each(['kl', 'reward'] as const)('of %s leave text readable', (scale) => {
    for (const background of backgrounds(scale, theme))
      expect(contrast(background, linearOf(ink))).toBeGreaterThan(least);
  });

  it.each(Object.keys(SIGHTS))('differ from step to step for eyes with %s', (sight) => {
    for (const scale of ['kl', 'reward'] as const) {
      const steps = backgrounds(scale, theme).map((background) => seen(SIGHTS[sight], background));
      steps.forEach((one, i) =>
        steps.slice(i + 1).forEach((other, j) => {
          expect(distance(one, other), `${scale} ${i + 1} and ${i + j + 2}`).toBeGreaterThan(PLAIN);
        }),
      );
    }
  });

  it('grow away from the paper with the step: of KL one way, of rewards both ways', () => {
    const away = (scale: 'kl' | 'reward') =>
      backgrounds(scale, theme).map((background) => contrast(background, linearOf(paper)));
    const kl = away('kl');
    expect([...kl].sort((a, b) => a - b)).toEqual(kl);
    const [low, lower, middle, higher, high] = away('reward');
    expect(low).toBeGreaterThan(lower);
    expect(high).toBeGreaterThan(higher);
    expect(Math.min(lower, higher)).toBeGreaterThan(middle);
  });
});

it('can all be changed: each is a colour of package.json that says what it is', () => {
  const heat = contributed.filter(({ id }) => id.startsWith('alignmentLab.heat.'));
  expect(heat).toHaveLength(10);
  expect(new Set(heat.map(({ description }) => description)).size).toBe(10);
});

/**
 * A run's colour and dash: a hash of its id, so they stay when runs come and go and are the same in every window.
 * Hues after Okabe and Ito (2008), whose black is replaced by a grey; each is made lighter or darker until it stands
 * out from the theme's background.
 */

export interface Rgb {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

const HUES = ['#e69f00', '#56b4e9', '#009e73', '#0072b2', '#d55e00', '#cc79a7', '#b5a800', '#8c8c8c'] as const;

/** In pixels; the first is a solid line. */
const DASHES: readonly (readonly number[])[] = [[], [8, 3], [4, 2], [9, 3, 2, 3]];

/** WCAG's least contrast for graphics. */
export const LEAST_CONTRAST = 3;
/** In high-contrast themes: WCAG's for text. */
export const HIGH_CONTRAST = 4.5;

/** FNV-1a, 32 bits, with a final mix: neighbouring ids must not share their low bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The colour of a run on this background, as `#rrggbb`. */
export function runColor(id: string, background: Rgb, least: number = LEAST_CONTRAST): string {
  const hue = HUES[hash(id) % HUES.length] ?? HUES[0];
  return toHex(withContrast(parseColor(hue) ?? { red: 128, green: 128, blue: 128 }, background, least));
}

/** The dash pattern of a run's line. */
export function runDash(id: string): number[] {
  return [...(DASHES[Math.floor(hash(id) / HUES.length) % DASHES.length] ?? [])];
}

/** Parses `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)` and `rgba(…)`, what getComputedStyle and themes give. */
export function parseColor(text: string): Rgb | undefined {
  const value = text.trim();
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(value);
  if (short) {
    const [red, green, blue] = short.slice(1).map((digit) => parseInt(digit + digit, 16));
    return rgb(red, green, blue);
  }
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(value);
  if (long) {
    const [red, green, blue] = long.slice(1).map((digits) => parseInt(digits, 16));
    return rgb(red, green, blue);
  }
  const call = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)/i.exec(value);
  if (call) {
    const [red, green, blue] = call.slice(1).map(Number);
    return rgb(red, green, blue);
  }
  return undefined;
}

function rgb(red = 0, green = 0, blue = 0): Rgb {
  return { red, green, blue };
}

export function toHex({ red, green, blue }: Rgb): string {
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
}

/** `#rrggbb` with an opacity in [0, 1]. */
export function translucent(hex: string, opacity: number): string {
  return `${hex}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')}`;
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance({ red, green, blue }: Rgb): number {
  const linear = (part: number): number => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** The colour nearest to `color`, on the way to white or to black, that reaches the contrast. */
export function withContrast(color: Rgb, background: Rgb, least: number): Rgb {
  const target = luminance(background) < 0.18 ? 255 : 0;
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = {
      red: color.red + (target - color.red) * share,
      green: color.green + (target - color.green) * share,
      blue: color.blue + (target - color.blue) * share,
    };
    if (contrast(mixed, background) >= least) return mixed;
  }
  return { red: target, green: target, blue: target };
}

import type { Pixel } from './plot';

/** Words beside a point, in pixels from the upper left of the chart. */
export interface Words extends Pixel {
  readonly lines: readonly string[];
}

/** On which side of its point a label stands. */
export interface Side {
  readonly left: boolean;
  readonly above: boolean;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Pixels between a point and its words. */
export const GAP = { x: 10, y: 6 };
/** Of the usual letters, as a share of the font's size. */
const LETTER = 0.55;
const LINE = 1.3;
const PADDING = { x: 8, y: 4 };
const SIDES: readonly Side[] = [
  { left: false, above: false },
  { left: false, above: true },
  { left: true, above: true },
  { left: true, above: false },
];

/**
 * Where to put labels: each on the side of its point where it leaves the chart least, then covers fewest of the labels
 * before it, then fewest of the points.
 */
export function labelSides(
  labels: readonly Words[],
  points: readonly Pixel[],
  area: { readonly width: number; readonly height: number },
  fontSize: number,
): Side[] {
  const placed: Box[] = [];
  return labels.map((label) => {
    const choices = SIDES.map((side) => {
      const box = boxOf(label, side, fontSize);
      const outside = box.left < 0 || box.top < 0 || box.right > area.width || box.bottom > area.height ? 1 : 0;
      const labelsCovered = placed.filter((other) => overlap(box, other)).length;
      const pointsCovered = points.filter(({ x, y }) => overlap(box, { left: x, right: x, top: y, bottom: y })).length;
      return { side, box, cost: [outside, labelsCovered, pointsCovered] };
    });
    const best = choices.reduce((one, other) => (compare(other.cost, one.cost) < 0 ? other : one));
    placed.push(best.box);
    return best.side;
  });
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

function boxOf({ x, y, lines }: Words, { left, above }: Side, fontSize: number): Box {
  const width = Math.max(...lines.map((line) => line.length)) * LETTER * fontSize + PADDING.x;
  const height = lines.length * LINE * fontSize + PADDING.y;
  const [from, to] = left ? [x - GAP.x - width, x - GAP.x] : [x + GAP.x, x + GAP.x + width];
  const [top, bottom] = above ? [y - GAP.y - height, y - GAP.y] : [y + GAP.y, y + GAP.y + height];
  return { left: from, right: to, top, bottom };
}

function overlap(a: Box, b: Box): boolean {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

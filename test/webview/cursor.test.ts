// @vitest-environment happy-dom
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markersAt, moved, settled, spoken, within, type Place, type Walk } from '../../webview/curves/cursor';
import { Plot } from '../../webview/curves/plot';

const walk = (run: string, steps: number[], from = 0, to = steps.length - 1): Walk => ({ run, steps, from, to });
const KEYS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'];

describe('the cursor', () => {
  const walks = [walk('a', [1, 2, 3, 4]), walk('b', [10, 20]), walk('none', [])];

  it('begins at the newest point of the first run', () => {
    expect(settled(walks, undefined)).toEqual({ run: 'a', index: 3 });
    expect(settled(walks, { run: 'gone', index: 0 })).toEqual({ run: 'a', index: 3 });
    expect(settled(walks, { run: 'b', index: 7 })).toEqual({ run: 'b', index: 1 });
    expect(settled([walk('none', [])], undefined)).toBeUndefined();
  });

  it.each([
    ['ArrowLeft', 0],
    ['ArrowRight', 2],
    ['Home', 0],
    ['End', 3],
    ['PageDown', 2],
  ])('%s goes from the second of four points to place %d', (key, index) => {
    expect(moved(walks, { run: 'a', index: 1 }, key)).toEqual({ run: 'a', index });
  });

  it('goes to the nearest step of the run above or below, past those without points', () => {
    expect(moved(walks, { run: 'a', index: 0 }, 'ArrowDown')).toEqual({ run: 'b', index: 0 });
    expect(moved(walks, { run: 'b', index: 1 }, 'ArrowDown')).toEqual({ run: 'a', index: 3 });
    expect(moved(walks.slice(0, 1), { run: 'a', index: 0 }, 'ArrowDown')).toBeUndefined();
    expect(moved(walks, { run: 'a', index: 0 }, 'x')).toBeUndefined();
  });

  it('never leaves the points that are seen', () => {
    const seen = fc
      .record({ from: fc.nat(9), size: fc.integer({ min: 1, max: 9 }) })
      .map(({ from, size }) => walk(`r${from}-${size}`, [...Array(20).keys()], from, from + size - 1));
    const place = fc.record({ run: fc.constantFrom('r0-1', 'gone'), index: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(seen, { minLength: 1 }), place, fc.array(fc.constantFrom(...KEYS)), (list, start, keys) => {
        let at: Place | undefined = start;
        for (const key of keys) {
          at = moved(list, at, key) ?? at;
          const own = list.find(({ run }) => run === at?.run);
          if (own) expect(at.index >= own.from && at.index <= own.to).toBe(true);
        }
      }),
    );
  });
});

it('finds what lies in a range, ends included', () => {
  expect(within([0, 1, 2, 3], 1, 2)).toEqual({ from: 1, to: 2 });
  expect(within([0, 1], 5, 9)).toEqual({ from: 2, to: 1 });
});

describe('a point', () => {
  it('has the markers that are nearest to it', () => {
    const markers = [
      { kind: 'samples', step: 9 },
      { kind: 'alarm', step: 16, label: 'flattery' },
    ] as const;
    expect(markersAt([0, 10, 20], 1, markers)).toEqual([markers[0]]);
    expect(markersAt([0, 10, 20], 2, markers)).toEqual([markers[1]]);
  });

  it('is said with its figures, alarms and what Enter opens', () => {
    const values = [
      { label: 'Reward', value: 0.5312 },
      { label: 'KL', value: -0.004 },
    ];
    const point = { name: 'ppo · 14:02', step: 12, values };
    expect(spoken({ ...point, markers: [{ kind: 'alarm', step: 12, label: 'flattery' }], samples: 10 })).toBe(
      'ppo · 14:02, step 12: Reward 0.531, KL −0.00400. Alarm: flattery. Enter opens the samples of step 10',
    );
    expect(spoken({ ...point, markers: [], samples: undefined })).toContain('. No samples');
  });
});

describe('a plot', () => {
  it('takes the focus, steps by arrows and opens by Enter; other keys pass', () => {
    const told: unknown[] = [];
    const plot = new Plot({
      walks: () => [walk('a', [5, 6, 7])],
      pixelOf: ({ index }) => ({ x: index, y: 0 }),
      onHover: () => undefined,
      onClick: () => undefined,
      onReset: () => undefined,
      onCursor: (place) => told.push(place),
      onOpen: (place, choices) => told.push([place, choices]),
    });
    document.body.replaceChildren(plot.root);
    expect(plot.canvas.tabIndex).toBe(0);
    const press = (key: string, more: KeyboardEventInit = {}): boolean =>
      plot.canvas.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true, ...more }));
    expect(press('Enter')).toBe(true);
    expect(press('ArrowLeft')).toBe(false);
    expect(press('Enter')).toBe(false);
    expect(press('F10', { shiftKey: true })).toBe(false);
    expect(press('Tab')).toBe(true);
    expect(press('ArrowLeft', { altKey: true })).toBe(true);
    const place = { run: 'a', index: 1 };
    expect(told).toEqual([place, [place, false], [place, true]]);
  });
});

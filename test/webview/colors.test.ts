import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contrast,
  HIGH_CONTRAST,
  LEAST_CONTRAST,
  parseColor,
  runColor,
  runDash,
  toHex,
} from '../../webview/curves/colors';
import { elapsed, figure, tick } from '../../webview/curves/figures';
import { orderMetrics } from '../../webview/curves/metrics';

const id = fc.stringMatching(/^[a-z]{2,6}-2025\d{4}-\d{6}-[0-9a-f]{4}$/);
const part = fc.integer({ min: 0, max: 255 });
const color = fc.record({ red: part, green: part, blue: part });

describe('colours', () => {
  it('stand out from any background', () => {
    fc.assert(
      fc.property(id, color, fc.constantFrom(LEAST_CONTRAST, HIGH_CONTRAST), (run, background, least) => {
        const drawn = parseColor(runColor(run, background, least));
        expect(drawn && contrast(drawn, background)).toBeGreaterThan(least - 0.1);
      }),
    );
  });

  it('depend on the run alone', () => {
    const background = { red: 30, green: 30, blue: 30 };
    const runs = ['sft-20250101-101010-abcd', 'sft-20250101-101011-abce'];
    const before = runs.map((run) => [runColor(run, background), runDash(run)]);
    expect([...runs].reverse().map((run) => [runColor(run, background), runDash(run)])).toEqual([...before].reverse());
  });

  it('spread over hues and dashes', () => {
    const looks = new Set(
      Array.from({ length: 400 }, (_, index) => `sft-20250101-101010-${index.toString(16).padStart(4, '0')}`).map(
        (run) => JSON.stringify([runColor(run, { red: 255, green: 255, blue: 255 }), runDash(run)]),
      ),
    );
    expect(looks.size).toBe(32);
  });

  it('are read as themes write them', () => {
    expect(parseColor(' #1e1e1e ')).toEqual({ red: 30, green: 30, blue: 30 });
    expect(parseColor('#fff')).toEqual({ red: 255, green: 255, blue: 255 });
    expect(parseColor('rgba(1, 2, 3, 0.5)')).toEqual({ red: 1, green: 2, blue: 3 });
    expect(parseColor('rgb(1 2 3)')).toEqual({ red: 1, green: 2, blue: 3 });
    expect(parseColor('url(x)')).toBeUndefined();
    fc.assert(
      fc.property(color, (rgb) => {
        expect(parseColor(toHex(rgb))).toEqual(rgb);
      }),
    );
  });
});

describe('figures', () => {
  it('have at most three significant digits', () => {
    expect([1.9234, 0.03123, 2e-5, 1234567, 12345, 0, -1.5].map(figure)).toEqual([
      '1.92',
      '0.0312',
      '2.00e−5',
      '1.23e6',
      '12.3k',
      '0',
      '−1.50',
    ]);
    expect([NaN, undefined, Infinity, -Infinity].map(figure)).toEqual(['–', '–', '∞', '−∞']);
  });

  it('have no idle zeros on an axis', () => {
    expect([1, 0.5, 100, 2000, 2e-5, 0].map(tick)).toEqual(['1', '0.5', '100', '2k', '2e−5', '0']);
  });

  it('write times with their unit', () => {
    expect([4.26, 38, 240, 7560].map(elapsed)).toEqual(['4.3 s', '38 s', '4 min', '2.1 h']);
  });
});

describe('the order of charts', () => {
  it('begins with what a policy is optimised for, and its leash', () => {
    expect(orderMetrics(['grad_norm', 'monitor/kl', 'objective/kl', 'objective/scores'])[0]).toBe('objective/scores');
    expect(orderMetrics(['learning_rate', 'objective/kl', 'grad_norm'])[0]).toBe('objective/kl');
  });

  it('puts known metrics first, leaves axes out, and sorts the rest by name', () => {
    expect(orderMetrics(['zeta', 'grad_norm', 'num_tokens', 'alpha', 'eval_loss', 'loss'])).toEqual([
      'loss',
      'eval_loss',
      'grad_norm',
      'alpha',
      'zeta',
    ]);
  });
});

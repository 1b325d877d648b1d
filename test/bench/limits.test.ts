import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../bench/options';
import { ENVIRONMENTS, environmentOf, requirements } from '../../bench/peers';
import { SHAPES, gemmFlops, shapeConfig, stepFlops } from '../../bench/shapes';
import { parameterCount } from '../../src/models/parameters';

describe('the operations of a step', () => {
  it('are six for each parameter and token, and attention', () => {
    const config = shapeConfig('tiny');
    // embeddings, then by layer: q and o, k and v, three of the MLP, two norms; the last norm
    const parameters = 64 * 16 + 2 * (2 * 16 * 16 + 2 * 8 * 16 + 3 * 32 * 16 + 2 * 16) + 16;
    expect(parameterCount(config)).toBe(parameters);
    expect(stepFlops(config, 2, 8)).toBe(6 * parameters * 16 + 12 * 2 * 16 * 8 * 8 * 2);
  });

  it('grow with the square of the length only in attention', () => {
    const config = shapeConfig('2.8m');
    const doubled = stepFlops(config, 8, 256) - stepFlops(config, 16, 128);
    expect(doubled).toBe(12 * 6 * 192 * (8 * 256 ** 2 - 16 * 128 ** 2));
  });

  it('have the sizes that the table names', () => {
    expect(parameterCount(shapeConfig('2.8m')) / 1e6).toBeCloseTo(2.8, 1);
    expect(parameterCount(shapeConfig('135m')) / 1e6).toBeCloseTo(134.5, 1);
    expect(gemmFlops(2048)).toBe(2 * 2048 ** 3);
  });
});

describe('the peers', () => {
  it('measure the same shapes under the same names', () => {
    const text = readFileSync('bench/peers/measure.py', 'utf8');
    for (const [name, shape] of Object.entries(SHAPES)) {
      const start = text.indexOf(`"${name}": dict(`);
      const entry = text.slice(start, text.indexOf(')', start));
      const value = (key: string): number => Number(new RegExp(`${key}=(\\d+)`).exec(entry)?.[1]);
      expect(value('vocab_size')).toBe(shape.vocabulary);
      expect(value('hidden_size')).toBe(shape.width);
      expect(value('intermediate_size')).toBe(shape.feedForward);
      expect(value('num_hidden_layers')).toBe(shape.layers);
      expect(value('num_attention_heads')).toBe(shape.heads);
      expect(value('num_key_value_heads')).toBe(shape.kvHeads);
      expect(text).toContain(`"${name}": (${shape.rows}, ${shape.length})`);
    }
  });

  const pinnedOf = (file: string): Map<string, string> => requirements(readFileSync(`bench/peers/${file}`, 'utf8'));

  it.each(Object.values(ENVIRONMENTS))('are pinned: $requirements', ({ requirements: file }) => {
    const pinned = pinnedOf(file);
    expect([...pinned.values()].every((version) => /^\d+\.\d+/.test(version))).toBe(true);
    expect([...pinned.keys()]).toEqual(expect.arrayContaining(['torch', 'transformers', 'trl']));
  });

  it('run PPO beside the others on the same arithmetic, by the last TRL that has it', () => {
    expect(environmentOf('ppo.py')).toBe('ppo');
    expect(environmentOf('grpo.py')).toBe('usual');
    const [usual, ppo] = [pinnedOf('requirements.txt'), pinnedOf('requirements-ppo.txt')];
    expect(ppo.get('trl')).toBe('1.12.0');
    for (const name of ['torch', 'transformers']) expect(ppo.get(name)).toBe(usual.get(name));
  });
});

describe('the arguments', () => {
  it('mean everything by default, three rounds, and less when quick', () => {
    expect(parseOptions([])).toMatchObject({
      quickly: false,
      rounds: 3,
      rows: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    });
    expect(parseOptions(['quickly', '--rows', '5,1', '--threads', '2'])).toMatchObject({
      quickly: true,
      rounds: 1,
      rows: [1, 5],
      threads: 2,
    });
  });

  it.each([['slowly'], ['--rows', '13'], ['--rows', ''], ['--rounds', '0'], ['--threads', 'two'], ['--colour']])(
    'are refused by name: %s %s',
    (...args) => {
      expect(() => parseOptions(args.filter((word) => word !== undefined))).toThrow();
    },
  );
});

import { expect, it } from 'vitest';
import { trainableOf } from '../../src/models/weights';

const names = [
  'model.embed_tokens.weight',
  'model.layers.0.mlp.up_proj.weight',
  'model.layers.10.mlp.up_proj.weight',
  'lm_head.weight',
];

it('holds embeddings, layers and patterns fixed', () => {
  expect(trainableOf(names, ['embeddings'])).toEqual(names.slice(1, 3));
});

it('takes a part of a name only whole', () => {
  expect(trainableOf(names, ['layers.0'])).toEqual([names[0], names[2], names[3]]);
  expect(trainableOf(names, ['model.layers.*'])).toEqual([names[0], names[3]]);
});

it('says when a pattern matches nothing or everything', () => {
  expect(() => trainableOf(names, ['layers.1'])).toThrow('no such parameters');
  expect(() => trainableOf(names, ['*'])).toThrow('nothing would learn');
});

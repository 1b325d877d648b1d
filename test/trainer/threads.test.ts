import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { physicalCores } from '../../src/tensor/runtime';
import { threadsFor } from '../../src/trainer/process';

it('takes the number of threads that the config asks for', () => {
  expect(threadsFor(3, undefined)).toBe(3);
  expect(threadsFor(3, { threads: 1 })).toBe(3);
});

it('goes on with as many threads as the run began with, where the machine has them', () => {
  expect(threadsFor(null, { threads: 1 })).toBe(1);
  expect(threadsFor(null, { threads: availableParallelism() })).toBe(availableParallelism());
  expect(threadsFor(null, { threads: availableParallelism() + 1 })).toBe(physicalCores());
});

it('takes one a physical core for a new run, and where the record is damaged', () => {
  for (const environment of [undefined, null, {}, { threads: 0 }, { threads: '2' }, { threads: 1.5 }])
    expect(threadsFor(null, environment)).toBe(physicalCores());
});

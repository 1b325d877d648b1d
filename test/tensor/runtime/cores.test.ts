import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { coresOfLinux, physicalCores } from '../../../src/tensor/runtime/cores';

/** A machine with four cores of two threads each: 0 and 4 are one core, 1 and 5, 2 and 6, 3 and 7. */
const machine = (allowed: string) => (path: string) => {
  if (path === '/proc/self/status') return `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nMems:\t0\n`;
  const cpu = Number(/cpu(\d+)[\\/]topology/.exec(path)?.[1]);
  return `${cpu % 4},${(cpu % 4) + 4}\n`;
};

it('counts cores, not their threads', () => {
  expect(coresOfLinux(machine('0-7'))).toBe(4);
});

it('counts only cores that the process may run on', () => {
  expect(coresOfLinux(machine('0-1,4-5'))).toBe(2);
  expect(coresOfLinux(machine('3,5,7'))).toBe(2);
  expect(coresOfLinux(machine('6'))).toBe(1);
});

it('counts at most what this machine runs in parallel, and at least one', () => {
  expect(physicalCores()).toBeGreaterThanOrEqual(1);
  expect(physicalCores()).toBeLessThanOrEqual(availableParallelism());
});

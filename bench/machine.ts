import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { bytes } from './table';

export interface Machine {
  cpu: string;
  cores: number;
  memory_bytes: number;
  platform: string;
  node: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    platform: `${platform()} ${release()} ${process.arch}`,
    node: process.version,
  };
}

/** The machine in one line. */
export function describeMachine(machine: Machine, threads: number): string {
  const { cpu, cores, memory_bytes: memory, platform: system, node } = machine;
  return `${cpu}, ${count(cores, 'core')}, ${bytes(memory)}, ${system}, Node ${node}, ${count(threads, 'thread')}`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

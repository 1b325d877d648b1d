import { Graph } from '../../src/tensor/graph';
import { matmul } from '../../src/tensor/ops';
import { Program } from '../../src/tensor/program';
import { openRuntime, type Runtime } from '../../src/tensor/runtime';
import { gemmFlops } from '../shapes';
import { median } from '../statistics';
import type { Parsed } from './main';

/** A float32 product of two size × size matrices, ready to be timed. */
export class Gemm {
  private readonly program: Program;
  private readonly call;
  private readonly tensors;

  constructor(
    runtime: Runtime,
    private readonly size: number,
  ) {
    const graph = new Graph();
    const dims = [size, size];
    const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float32', dims));
    this.program = Program.compile(runtime, 'gemm', { c: matmul(a, b, { transB: true }) });
    const filled = () => runtime.hostTensor('float32', dims, new Float32Array(size * size).fill(0.5));
    this.tensors = { a: filled(), b: filled(), c: filled() };
    const { a: left, b: right, c: product } = this.tensors;
    this.call = this.program.prepare({ a: left, b: right }, { c: product });
    this.call.run();
  }

  /** Floating-point operations a second, of each run. */
  rates(runs: number): number[] {
    return Array.from({ length: runs }, () => {
      const start = performance.now();
      this.call.run();
      return gemmFlops(this.size) / ((performance.now() - start) / 1e3);
    });
  }

  release(): void {
    this.call.release();
    for (const tensor of Object.values(this.tensors)) tensor.release();
    this.program.release();
  }
}

/** The machine's rate on its own. */
export async function measureGemm({ threads, size, runs }: Parsed<'gemm'>): Promise<unknown> {
  const runtime = openRuntime({ threads, backend: 'native' });
  const gemm = new Gemm(runtime, size);
  const rates = gemm.rates(runs);
  gemm.release();
  runtime.close();
  return { gemm_flops: median(rates), gemm_flops_runs: rates };
}

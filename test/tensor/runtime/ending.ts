/** A process that ends in the middle of things; see exit.test.ts. Arguments: how, device. */
import { openRuntime } from '../../../src/tensor/runtime';
import { useSoftwareAdapter } from '../adapter';
import { chain } from './model';

const [how, device] = process.argv.slice(2);
if (device === 'webgpu') useSoftwareAdapter();
const runtime = openRuntime({ device: device === 'webgpu' ? 'webgpu' : 'cpu', threads: 2 });
const size = 64;
const state = [0, 1].map(() => runtime.stateTensor('float32', [size, size]));
const [x, y] = state;
if (!x || !y) throw new Error('two tensors');
const call = runtime.createSession(chain(size, 60)).prepare({ x, w: x }, { y });
if (how === 'return') call.run();
if (how === 'exit') {
  call.run();
  process.exit(3);
}
if (how === 'exit while running') {
  void call.runAsync();
  setImmediate(() => process.exit(3));
}
if (how === 'throw while running') {
  void call.runAsync();
  setImmediate(() => {
    throw new Error('thrown on purpose');
  });
}

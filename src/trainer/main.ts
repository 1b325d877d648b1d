import { messageOf } from '../config/errors';
import { RunDir } from '../runs/directory';
import { trainRun } from './process';

/** `node trainer.js RUNDIR`: trains one run to its end. Exit codes as the command line has them. */
async function main(): Promise<number> {
  const folder = process.argv[2];
  if (!folder) {
    console.error('usage: trainer RUN_DIRECTORY');
    return 2;
  }
  try {
    return await trainRun(new RunDir(folder));
  } catch (error) {
    console.error(messageOf(error));
    return 1;
  }
}

process.exitCode = await main();

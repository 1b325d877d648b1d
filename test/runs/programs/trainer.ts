// A trainer that trains nothing: it takes the run and does what its environment asks.
import { RunDir } from '../../../src/runs/directory';
import { RunWriter } from '../../../src/runs/writer';

const behaviour = process.env.TEST_TRAINER;
console.log(`trainer output of pid ${process.pid}`);
if (behaviour === 'crash') {
  console.error('the base model is missing');
  process.exit(1);
}
if (behaviour === 'silent') setInterval(() => undefined, 1000);
else {
  const writer = RunWriter.open(new RunDir(process.argv[2] ?? ''));
  writer.environment({ ...process.env });
  if (behaviour === 'quick') writer.close('done');
  else {
    writer.setState('running');
    setInterval(() => undefined, 1000);
  }
}

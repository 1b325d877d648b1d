// An annotator in a window of their own, for tests to kill: labels in bursts, and tells each label that is stored.
import { LabelStore } from '../../../../src/data/labels/store';

const [folder, window, from, filler] = process.argv.slice(2);
const store = LabelStore.open(folder, { annotator: 'Ada', clone: 'x1y2' });
const told = (message: { stored?: string; undone?: string }): Promise<void> =>
  new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });

// From the first label that nobody acknowledged: it may be stored already, and is then sent again under its old id.
for (let n = Number(from); ; n++) {
  const id = `${window}-${n}`;
  // A long rationale makes torn lines likely; every fifth label is sent twice, as a panel does that saw no answer.
  const draft = {
    id,
    pair: id,
    ms: 0,
    guideline: null,
    shown: 'ab',
    value: 1,
    rationale: 'x'.repeat(Number(filler)),
  } as const;
  const burst = [store.append(draft)];
  if (n % 5 === 0) burst.push(store.append(draft));
  await Promise.all(burst);
  await told({ stored: id });
  if (n % 7 === 6 && (await store.undoLabel(id))) await told({ undone: id });
}

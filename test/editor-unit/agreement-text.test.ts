import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LabelStore } from '../../src/data/labels/store';
import type { LabelValue } from '../../src/data/labels/labels';
import { toPair, PAIRS_FILE } from '../../src/data/labels/pairs';
import { writePairs } from '../../src/data/labels/pairs-writer';
import { agreementText } from '../../src/editor/agreement/agreement-text';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'agreement-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const drafts = Array.from({ length: 6 }, (_, i) => ({
  prompt: `Question ${i} <b>?`,
  a: i === 0 ? 'ends a fence\n```\n# not a heading' : `a${i}`,
  b: `b${i}`,
  tags: ['facts'],
}));

async function label(annotator: string, values: readonly LabelValue[]): Promise<void> {
  const store = LabelStore.open(folder, { annotator, clone: 'c1' });
  for (const [i, value] of values.entries())
    await store.append({
      pair: toPair(drafts[i]).id,
      value,
      ms: 900,
      guideline: null,
      shown: 'ab',
      ...(annotator === 'ben' && i === 0 ? { rationale: 'The *first* is wrong.' } : {}),
    });
}

it('links each disputed pair to a section with all votes, and quotes foreign text so that it cannot break out', async () => {
  writePairs(join(folder, PAIRS_FILE), drafts);
  await label('ada', [2, 1, -1, 0, 1, 1]);
  await label('ben', [-2, 1, -1, 0, 1, -1]);
  const text = agreementText('collect', folder);
  const { id } = toPair(drafts[0]);
  expect(text).toContain(`](#pair-${id})`);
  const section = text.slice(text.indexOf(`## Pair ${id}`));
  expect(section).toContain('````text\nends a fence\n```\n# not a heading\n````');
  expect(section).toMatch(/\*\*ada\*\*: .*b/);
  expect(section).toContain('The \\*first\\* is wrong.');
  expect(text).not.toContain(`## Pair ${toPair(drafts[1]).id}`);
});

it('says what is missing where nothing can be compared', async () => {
  writePairs(join(folder, PAIRS_FILE), drafts);
  await label('ada', [1, 1]);
  expect(agreementText('collect', folder)).toMatch(/annotator/);
});

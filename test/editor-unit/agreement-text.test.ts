import { join } from 'node:path';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  expect(text).toContain('| [Question 0 &lt;b&gt;?](#disputed-pair-1) |');
  expect(text).toContain('| [Question 5 &lt;b&gt;?](#disputed-pair-2) |');
  const section = text.slice(text.indexOf('## Disputed pair 1'), text.indexOf('## Disputed pair 2'));
  expect(section).toContain('````text\nends a fence\n```\n# not a heading\n````');
  expect(section).toContain('- **ada**: b much (saw a first)');
  expect(section).toContain('- **ben**: a much (saw a first): The \\*first\\* is wrong.');
  expect(section).toContain('[Back to the list](#most-disputed)');
  expect(text).toContain('## Most disputed');
  expect(text).not.toContain('## Disputed pair 3');
});

it('shows every vote of a disputed pair, also those without a preference, and lets no id or name act', async () => {
  const hostile = 'x](command:evil) <img src=x>\u202e';
  writeFileSync(join(folder, PAIRS_FILE), `${JSON.stringify({ id: hostile, prompt: '', a: 'a\u001b[31m', b: 'b' })}\n`);
  const store = async (annotator: string, value: LabelValue): Promise<void> => {
    const rest = { ms: 900, guideline: null, shown: 'ba' as const };
    await LabelStore.open(folder, { annotator, clone: 'c1' }).append({ pair: hostile, value, ...rest });
  };
  await store('ada', 1);
  await store('<b>ben</b>', -1);
  await store('cleo', 'both_bad');
  const text = agreementText('collect', folder);
  const section = text.slice(text.indexOf('## Disputed pair 1'));
  expect(section).toContain('- **cleo**: both bad (saw b first)');
  expect(section).toContain('&lt;b&gt;ben&lt;/b&gt;');
  expect(section).toContain('a␛[31m');
  expect(text).not.toMatch(/(?<!\\)\]\(command:|<img|<b>|\u202e/);
  expect(text).not.toContain('\u001b');
});

it('says what is missing where nothing can be compared', async () => {
  writePairs(join(folder, PAIRS_FILE), drafts);
  await label('ada', [1, 1]);
  expect(agreementText('collect', folder)).toContain('All 2 ratings are by one annotator (ada): agreement needs two');
});

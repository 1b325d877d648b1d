import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/data/random';

/** JSON lines: pairs of which the answer with "yes" in it is better, of two tags. */
function preferences(count: number): string {
  const random = Random.from(3, 'pairs');
  const words = ['hello', 'world', 'red', 'blue', 'tree', 'cat'];
  const some = (n: number) =>
    Array.from({ length: n }, () => words[Math.floor(random.next() * words.length)]).join(' ');
  return Array.from({ length: count }, (_, i) => {
    const prompt = [{ role: 'user', content: `${some(2)} ${i % 60}` }];
    const answer = (content: string) => [{ role: 'assistant', content }];
    const [chosen, rejected] = [`yes ${some(1 + (i % 3))}`, `no ${some(1 + ((i + 1) % 4))}`].map(answer);
    return `${JSON.stringify({ prompt, chosen, rejected, tags: [i % 2 ? 'odd' : 'even'] })}\n`;
  }).join('');
}

/** Writes data/pairs.jsonl, and data/prompts.jsonl for a policy that is rewarded by what learnt from them. */
export function writePreferences(folder: string): void {
  writeFileSync(join(folder, 'data', 'pairs.jsonl'), preferences(240));
  writePrompts(folder);
}

/** Writes data/prompts.jsonl: sixteen prompts of the kind that the pairs have. */
export function writePrompts(folder: string): void {
  const prompts = Array.from({ length: 16 }, (_, i) => ({ prompt: [{ role: 'user', content: `cat ${i}` }] }));
  writeFileSync(join(folder, 'data', 'prompts.jsonl'), prompts.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

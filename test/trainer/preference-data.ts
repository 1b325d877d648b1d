import { Random } from '../../src/data/random';

/** JSON lines: pairs of which the answer with "yes" in it is better, of two tags. */
export function preferences(count: number): string {
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

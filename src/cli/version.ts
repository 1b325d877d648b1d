import { readFileSync } from 'node:fs';

/** The version in package.json, which lies above the bundle. */
export const VERSION = read();

function read(): string {
  try {
    const parsed: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  } catch {
    // A bundle on its own still works.
  }
  return 'unknown';
}

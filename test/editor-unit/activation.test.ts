import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Source files that a part holds, with those of the parts that it imports at once. */
function filesLoadedWith(part: string, { outputs }: Metafile, seen = new Set<string>()): string[] {
  const output = outputs[part];
  if (!output || seen.has(part)) return [];
  seen.add(part);
  const next = output.imports.filter(({ kind }) => kind === 'import-statement');
  return [
    ...Object.keys(output.inputs),
    ...next.flatMap(({ path }) => filesLoadedWith(path, { inputs: {}, outputs }, seen)),
  ];
}

it('is activated without zod, YAML or the config schema', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/editor/extension.ts'],
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    outdir: 'out',
    format: 'esm',
    platform: 'node',
    external: ['vscode'],
    logLevel: 'silent',
  });
  const atOnce = filesLoadedWith('out/extension.js', metafile);
  const late = Object.keys(metafile.inputs).filter((file) => !atOnce.includes(file));
  // The test would pass by itself if nothing were loaded at all.
  expect(atOnce).toContain('src/editor/align-file/lenses.ts');
  expect(late).toContain('src/config/parse.ts');
  expect(late.some((file) => file.includes('node_modules/zod/'))).toBe(true);
  const heavy = atOnce.filter((file) => file.includes('node_modules') || file.startsWith('src/config/schema/'));
  expect(heavy).toEqual([]);
});

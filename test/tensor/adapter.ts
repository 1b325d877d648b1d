import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where this machine has a software Vulkan driver (SwiftShader, which Chromium and VS Code bring), makes the WebGPU
 * tests use it, so that they need no GPU and are the same everywhere. Must run before the first WebGPU session.
 */
export function useSoftwareAdapter(): void {
  if (process.platform !== 'linux') return;
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  if (process.env.VK_ICD_FILENAMES) return;
  const driver = drivers().find((file) => existsSync(file));
  if (driver) process.env.VK_ICD_FILENAMES = driver;
}

function drivers(): string[] {
  const name = 'vk_swiftshader_icd.json';
  const cache = join(import.meta.dirname, '..', '..', '.vscode-test');
  const cached = existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : [];
  return [
    join('/usr/lib/chromium', name),
    ...cached.filter((file) => file.endsWith(name)).map((file) => join(cache, file)),
  ];
}

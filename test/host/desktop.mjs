/* global AbortSignal */
// Desktop VS Code, where this machine can show a window and download it.
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { cacheFolder, hostSupported } from './install.mjs';

/** A short question to VS Code's update server: true when the machine reaches it. */
async function canDownload() {
  try {
    const answer = await fetch('https://update.code.visualstudio.com/api/releases/stable', {
      signal: AbortSignal.timeout(5000),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

/**
 * Downloads desktop VS Code into the cache, unless it is there.
 * `ALIGN_TEST_HOST` set to `desktop` or `server` decides by hand.
 * @returns {Promise<string | undefined>} its executable; undefined where the code-server host is the better way
 */
export async function desktopVSCode() {
  const wanted = process.env.ALIGN_TEST_HOST;
  if (wanted === 'server') return undefined;
  const shown = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (wanted !== 'desktop' && hostSupported() && !(shown && (await canDownload()))) return undefined;
  return downloadAndUnzipVSCode({ cachePath: cacheFolder });
}

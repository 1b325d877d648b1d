// Starts and stops the code-server host: the part that the launcher, the UI driver and `npm start` share.
import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Arguments that make a browser quiet, offline and fit for a container. */
export const BROWSER_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--force-color-profile=srgb',
];

/** What may end this process before it stops its server. */
const ENDINGS = ['exit', 'SIGTERM', 'SIGHUP'];

/** Lines that the workbench itself prints in every healthy run. */
export const NOISE =
  /^(\[ChatModelSelection|\[AgentHost|\[AccountPolicyGate|\[reconnection-grace|\[Service Worker\] reg|Creating a socket|Resol(ving|ved) connection token|Updating additional builtin|Ignoring fetching additional builtin|(Error: )?Canceled: Canceled|Creation of workbench contribution|Timed out waiting for authentication provider|\[perf\]|%c?\[)/;

/**
 * The environment that keeps a test's window to itself: sockets and the queue of runs of this machine lie in a temporary
 * folder of its own, so that nothing is left behind and no other run is waited for.
 * @param {string} own
 */
export function isolated(own) {
  const folder = join(own, 'tmp');
  mkdirSync(folder, { recursive: true });
  return { TMPDIR: folder, XDG_RUNTIME_DIR: folder };
}

/**
 * Starts the server on a free port of this machine.
 * @param {{ host: string, data: string, extensions: string, trusted: boolean, env?: Record<string, string | undefined>, smokeTest?: boolean, onOutput?: (text: string) => void }} options
 *   `host`: the installed folder; `data` and `extensions`: the server's own folders; `trusted`: every folder is trusted
 * @returns {Promise<{ port: number, stop: () => Promise<void>, exited: Promise<number | null> }>}
 * @throws {Error} with the server's output when it ends before it listens, or says nothing for 60 s
 */
export async function startServer({ host, data, extensions, trusted, env, smokeTest = true, onOutput }) {
  for (const folder of [data, extensions]) mkdirSync(folder, { recursive: true });
  /** @type {Record<string, string | undefined>} */
  const serverEnv = { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...env };
  for (const key of Object.keys(serverEnv)) if (/^(NODE_OPTIONS|VITEST.*|npm_.*)$/i.test(key)) delete serverEnv[key];
  const server = spawn(
    join(host, 'node'),
    [
      join(host, 'vscode', 'out', 'server-main.js'),
      '--host=127.0.0.1',
      '--port=0',
      '--without-connection-token',
      '--accept-server-license-terms',
      // A server whose test was killed before it could stop it ends some minutes after its last window.
      ...(smokeTest ? ['--enable-smoke-test-driver', '--enable-remote-auto-shutdown'] : []),
      '--disable-telemetry',
      ...(trusted ? ['--disable-workspace-trust'] : []),
      '--server-data-dir',
      data,
      '--extensions-dir',
      extensions,
    ],
    // A group of its own, so that everything it starts ends with it.
    { env: serverEnv, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  /** @type {Promise<number | null>} */
  const exited = new Promise((resolve) => server.once('exit', (code) => resolve(code)));
  const signal = (/** @type {NodeJS.Signals} */ name) => {
    try {
      if (server.pid) process.kill(-server.pid, name);
    } catch {
      // The group is gone already.
    }
  };
  const stop = async () => {
    for (const event of ENDINGS) process.off(event, onExit);
    signal('SIGTERM');
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 3000))]);
    signal('SIGKILL');
  };
  const onExit = () => signal('SIGKILL');
  // Whoever else handles the signal decides when this process ends; the server must not outlive it.
  for (const event of ENDINGS) process.once(event, onExit);
  let output = '';
  /** @type {number} */
  const port = await new Promise((resolve, reject) => {
    const limit = setTimeout(
      () => reject(new Error(`the VS Code server said no port within 60 s:\n${output}`)),
      60_000,
    );
    const read = (/** @type {Buffer} */ chunk) => {
      const text = chunk.toString();
      onOutput?.(text);
      if (output.length > 100_000) return;
      output += text;
      const match = /Extension host agent listening on (\d+)/.exec(output);
      if (!match) return;
      clearTimeout(limit);
      resolve(Number(match[1]));
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    void exited.then((code) => {
      clearTimeout(limit);
      reject(new Error(`the VS Code server ended with ${code}:\n${output}`));
    });
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return { port, stop, exited };
}

/**
 * The path by which the host loads an extension from its source folder. The cached host lies inside this repo, and
 * VS Code takes all that lies under the folder of the extension under development for its own: it would start with the
 * first of its built-in themes, as if that were the one to try out. A link elsewhere tells them apart.
 * @param {{ host: string, extension: string, own: string }} options `own`: a folder of this run, where the link is made
 */
export function extensionPath({ host, extension, own }) {
  if (relative(extension, host).startsWith('..')) return extension;
  const link = join(own, 'extension');
  symlinkSync(extension, link, 'dir');
  return link;
}

/**
 * The address of the workbench with a folder open and an extension loaded from its source folder.
 * @param {{ port: number, folder: string, extension?: string, tests?: string }} options
 */
export function workbenchUrl({ port, folder, extension, tests }) {
  const remote = `vscode-remote://127.0.0.1:${port}`;
  const payload = [
    ...(extension ? [['extensionDevelopmentPath', remote + extension]] : []),
    ...(tests ? [['extensionTestsPath', remote + tests]] : []),
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
  ];
  return `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
}
